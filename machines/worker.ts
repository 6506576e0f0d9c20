/**
 * The worker machine: one slot of an agent's pool, or one command that the agent keeps alive.
 *
 *      ┌──────────── retry.due ───────────┐
 *      ▼                                  │
 *   starting ──start.failed──────▶ backing_off        10 failures in 10 min lead to crashed instead
 *      │  ▲                           ▲   ▲
 *      │  └─ start.requested ─ crashed│   │           crashed and stopped are left by start.requested and
 *      │start.succeeded      · stopped│   │           restart.requested only
 *      ▼                              │   │
 *    idle ──────worker.failed─────────┘   │
 *      │ ▲                                │
 *      ▼ │attempt.ended                   │
 *    busy ──────worker.failed─────────────┘
 *
 * stop.requested ends an idle, starting or waiting worker at once, and a busy one when its attempt has ended; restart.requested
 * does the same and starts it again. A kept command is busy as long as its process lives (command.started, command.ended).
 * Pure: times and random numbers arrive in the events. Run as a live actor by agent/worker-actor.ts, which starts the worker, gives
 * it work and sends `retry.due` when `waitMs` is over.
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
  /** Unique on its node, such as slot-0. */
  readonly name: string;
}

export interface WorkerContext extends WorkerInput {
  /** Null unless busy, and always for a kept command. */
  readonly assignment: Assignment | null;
  /** Times of the failures that still count, oldest first. Monotonic ms. */
  readonly failedAt: readonly number[];
  /** Since when it has been idle or busy without a failure; null otherwise. */
  readonly healthySince: number | null;
  /** How long to wait in backing_off; 0 elsewhere. */
  readonly waitMs: number;
  /** Why it failed or ended last; empty when nothing did. */
  readonly why: string;
  /** What a busy worker was asked for, to be done when its work has ended. */
  readonly asked: 'stop' | 'restart' | null;
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
  /** The process of a kept command runs. */
  | { readonly type: 'command.started'; readonly at: number }
  /** The process has ended, and neither is that a failure nor is it to be started again by itself. */
  | { readonly type: 'command.ended'; readonly why: string }
  | { readonly type: 'retry.due' }
  /** By hand. */
  | { readonly type: 'start.requested' }
  | { readonly type: 'stop.requested' }
  | { readonly type: 'restart.requested' };

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
    isStopAsked: ({ context }) => context.asked === 'stop',
    isRestartAsked: ({ context }) => context.asked === 'restart',
    isOneTooMany: ({ context, event }) =>
      isFailure(event) && countFailures(context, event).length >= CRASH_FAILURES,
  },
  actions: {
    becomeHealthy: assign(({ context, event }) =>
      event.type === 'start.succeeded' || event.type === 'command.started'
        ? { healthySince: event.at }
        : context,
    ),
    takeAttempt: assign(({ context, event }) =>
      event.type === 'attempt.assigned'
        ? { assignment: { taskId: event.taskId, attempt: event.attempt } }
        : context,
    ),
    releaseAttempt: assign({ assignment: null }),
    askStop: assign({ asked: 'stop' }),
    askRestart: assign({ asked: 'restart' }),
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
    recordEnd: assign(({ context, event }) =>
      event.type === 'command.ended' ? { why: event.why } : context,
    ),
    endWait: assign({ waitMs: 0 }),
    rest: assign({ assignment: null, healthySince: null, waitMs: 0, asked: null }),
    startAfresh: assign({
      assignment: null,
      healthySince: null,
      waitMs: 0,
      asked: null,
      failedAt: [],
      why: '',
    }),
  },
});

const restarting = { target: 'starting', actions: 'startAfresh' } as const;

const failing = [
  { guard: 'isStopAsked', target: 'stopped', actions: 'recordFailure' },
  { ...restarting, guard: 'isRestartAsked' },
  { guard: 'isOneTooMany', target: 'crashed', actions: 'recordFailure' },
  { target: 'backing_off', actions: 'recordFailure' },
] as const;

const stopping = { target: 'stopped' } as const;

export const workerMachine = machineSetup.createMachine({
  id: 'worker',
  context: ({ input }) => ({
    name: input.name,
    assignment: null,
    failedAt: [],
    healthySince: null,
    waitMs: 0,
    why: '',
    asked: null,
  }),
  initial: 'starting',
  states: {
    starting: {
      on: {
        'start.succeeded': { target: 'idle', actions: 'becomeHealthy' },
        'start.failed': failing,
        'command.started': { target: 'busy', actions: 'becomeHealthy' },
        'command.ended': { target: 'stopped', actions: 'recordEnd' },
        'stop.requested': stopping,
      },
    },
    idle: {
      on: {
        'attempt.assigned': { target: 'busy', actions: 'takeAttempt' },
        'worker.failed': failing,
        'stop.requested': stopping,
        'restart.requested': restarting,
      },
    },
    busy: {
      on: {
        'attempt.ended': [
          { guard: 'isStopAsked', target: 'stopped' },
          { ...restarting, guard: 'isRestartAsked' },
          { target: 'idle', actions: 'releaseAttempt' },
        ],
        'command.ended': [
          { ...restarting, guard: 'isRestartAsked' },
          { target: 'stopped', actions: 'recordEnd' },
        ],
        'worker.failed': failing,
        'stop.requested': { actions: 'askStop' },
        'restart.requested': { actions: 'askRestart' },
        // What has begun to stop cannot be taken back, only followed by a start.
        'start.requested': { guard: 'isStopAsked', actions: 'askRestart' },
      },
    },
    backing_off: {
      on: {
        'retry.due': { target: 'starting', actions: 'endWait' },
        'start.requested': { target: 'starting', actions: 'endWait' },
        'stop.requested': stopping,
        'restart.requested': restarting,
      },
    },
    crashed: {
      entry: 'endWait',
      on: {
        'start.requested': restarting,
        'stop.requested': stopping,
        'restart.requested': restarting,
      },
    },
    stopped: {
      entry: 'rest',
      on: { 'start.requested': restarting, 'restart.requested': restarting },
    },
  },
});
