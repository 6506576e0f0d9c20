// Counts per minute.
import { describe, expect, it } from 'vitest';
import { countStep, growTo, type Minute, MINUTE_MS } from './minutes.ts';

const AT = 100 * MINUTE_MS;

describe('counts per minute', () => {
  it('count creations and ends, timeouts as failures', () => {
    let minutes: readonly Minute[] = [];
    minutes = countStep(minutes, { fromState: '', toState: 'pending.queued' }, AT);
    minutes = countStep(minutes, { fromState: 'running.executing', toState: 'timeout' }, AT + 1);
    minutes = countStep(minutes, { fromState: 'running.executing', toState: 'failed' }, AT + 2);
    minutes = countStep(minutes, { fromState: 'running.executing', toState: 'completed' }, AT + 3);
    minutes = countStep(minutes, { fromState: 'a', toState: 'running.executing' }, AT + 4);
    expect(minutes).toEqual([{ at: AT, created: 1, completed: 1, failed: 2 }]);
  });

  it('have the minutes in which nothing happened, and an hour at most', () => {
    const minutes = countStep(growTo([], AT), { fromState: '', toState: 'x' }, AT + 3 * MINUTE_MS);
    expect(minutes.map(({ created }) => created)).toEqual([0, 0, 0, 1]);
    expect(growTo(minutes, AT + 1_000 * MINUTE_MS)).toHaveLength(60);
    expect(growTo(minutes, AT)).toBe(minutes);
  });
});
