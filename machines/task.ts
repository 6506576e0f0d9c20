/**
 * The task machine: one durable action on one node, from the wish to its one final state.
 *
 *   pending ── held ──execute──▶ queued ◀──timer── delayed ◀───────────────┐
 *                                  │ dispatched                            │ retry
 *   running                        ▼                                       │
 *     dispatched ──started──▶ executing ──cancel, deadline──▶ stopping ────┤ exited, lost
 *          └───────────┬───────────┴──────────session lost───────┘         │
 *                      ▼                                                   │
 *                 unreachable ──new session──▶ (where it was)              │
 *                      └────────── lost_after over, resolved ──────────────┤
 *                                                                          ▼
 *                                             completed · failed · timeout · cancelled
 *
 * Pure: no clock, no randomness, no I/O; both arrive in the events, and what must be done leaves as named effects with
 * JSON parameters. Called through `decide.ts`; the same definition drives the visualizer.
 */
import { assign, setup } from 'xstate';
import {
  endAttempt,
  isCurrentAttempt,
  isNewSession,
  isSessionOf,
  judgeAttempt,
} from './task-outcome.ts';
import type { Verdict } from './task-outcome.ts';
import type { CurrentAttempt, StopCause, TaskContext, TaskInput } from './task-context.ts';
import type { TaskEvent } from './task-events.ts';

/** Raised with every change that an old snapshot or history would not survive; see snapshot.ts. */
export const TASK_MACHINE_VERSION = 1;

function createContext(input: TaskInput): TaskContext {
  const isLater = input.startAt !== null && input.startAt > input.createdAt;
  return {
    ...input,
    attempt: 0,
    current: null,
    ended: null,
    stopCause: null,
    unreachableAt: null,
    delayedUntil: isLater && !input.held ? input.startAt : null,
    queuedAt: input.held || isLater ? null : input.createdAt,
    firstStartedAt: null,
    finishedAt: null,
    exitCode: null,
    signal: null,
    reason: null,
    message: '',
  };
}

function updateCurrent(
  context: TaskContext,
  change: Partial<CurrentAttempt>,
): Partial<TaskContext> {
  return context.current === null ? {} : { current: { ...context.current, ...change } };
}

/** The attempt has a process: its clock runs from now, unless that is known already. */
function markStarted(context: TaskContext, event: TaskEvent): Partial<TaskContext> {
  if (context.current === null) return {};
  const startedAt = context.current.startedAt ?? event.at;
  const report = event.type === 'attempt.started' ? event : null;
  return {
    ...updateCurrent(context, {
      epoch: report?.epoch ?? context.current.epoch,
      startedAt,
      deadlineAt: startedAt + context.policy.timeoutMs,
      acceptedHostAt: report?.acceptedAt ?? context.current.acceptedHostAt,
      startedHostAt: report?.startedAt ?? context.current.startedHostAt,
    }),
    firstStartedAt: context.firstStartedAt ?? startedAt,
    unreachableAt: null,
  };
}

const machineSetup = setup({
  types: {} as { context: TaskContext; events: TaskEvent; input: TaskInput },
  guards: {
    isHeld: ({ context }) => context.held,
    isDelayed: ({ context, event }) =>
      context.startAt !== null && context.startAt > ('at' in event ? event.at : context.createdAt),
    isOfflinePolicy: ({ context }, params: { offline: 'skip' | 'fail' }) =>
      context.policy.offline === params.offline,
    isDelayOver: ({ context, event }) => event.at >= (context.delayedUntil ?? 0),
    isDeadlineOver: ({ context, event }) =>
      context.stopCause === null && event.at >= (context.current?.deadlineAt ?? Infinity),
    isCurrent: ({ context, event }) =>
      event.type === 'attempt.started' && isCurrentAttempt(context, event),
    isCurrentAndUnknown: ({ context, event }) =>
      event.type === 'attempt.started' &&
      isCurrentAttempt(context, event) &&
      context.current?.startedAt === null,
    isCurrentSession: ({ context, event }) =>
      event.type === 'session.lost' &&
      context.current !== null &&
      event.epoch === context.current.epoch &&
      isSessionOf(context.current.nodeId, event),
    isNotCancelled: ({ context }) => context.stopCause !== 'cancel',
    endsAs: ({ context, event }, params: { verdict: Verdict }) =>
      judgeAttempt(context, event)?.verdict === params.verdict,
    isToBeStopped: ({ context, event }) =>
      event.type === 'session.opened' && isNewSession(context, event) && context.stopCause !== null,
    isStarted: ({ context, event }) =>
      event.type === 'session.opened' &&
      isNewSession(context, event) &&
      (context.current?.startedAt != null ||
        event.held === 'executing' ||
        event.held === 'stopping'),
    isHeldByAgent: ({ context, event }) =>
      event.type === 'session.opened' && isNewSession(context, event) && event.held !== null,
    isNewSession: ({ context, event }) =>
      event.type === 'session.opened' && isNewSession(context, event),
    hasStopCause: ({ context, event }) =>
      event.type === 'attempt.started' &&
      isCurrentAttempt(context, event) &&
      context.stopCause !== null,
  },
  actions: {
    // Effects: named only. The host carries them out after the commit.
    offerTask: (_, _params: { taskId: string }) => {},
    startAttempt: (_, _params: AttemptAddress) => {},
    stopAttempt: (_, _params: AttemptAddress & { cause: StopCause }) => {},
    forgetAttempt: (_, _params: AttemptAddress) => {},
    abandonAttempt: (_, _params: AttemptAddress) => {},
    // Changes of the context.
    enqueue: assign(({ event }) => ({ queuedAt: event.at, delayedUntil: null })),
    delay: assign(({ context }) => ({ delayedUntil: context.startAt })),
    cancelPending: assign(({ context, event }) => ({
      finishedAt: event.at,
      delayedUntil: null,
      exitCode: null,
      signal: null,
      reason: 'cancelled' as const,
      message:
        context.attempt === 0
          ? 'cancelled before it ran'
          : `cancelled before attempt ${context.attempt + 1}`,
    })),
    missNode: assign(({ context, event }) => {
      const who = event.type === 'target.offline' ? event.who : '';
      const isSkipped = context.policy.offline === 'skip';
      return {
        finishedAt: event.at,
        exitCode: null,
        signal: null,
        reason: isSkipped ? ('skipped' as const) : ('node_offline' as const),
        message: isSkipped ? `skipped: ${who} offline` : `${who} offline`,
      };
    }),
    beginAttempt: assign(({ context, event }) =>
      event.type !== 'attempt.dispatched'
        ? {}
        : {
            attempt: context.attempt + 1,
            current: {
              nodeId: event.nodeId,
              epoch: event.epoch,
              bootId: event.bootId,
              dispatchedAt: event.at,
              startedAt: null,
              acceptedHostAt: null,
              startedHostAt: null,
              deadlineAt: null,
            },
            exitCode: null,
            signal: null,
            reason: null,
            message: '',
          },
    ),
    markStarted: assign(({ context, event }) => markStarted(context, event)),
    askCancel: assign({ stopCause: 'cancel' as const }),
    askTimeout: assign({ stopCause: 'timeout' as const }),
    endAttempt: assign(({ context, event }) => endAttempt(context, event)),
    loseSession: assign(({ event }) => ({ unreachableAt: event.at })),
    adoptSession: assign(({ context, event }) =>
      event.type !== 'session.opened'
        ? {}
        : { ...updateCurrent(context, { epoch: event.epoch }), unreachableAt: null },
    ),
  },
});

/** Names one attempt on one node; the parameters of the effects. */
export interface AttemptAddress {
  readonly taskId: string;
  readonly attempt: number;
  readonly nodeId: string;
}

function address({ context }: { context: TaskContext }): AttemptAddress {
  const nodeId = context.current?.nodeId ?? context.ended?.nodeId ?? '';
  return { taskId: context.id, attempt: context.attempt, nodeId };
}

const offerTask = {
  type: 'offerTask',
  params: ({ context }: { context: TaskContext }) => ({ taskId: context.id }),
} as const;
const startAttempt = { type: 'startAttempt', params: address } as const;
const forgetAttempt = { type: 'forgetAttempt', params: address } as const;
const abandonAttempt = { type: 'abandonAttempt', params: address } as const;
const stopAttempt = {
  type: 'stopAttempt',
  params: ({ context }: { context: TaskContext }) => ({
    ...address({ context }),
    cause: context.stopCause ?? 'cancel',
  }),
} as const;

const endsAs = <V extends Verdict>(verdict: V) =>
  ({ type: 'endsAs', params: { verdict } }) as const;

const offlineIs = (offline: 'skip' | 'fail') =>
  ({ type: 'isOfflinePolicy', params: { offline } }) as const;

/** The five ways out of a running attempt; `release` tells the agent that its report is committed. */
const endings = <E extends typeof forgetAttempt | typeof abandonAttempt>(release: E) =>
  [
    { guard: endsAs('completed'), target: '#task.completed', actions: ['endAttempt', release] },
    { guard: endsAs('cancelled'), target: '#task.cancelled', actions: ['endAttempt', release] },
    { guard: endsAs('retry'), target: '#task.pending.delayed', actions: ['endAttempt', release] },
    { guard: endsAs('timeout'), target: '#task.timeout', actions: ['endAttempt', release] },
    { guard: endsAs('failed'), target: '#task.failed', actions: ['endAttempt', release] },
  ] as const;

export const taskMachine = machineSetup.createMachine({
  id: 'task',
  version: String(TASK_MACHINE_VERSION),
  context: ({ input }) => createContext(input),
  initial: 'pending',
  states: {
    pending: {
      initial: 'created',
      on: { 'cancel.requested': { target: 'cancelled', actions: 'cancelPending' } },
      states: {
        created: {
          always: [
            { guard: 'isHeld', target: 'held' },
            { guard: 'isDelayed', target: 'delayed' },
            { target: 'queued' },
          ],
        },
        held: {
          on: {
            'execute.requested': [
              { guard: 'isDelayed', target: 'delayed', actions: 'delay' },
              { target: 'queued', actions: 'enqueue' },
            ],
          },
        },
        delayed: {
          on: { 'timer.fired': { guard: 'isDelayOver', target: 'queued', actions: 'enqueue' } },
        },
        queued: {
          entry: offerTask,
          on: {
            'target.offline': [
              { guard: offlineIs('skip'), target: '#task.cancelled', actions: 'missNode' },
              { guard: offlineIs('fail'), target: '#task.failed', actions: 'missNode' },
            ],
            'attempt.dispatched': {
              target: '#task.running.dispatched',
              actions: ['beginAttempt', startAttempt],
            },
          },
        },
      },
    },
    running: {
      initial: 'dispatched',
      on: {
        'attempt.exited': endings(forgetAttempt),
        'attempt.lost': endings(forgetAttempt),
        'session.opened': [
          ...endings(abandonAttempt),
          { guard: 'isToBeStopped', target: '.stopping', actions: ['adoptSession', stopAttempt] },
          { guard: 'isStarted', target: '.executing', actions: ['adoptSession', 'markStarted'] },
          { guard: 'isHeldByAgent', target: '.dispatched', actions: 'adoptSession' },
          { guard: 'isNewSession', target: '.dispatched', actions: ['adoptSession', startAttempt] },
        ],
      },
      states: {
        dispatched: {
          on: {
            'attempt.started': { guard: 'isCurrent', target: 'executing', actions: 'markStarted' },
            'cancel.requested': { target: 'stopping', actions: ['askCancel', stopAttempt] },
            'session.lost': {
              guard: 'isCurrentSession',
              target: 'unreachable',
              actions: 'loseSession',
            },
          },
        },
        executing: {
          on: {
            'timer.fired': {
              guard: 'isDeadlineOver',
              target: 'stopping',
              actions: ['askTimeout', stopAttempt],
            },
            'cancel.requested': { target: 'stopping', actions: ['askCancel', stopAttempt] },
            'session.lost': {
              guard: 'isCurrentSession',
              target: 'unreachable',
              actions: 'loseSession',
            },
          },
        },
        stopping: {
          on: {
            'attempt.started': { guard: 'isCurrentAndUnknown', actions: 'markStarted' },
            'cancel.requested': { guard: 'isNotCancelled', actions: 'askCancel' },
            'session.lost': {
              guard: 'isCurrentSession',
              target: 'unreachable',
              actions: 'loseSession',
            },
          },
        },
        unreachable: {
          on: {
            'attempt.started': [
              { guard: 'hasStopCause', target: 'stopping', actions: ['markStarted', stopAttempt] },
              { guard: 'isCurrent', target: 'executing', actions: 'markStarted' },
            ],
            'cancel.requested': { guard: 'isNotCancelled', actions: 'askCancel' },
            'resolve.requested': endings(abandonAttempt),
            'timer.fired': [
              ...endings(abandonAttempt),
              { guard: 'isDeadlineOver', actions: 'askTimeout' },
            ],
          },
        },
      },
    },
    completed: { type: 'final' },
    failed: { type: 'final' },
    timeout: { type: 'final' },
    cancelled: { type: 'final' },
  },
});
