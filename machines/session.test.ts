// Every outcome of the session machine, its waits, and that nothing leaves `stopped`.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getInitialSnapshot, getNextSnapshot } from 'xstate';
import type { SnapshotFrom } from 'xstate';
import { adjacencyMapToArray, getAdjacencyMap } from 'xstate/graph';
import { RECONNECT_BACKOFF, SESSION_PROVED_MS, sessionMachine } from './session.ts';
import type { SessionEvent } from './session.ts';

const EVENTS: SessionEvent[] = [
  { type: 'session.welcomed', at: 0, epoch: 1 },
  { type: 'session.failed', at: 0, random: 0.5, why: 'refused' },
  { type: 'session.shutdown', random: 0.5, why: 'stops' },
  { type: 'session.replaced', why: 'replaced' },
  { type: 'session.refused', why: 'version' },
  { type: 'retry.due' },
  { type: 'stop.requested' },
];

/** What each event does in each state; a state that is not named ignores the event. */
const OUTCOMES: Record<SessionEvent['type'], Record<string, string>> = {
  'session.welcomed': { connecting: 'online' },
  'session.failed': { connecting: 'backing_off', online: 'backing_off' },
  'session.shutdown': { connecting: 'backing_off', online: 'backing_off' },
  'session.replaced': { connecting: 'backing_off', online: 'backing_off' },
  'session.refused': { connecting: 'backing_off', online: 'backing_off' },
  'retry.due': { backing_off: 'connecting' },
  'stop.requested': { connecting: 'stopped', online: 'stopped', backing_off: 'stopped' },
};

type Snapshot = SnapshotFrom<typeof sessionMachine>;

const start = (): Snapshot => getInitialSnapshot(sessionMachine);
const run = (events: SessionEvent[], from = start()): Snapshot =>
  events.reduce((snapshot, event) => getNextSnapshot(sessionMachine, snapshot, event), from);
const failed = (at: number, random: number): SessionEvent => ({
  type: 'session.failed',
  at,
  random,
  why: 'connection refused',
});

describe('session machine', () => {
  it('has a stated outcome for every reachable state and event', () => {
    const map = getAdjacencyMap(sessionMachine, {
      events: EVENTS,
      serializeState: (snapshot) => `${snapshot.value} ${Math.min(snapshot.context.failures, 11)}`,
    });
    const seen = new Set<string>();
    for (const { state, event, nextState } of adjacencyMapToArray(map)) {
      seen.add(`${state.value} ${event.type}`);
      const expected = OUTCOMES[event.type][state.value] ?? state.value;
      expect(nextState.value, `${event.type} in ${state.value}`).toBe(expected);
      if (OUTCOMES[event.type][state.value] === undefined) {
        expect(nextState.context).toEqual(state.context);
      }
    }
    expect(seen.size).toBe(4 * EVENTS.length);
  });

  it('doubles its wait to 10 s, with full jitter', () => {
    const waits = (random: number) => {
      let snapshot = start();
      return Array.from({ length: 8 }, () => {
        snapshot = run([failed(0, random)], snapshot);
        const { waitMs } = snapshot.context;
        snapshot = run([{ type: 'retry.due' }], snapshot);
        return waitMs;
      });
    };
    expect(waits(0.999_999)).toEqual([199, 399, 799, 1599, 3199, 6399, 9999, 9999]);
    expect(waits(0)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('goes on backing off when each session ends as soon as it is welcomed', () => {
    const rounds = Array.from({ length: 5 }, (): SessionEvent[] => [
      { type: 'session.welcomed', at: 0, epoch: 1 },
      failed(1, 0.5),
      { type: 'retry.due' },
    ]);
    expect(run(rounds.flat()).context.failures).toBe(5);
  });

  it('starts with a short wait again after a session that lasted', () => {
    const before = run([
      failed(0, 0.5),
      { type: 'retry.due' },
      failed(0, 0.5),
      { type: 'retry.due' },
    ]);
    const after = run(
      [{ type: 'session.welcomed', at: 5, epoch: 1 }, failed(5 + SESSION_PROVED_MS, 0.5)],
      before,
    );
    expect(after.context).toMatchObject({ failures: 1, waitMs: 100, welcomedAt: null });
  });

  it('connects again at once when the supervisor stops in good order', () => {
    const shutdown: SessionEvent = { type: 'session.shutdown', random: 0.25, why: 'stops' };
    expect(run([...Array(6).fill(failed(0, 0.5)), shutdown]).value).toBe('backing_off');
    const online = run([{ type: 'session.welcomed', at: 0, epoch: 3 }, shutdown]);
    expect(online.context).toMatchObject({ failures: 0, waitMs: 50, epoch: 3 });
  });

  it('does not fight the agent that replaced it: the longest wait, now and after each failure', () => {
    const replaced = run([
      { type: 'session.welcomed', at: 0, epoch: 1 },
      { type: 'session.replaced', why: 'a newer agent' },
    ]);
    expect(replaced.context.waitMs).toBe(RECONNECT_BACKOFF.maxMs);
    const next = run([{ type: 'retry.due' }, failed(0, 0.999_999)], replaced);
    expect(next.context.waitMs).toBe(RECONNECT_BACKOFF.maxMs - 1);
  });

  it('never leaves stopped, whatever arrives', () => {
    const stopped = run([{ type: 'stop.requested' }]);
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...EVENTS)), (events) => {
        expect(run(events, stopped)).toMatchObject({
          value: 'stopped',
          status: 'done',
          context: stopped.context,
        });
      }),
    );
  });
});
