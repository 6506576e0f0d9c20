/**
 * The session machine: an agent's connection to its supervisor, seen from the agent.
 *
 *            ┌──────────────── retry.due ───────────────┐
 *            ▼                                          │
 *       connecting ──session.welcomed──▶ online ──┐     │
 *            │                                    │     │
 *            └── session.failed · replaced · ─────┴▶ backing_off
 *                shutdown · refused
 *       stop.requested leads from every state to stopped, which is final
 *
 * Pure: times and random numbers arrive in the events; how long to wait stands in the context as `waitMs`. Run as a live actor
 * by agent/session.ts, which opens and closes streams by the state and sends `retry.due` when the wait is over.
 */
import { assign, setup } from 'xstate';
import { backoffMs } from './backoff.ts';
import type { BackoffPolicy } from './backoff.ts';

/** The wait before the agent connects again. */
export const RECONNECT_BACKOFF: BackoffPolicy = { initialMs: 200, maxMs: 10_000 };

/** A session that lasted this long has proved that the supervisor works: the next wait is a short one again. */
export const SESSION_PROVED_MS = 10_000;

export interface SessionContext {
  /** Tries that failed in a row. */
  readonly failures: number;
  /** How long to wait in backing_off; 0 elsewhere. */
  readonly waitMs: number;
  /** Why there is no session, in a sentence; empty while there is one. */
  readonly why: string;
  /** The fencing number of the current or last session; 0 before the first. */
  readonly epoch: number;
  /** When the current session was welcomed; null while there is none. Monotonic ms. */
  readonly welcomedAt: number | null;
}

export type SessionEvent =
  /** The supervisor has accepted the session. */
  | { readonly type: 'session.welcomed'; readonly at: number; readonly epoch: number }
  /** It could not be opened, broke, or was silent for too long. */
  | {
      readonly type: 'session.failed';
      readonly at: number;
      readonly random: number;
      readonly why: string;
    }
  /** The supervisor stops in good order; another one, or its successor, is there at once. */
  | { readonly type: 'session.shutdown'; readonly random: number; readonly why: string }
  /** Another agent with this node's id has the session: it has taken over, or was there before. */
  | { readonly type: 'session.replaced'; readonly why: string }
  /** The two sides cannot talk to each other: no common version, or no valid token. */
  | { readonly type: 'session.refused'; readonly why: string }
  /** The wait is over. */
  | { readonly type: 'retry.due' }
  | { readonly type: 'stop.requested' };

/** Enough failures for every further wait to be drawn from the longest one. */
const LONG_FAILED = 10;

const machineSetup = setup({
  types: {} as { context: SessionContext; events: SessionEvent },
  actions: {
    enterSession: assign(({ context, event }) =>
      event.type === 'session.welcomed'
        ? { ...context, epoch: event.epoch, welcomedAt: event.at, why: '' }
        : context,
    ),
    backOff: assign(({ context, event }) => {
      if (event.type !== 'session.failed') return context;
      const { welcomedAt } = context;
      const isProved = welcomedAt !== null && event.at - welcomedAt >= SESSION_PROVED_MS;
      const failures = isProved ? 1 : context.failures + 1;
      const waitMs = backoffMs(RECONNECT_BACKOFF, failures, event.random);
      return { failures, waitMs, why: event.why, welcomedAt: null };
    }),
    /** Hardly any wait, yet not the same one for all agents of a supervisor that stops. */
    backOffBriefly: assign(({ context, event }) =>
      event.type === 'session.shutdown'
        ? {
            failures: 0,
            waitMs: backoffMs(RECONNECT_BACKOFF, 1, event.random),
            why: event.why,
            welcomedAt: null,
          }
        : context,
    ),
    /** The whole longest wait, without jitter: whoever is right must not be fought. */
    backOffLong: assign(({ context, event }) =>
      event.type === 'session.replaced' || event.type === 'session.refused'
        ? {
            failures: LONG_FAILED,
            waitMs: RECONNECT_BACKOFF.maxMs,
            why: event.why,
            welcomedAt: null,
          }
        : context,
    ),
    endWait: assign({ waitMs: 0 }),
    leave: assign({ waitMs: 0, welcomedAt: null }),
  },
});

const lost = {
  'session.failed': { target: 'backing_off', actions: 'backOff' },
  'session.shutdown': { target: 'backing_off', actions: 'backOffBriefly' },
  'session.replaced': { target: 'backing_off', actions: 'backOffLong' },
  'session.refused': { target: 'backing_off', actions: 'backOffLong' },
} as const;

export const sessionMachine = machineSetup.createMachine({
  id: 'session',
  context: { failures: 0, waitMs: 0, why: '', epoch: 0, welcomedAt: null },
  initial: 'connecting',
  on: { 'stop.requested': { target: '.stopped', actions: 'leave' } },
  states: {
    connecting: {
      on: { ...lost, 'session.welcomed': { target: 'online', actions: 'enterSession' } },
    },
    online: { on: lost },
    backing_off: { on: { 'retry.due': { target: 'connecting', actions: 'endWait' } } },
    stopped: { type: 'final' },
  },
});
