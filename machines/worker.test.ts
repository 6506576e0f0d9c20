// Every outcome of the worker machine, its waits, and when it gives up.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getInitialSnapshot, getNextSnapshot } from 'xstate';
import type { SnapshotFrom } from 'xstate';
import { adjacencyMapToArray, getAdjacencyMap } from 'xstate/graph';
import {
  CRASH_FAILURES,
  CRASH_WINDOW_MS,
  HEALTHY_RESET_MS,
  WORKER_BACKOFF,
  workerMachine,
} from './worker.ts';
import type { WorkerEvent } from './worker.ts';

const SLOT_EVENTS: WorkerEvent[] = [
  { type: 'start.succeeded', at: 0 },
  { type: 'start.failed', at: 0, random: 0.5, why: 'no sh' },
  { type: 'attempt.assigned', taskId: 't', attempt: 1 },
  { type: 'attempt.ended' },
  { type: 'worker.failed', at: 0, random: 0.5, why: 'broke' },
  { type: 'retry.due' },
  { type: 'start.requested' },
  { type: 'stop.requested' },
  { type: 'restart.requested' },
];

const EVENTS: WorkerEvent[] = [
  ...SLOT_EVENTS,
  { type: 'command.started', at: 0 },
  { type: 'command.ended', why: 'exit code 0' },
];

/**
 * What each event does in each state; else nothing. `busy!` was asked to stop, `busy~` to restart; `backing_off*` and so on have
 * 9 failures.
 */
const OUTCOMES: Record<WorkerEvent['type'], Record<string, string>> = {
  'start.succeeded': { starting: 'idle' },
  'start.failed': { starting: 'backing_off', 'starting*': 'crashed' },
  'attempt.assigned': { idle: 'busy' },
  'attempt.ended': { busy: 'idle', 'busy!': 'stopped', 'busy~': 'starting' },
  'worker.failed': {
    idle: 'backing_off',
    'idle*': 'crashed',
    busy: 'backing_off',
    'busy*': 'crashed',
    'busy!': 'stopped',
    'busy~': 'starting',
  },
  'command.started': { starting: 'busy' },
  'command.ended': { starting: 'stopped', busy: 'stopped', 'busy~': 'starting' },
  'retry.due': { backing_off: 'starting' },
  'start.requested': {
    backing_off: 'starting',
    crashed: 'starting',
    stopped: 'starting',
    'busy!': 'busy',
  },
  'stop.requested': {
    starting: 'stopped',
    idle: 'stopped',
    busy: 'busy',
    backing_off: 'stopped',
    crashed: 'stopped',
  },
  'restart.requested': {
    idle: 'starting',
    busy: 'busy',
    backing_off: 'starting',
    crashed: 'starting',
    stopped: 'starting',
  },
};

type Snapshot = SnapshotFrom<typeof workerMachine>;

const start = (): Snapshot => getInitialSnapshot(workerMachine, { name: 'slot-0' });
const run = (events: WorkerEvent[], from = start()): Snapshot =>
  events.reduce((snapshot, event) => getNextSnapshot(workerMachine, snapshot, event), from);
const failStart = (at: number, random = 0.5): WorkerEvent => ({
  type: 'start.failed',
  at,
  random,
  why: 'no sh',
});
const RETRY: WorkerEvent = { type: 'retry.due' };

/** The outcome that the table states, or undefined where the event does nothing. */
function expectedOutcome(snapshot: Snapshot, event: WorkerEvent): string | undefined {
  const { value, context } = snapshot;
  const outcomes = OUTCOMES[event.type];
  const isLast = context.failedAt.length === CRASH_FAILURES - 1;
  const asked = context.asked === null ? '' : context.asked === 'stop' ? '!' : '~';
  const whenAsked = asked === '' ? undefined : outcomes[`${value}${asked}`];
  if (whenAsked !== undefined) return whenAsked;
  if (isLast && outcomes[`${value}*`] !== undefined) return outcomes[`${value}*`];
  return outcomes[value];
}

describe('worker machine', () => {
  it('has a stated outcome for every reachable state and event', () => {
    const map = getAdjacencyMap(workerMachine, {
      events: EVENTS,
      input: { name: 'slot-0' },
      serializeState: ({ value, context }) =>
        `${value} ${context.failedAt.length} ${context.asked} ${context.healthySince}`,
    });
    const seen = new Set<string>();
    for (const { state, event, nextState } of adjacencyMapToArray(map)) {
      seen.add(`${state.value} ${event.type}`);
      const expected = expectedOutcome(state, event);
      expect(nextState.value, `${event.type} in ${state.value}`).toBe(expected ?? state.value);
      if (expected === undefined) expect(nextState.context).toEqual(state.context);
    }
    expect(seen.size).toBe(6 * EVENTS.length);
  });

  it('waits 1 s, then twice as long each time, to 60 s, with full jitter', () => {
    let snapshot = start();
    const waits = Array.from({ length: 8 }, () => {
      snapshot = run([failStart(0, 0.999_999)], snapshot);
      const { waitMs } = snapshot.context;
      snapshot = run([RETRY], snapshot);
      return waitMs;
    });
    expect(waits).toEqual([999, 1999, 3999, 7999, 15999, 31999, 59999, 59999]);
    expect(run([failStart(0, 0)]).context.waitMs).toBe(0);
    expect(Math.max(...waits)).toBeLessThan(WORKER_BACKOFF.maxMs);
  });

  it('crashes after 10 failures in 10 minutes, and is started again by hand only', () => {
    const events = Array.from({ length: CRASH_FAILURES }, () => [failStart(0), RETRY]).flat();
    const crashed = run(events);
    expect(crashed.value).toBe('crashed');
    expect(run([RETRY], crashed).value).toBe('crashed');
    const restarted = run([{ type: 'start.requested' }], crashed);
    expect(restarted).toMatchObject({ value: 'starting', context: { failedAt: [] } });
  });

  it('never crashes while failures are further apart', () => {
    const step = Math.ceil(CRASH_WINDOW_MS / (CRASH_FAILURES - 1));
    const events = Array.from({ length: 50 }, (_, index) => [
      failStart(index * step),
      RETRY,
    ]).flat();
    expect(run(events).value).toBe('starting');
  });

  it('forgets its failures after 5 healthy minutes', () => {
    const failing = Array.from({ length: 9 }, () => [failStart(0), RETRY]).flat();
    const healthy = run([...failing, { type: 'start.succeeded', at: 0 }]);
    const failAt = (at: number): WorkerEvent => ({
      type: 'worker.failed',
      at,
      random: 0.5,
      why: 'broke',
    });
    expect(run([failAt(HEALTHY_RESET_MS - 1)], healthy).value).toBe('crashed');
    const after = run([failAt(HEALTHY_RESET_MS)], healthy);
    expect(after).toMatchObject({
      value: 'backing_off',
      context: { failedAt: [HEALTHY_RESET_MS], waitMs: 500 },
    });
  });

  it('finishes its attempt before it stops', () => {
    const asked = run([
      { type: 'start.succeeded', at: 0 },
      { type: 'attempt.assigned', taskId: 't', attempt: 2 },
      { type: 'stop.requested' },
    ]);
    expect(asked).toMatchObject({
      value: 'busy',
      context: { assignment: { taskId: 't', attempt: 2 } },
    });
    expect(run([{ type: 'attempt.ended' }], asked)).toMatchObject({
      value: 'stopped',
      context: { assignment: null, asked: null },
    });
  });

  it('finishes its attempt before it is started again, with its failures forgiven', () => {
    const asked = run([
      failStart(0),
      RETRY,
      { type: 'start.succeeded', at: 0 },
      { type: 'attempt.assigned', taskId: 't', attempt: 2 },
      { type: 'restart.requested' },
    ]);
    expect(asked).toMatchObject({ value: 'busy', context: { asked: 'restart' } });
    const after = run([{ type: 'attempt.ended' }], asked);
    expect(after).toMatchObject({
      value: 'starting',
      context: { assignment: null, asked: null, failedAt: [] },
    });
  });

  it('starts again after a stop under way when it is started meanwhile', () => {
    const asked = run([{ type: 'command.started', at: 0 }, { type: 'stop.requested' }]);
    expect(
      run([{ type: 'start.requested' }, { type: 'command.ended', why: '' }], asked).value,
    ).toBe('starting');
  });

  it('counts a command that ends again and again, unless it lived for 5 minutes', () => {
    const round = (at: number, livedMs: number): WorkerEvent[] => [
      { type: 'command.started', at },
      { type: 'worker.failed', at: at + livedMs, random: 0.5, why: 'exit code 1' },
      RETRY,
    ];
    const many = (livedMs: number) =>
      Array.from({ length: CRASH_FAILURES }, (_, i) => round(i * livedMs, livedMs)).flat();
    expect(run(many(1_000)).value).toBe('crashed');
    expect(run(many(HEALTHY_RESET_MS)).value).toBe('starting');
  });

  it('has an assignment exactly while it is busy (I8)', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...SLOT_EVENTS), { maxLength: 40 }), (events) => {
        const { value, context } = run(events);
        expect(context.assignment !== null).toBe(value === 'busy');
      }),
      { numRuns: 1000 },
    );
  });
});
