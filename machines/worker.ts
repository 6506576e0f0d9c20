/**
 * The worker machine: one slot of an agent's pool.
 *
 *      ┌──────────── retry.due ───────────┐
 *      ▼                                  │
 *   starting ──start.failed──────▶ backing_off        10 failures in 10 min lead to crashed instead
 *      │  ▲                           ▲   ▲
 *      │  └─ start.requested ─ crashed│   │           crashed and stopped are left by start.requested only
 *      │start.succeeded      · stopped│   │
 *      ▼                              │   │
 *    idle ──────worker.failed─────────┘   │
 *      │ ▲                                │
 *      ▼ │attempt.ended                   │
 *    busy ──────worker.failed─────────────┘
 *
 * stop.requested ends an idle, starting or waiting worker at once, and a busy one when its attempt has ended.
 * Pure: times and random numbers arrive in the events. Run as a live actor by agent/pool.ts, which starts the worker, gives it
 * attempts and sends `retry.due` when `waitMs` is over.
 */
import { assign, setup } from 'xstate';
import { backoffMs } from './backoff.ts';
import type { BackoffPolicy } from './backoff.ts';

/** The wait before a failed worker is started again. */
export const WORKER_BACKOFF: BackoffPolicy = { initialMs: 1_000, maxMs: 60_000 };
/** This many failures … */
export const CRASH_FAILURES = 10;
/** … within this time make a worker `crashed`. */
export const CRASH_WINDOW_MS = 10 * 60_000;
/** A worker that was healthy for so long has its failures forgiven. */
export const HEALTHY_RESET_MS = 5 * 60_000;

/** The attempt that a worker carries out. */
export interface Assignment {
  readonly taskId: string;
  readonly attempt: number;
}

export interface WorkerInput {
  /** From 0. */
  readonly slot: number;
}

export interface WorkerContext extends WorkerInput {
  /** Null unless busy. */
  readonly assignment: Assignment | null;
  /** Times of the failures that still count, oldest first. Monotonic ms. */
  readonly failedAt: readonly number[];
  /** Since when it has been idle or busy without a failure; null otherwise. */
  readonly healthySince: number | null;
  /** How long to wait in backing_off; 0 elsewhere. */
  readonly waitMs: number;
  /** Why it failed last, in a sentence. */
  readonly why: string;
  /** A busy worker was asked to stop. */
  readonly isStopAsked: boolean;
}

interface Failure {
  readonly at: number;
  readonly random: number;
  readonly why: string;
}

export type WorkerEvent =
  | { readonly type: 'start.succeeded'; readonly at: number }
  | ({ readonly type: 'start.failed' } & Failure)
  | ({ readonly type: 'attempt.assigned' } & Assignment)
  /** The attempt is over, however it ended; the worker is fine. */
  | { readonly type: 'attempt.ended' }
  /** The worker itself broke, idle or with its attempt. */
  | ({ readonly type: 'worker.failed' } & Failure)
  | { readonly type: 'retry.due' }
  /** By hand. */
  | { readonly type: 'start.requested' }
  | { readonly type: 'stop.requested' };

/** The failures that count together with one at `failure.at`. */
function countFailures(context: WorkerContext, failure: Failure): readonly number[] {
  const { failedAt, healthySince } = context;
  const isForgiven = healthySince !== null && failure.at - healthySince >= HEALTHY_RESET_MS;
  const former = isForgiven ? [] : failedAt.filter((at) => failure.at - at < CRASH_WINDOW_MS);
  return [...former, failure.at];
}

function isFailure(event: WorkerEvent): event is WorkerEvent & Failure {
  return event.type === 'start.failed' || event.type === 'worker.failed';
}

const machineSetup = setup({
  types: {} as { context: WorkerContext; events: WorkerEvent; input: WorkerInput },
  guards: {
    isStopAsked: ({ context }) => context.isStopAsked,
    isOneTooMany: ({ context, event }) =>
      isFailure(event) && countFailures(context, event).length >= CRASH_FAILURES,
  },
  actions: {
    becomeHealthy: assign(({ context, event }) =>
      event.type === 'start.succeeded' ? { healthySince: event.at } : context,
    ),
    takeAttempt: assign(({ context, event }) =>
      event.type === 'attempt.assigned'
        ? { assignment: { taskId: event.taskId, attempt: event.attempt } }
        : context,
    ),
    releaseAttempt: assign({ assignment: null }),
    askStop: assign({ isStopAsked: true }),
    recordFailure: assign(({ context, event }) => {
      if (!isFailure(event)) return context;
      const failedAt = countFailures(context, event);
      return {
        failedAt,
        assignment: null,
        healthySince: null,
        why: event.why,
        waitMs: backoffMs(WORKER_BACKOFF, failedAt.length, event.random),
      };
    }),
    endWait: assign({ waitMs: 0 }),
    rest: assign({ assignment: null, healthySince: null, waitMs: 0, isStopAsked: false }),
    forgive: assign({ failedAt: [], why: '' }),
  },
});

const failing = [
  { guard: 'isStopAsked', target: 'stopped', actions: 'recordFailure' },
  { guard: 'isOneTooMany', target: 'crashed', actions: 'recordFailure' },
  { target: 'backing_off', actions: 'recordFailure' },
] as const;

const stopping = { target: 'stopped' } as const;

export const workerMachine = machineSetup.createMachine({
  id: 'worker',
  context: ({ input }) => ({
    slot: input.slot,
    assignment: null,
    failedAt: [],
    healthySince: null,
    waitMs: 0,
    why: '',
    isStopAsked: false,
  }),
  initial: 'starting',
  states: {
    starting: {
      on: {
        'start.succeeded': { target: 'idle', actions: 'becomeHealthy' },
        'start.failed': failing,
        'stop.requested': stopping,
      },
    },
    idle: {
      on: {
        'attempt.assigned': { target: 'busy', actions: 'takeAttempt' },
        'worker.failed': failing,
        'stop.requested': stopping,
      },
    },
    busy: {
      on: {
        'attempt.ended': [
          { guard: 'isStopAsked', target: 'stopped' },
          { target: 'idle', actions: 'releaseAttempt' },
        ],
        'worker.failed': failing,
        'stop.requested': { actions: 'askStop' },
      },
    },
    backing_off: {
      on: {
        'retry.due': { target: 'starting', actions: 'endWait' },
        'start.requested': { target: 'starting', actions: 'endWait' },
        'stop.requested': stopping,
      },
    },
    crashed: {
      entry: 'endWait',
      on: {
        'start.requested': { target: 'starting', actions: 'forgive' },
        'stop.requested': stopping,
      },
    },
    stopped: {
      entry: 'rest',
      on: { 'start.requested': { target: 'starting', actions: 'forgive' } },
    },
  },
});
