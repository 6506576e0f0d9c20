/** Transitions as phases. */
import { describe, expect, it } from 'vitest';
import { rowsOf, type Step, ticksOf, timeIn } from './phases.ts';

function steps(...of: readonly (readonly [number, string, number, string?])[]): Step[] {
  return of.map(([at, toState, attempt, nodeId = '']) => ({
    eventType: '',
    at,
    toState,
    attempt,
    nodeId,
  }));
}

const RETRIED = steps(
  [0, 'pending.queued', 0],
  [10, 'running.dispatched', 1, 'web-1'],
  [12, 'running.executing', 1],
  [50, 'pending.delayed', 1],
  [70, 'pending.queued', 1],
  [80, 'running.dispatched', 2, 'web-2'],
  [81, 'running.executing', 2],
  [95, 'running.stopping', 2],
  [96, 'running.stopping', 2],
  [99, 'cancelled', 2],
);

describe('rowsOf', () => {
  it('makes a row of each attempt, and puts what is waited for before it', () => {
    expect(rowsOf(RETRIED)).toEqual([
      {
        number: 1,
        nodeId: 'web-1',
        end: 'retry',
        phases: [
          { kind: 'waiting', from: 0, to: 10 },
          { kind: 'dispatched', from: 10, to: 12 },
          { kind: 'executing', from: 12, to: 50 },
        ],
      },
      {
        number: 2,
        nodeId: 'web-2',
        end: 'cancelled',
        phases: [
          { kind: 'backoff', from: 50, to: 70 },
          { kind: 'waiting', from: 70, to: 80 },
          { kind: 'dispatched', from: 80, to: 81 },
          { kind: 'executing', from: 81, to: 95 },
          { kind: 'stopping', from: 95, to: 99 },
        ],
      },
    ]);
  });

  it('leaves open what lasts', () => {
    const [row] = rowsOf(steps([5, 'pending.held', 0], [9, 'pending.delayed', 0]));
    expect(row?.phases).toEqual([
      { kind: 'held', from: 5, to: 9 },
      { kind: 'delayed', from: 9, to: null },
    ]);
    expect(row?.end).toBeNull();
  });

  it('has a row for the attempt that a cancelled task never began', () => {
    const rows = rowsOf(steps([0, 'pending.queued', 0], [4, 'cancelled', 0]));
    expect(rows).toEqual([
      {
        number: 1,
        nodeId: '',
        end: 'cancelled',
        phases: [{ kind: 'waiting', from: 0, to: 4 }],
      },
    ]);
  });

  it('counts the time of phases, open ones up to now', () => {
    const [first, second] = rowsOf(RETRIED.slice(0, 7));
    expect(first && timeIn(first, ['executing'], 100)).toBe(38);
    expect(second && timeIn(second, ['backoff', 'waiting'], 100)).toBe(30);
    expect(second && timeIn(second, ['executing'], 100)).toBe(19);
  });
});

describe('ticksOf', () => {
  it('takes round durations, not too many', () => {
    expect(ticksOf(8_100, 8)).toEqual([0, 2_000, 4_000, 6_000, 8_000]);
    expect(ticksOf(90_000, 6)).toEqual([0, 15_000, 30_000, 45_000, 60_000, 75_000, 90_000]);
    expect(ticksOf(0, 8)).toEqual([0]);
    for (const length of [3, 40, 999, 61_000, 5e6, 9e8, 2e12]) {
      expect(ticksOf(length, 8).length).toBeLessThanOrEqual(9);
    }
  });
});
