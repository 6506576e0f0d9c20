/**
 * The fan-out machine: one action on many nodes, from the wish to its one final state.
 *
 *   pending ── held ──execute──▶ delayed ──timer──┐
 *                  └───────────────┬──────────────┘
 *   running                        ▼
 *     rolling ◀──pause, resume──▶ paused
 *        └──────────────┬──────────┘
 *                       ▼ cancel, deadline, too many failures
 *                    stopping
 *
 *   children.counted with all of them final ──▶ completed · failed · timeout · cancelled
 *
 * It learns of its children by `children.counted` alone, which is read from their rows: told twice it does no harm, told late it
 * is ignored. Each count says which children may be released next; the cursor that is committed here is what releases them, so
 * that no more than max_parallel run whoever counted, and none starts after a stop (I7). Pure, called through
 * `fan-out-decide.ts`; the effect `rollOut` asks the host to make true what the state says.
 */
import { assign, setup } from 'xstate';
import { countFinal } from './fan-out-context.ts';
import type { FanOutContext, FanOutInput } from './fan-out-context.ts';
import type { Reason } from './task-context.ts';
import type { ChildrenCounted, TaskEvent } from './task-events.ts';

/** Raised with every change that an old snapshot or history would not survive; see snapshot.ts. */
export const FAN_OUT_MACHINE_VERSION = 1;

type FinalState = 'completed' | 'failed' | 'timeout' | 'cancelled';

function createContext(input: FanOutInput): FanOutContext {
  const isLater = input.startAt !== null && input.startAt > input.createdAt;
  const begins = !input.held && !isLater;
  return {
    ...input,
    attempt: 0,
    current: null,
    ended: null,
    stopCause: null,
    unreachableAt: null,
    delayedUntil: isLater && !input.held ? input.startAt : null,
    queuedAt: null,
    firstStartedAt: begins ? input.createdAt : null,
    finishedAt: null,
    exitCode: null,
    signal: null,
    reason: null,
    message: '',
    counts: { held: input.total, active: 0, completed: 0, failed: 0, timeout: 0, cancelled: 0 },
    cursor: null,
    deadlineAt: begins ? deadlineOf(input, input.createdAt) : null,
    isFailing: false,
  };
}

function deadlineOf({ fanOut: { deadlineMs } }: FanOutInput, at: number): number | null {
  return deadlineMs === null ? null : at + deadlineMs;
}

/** A count that was read before one that is committed: children never leave a final state. */
function isStale({ counts }: FanOutContext, event: ChildrenCounted): boolean {
  return countFinal(event.counts) < countFinal(counts);
}

function hasTooManyFailures({ fanOut }: FanOutContext, { counts }: ChildrenCounted): boolean {
  return fanOut.maxFailures !== null && counts.failed + counts.timeout >= fanOut.maxFailures;
}

/** How a fan-out ends whose children are all final. */
function verdictOf(context: FanOutContext, { counts }: ChildrenCounted): FinalState {
  const { completed, skipped = 0 } = counts;
  if (completed > 0 && completed + skipped === context.total) return 'completed';
  if (skipped === context.total) return 'cancelled';
  if (context.stopCause === 'cancel') return 'cancelled';
  return context.stopCause === 'timeout' ? 'timeout' : 'failed';
}

const REASONS: Readonly<Record<FinalState, Reason | null>> = {
  completed: null,
  failed: 'children_failed',
  timeout: 'timeout',
  cancelled: 'cancelled',
};

function reasonOf(
  { total, isFailing }: FanOutContext,
  { counts }: ChildrenCounted,
  verdict: FinalState,
): Reason | null {
  if (counts.skipped === total) return 'skipped';
  return isFailing && verdict === 'failed' ? 'max_failures' : REASONS[verdict];
}

function summaryOf({ total, isFailing }: FanOutContext, { counts }: ChildrenCounted): string {
  if (counts.completed === total) return '';
  const parts = (['failed', 'timeout', 'cancelled', 'skipped'] as const)
    .filter((name) => (counts[name] ?? 0) > 0)
    .map((name) => `${counts[name]} ${name === 'timeout' ? 'timed out' : name}`);
  const why = isFailing ? '; stopped after too many failures' : '';
  return `${counts.completed} of ${total} completed, ${parts.join(', ')}${why}`;
}

const machineSetup = setup({
  types: {} as { context: FanOutContext; events: TaskEvent; input: FanOutInput },
  guards: {
    isHeld: ({ context }) => context.held,
    isDelayed: ({ context, event }) =>
      context.startAt !== null && context.startAt > ('at' in event ? event.at : context.createdAt),
    isDelayOver: ({ context, event }) => event.at >= (context.delayedUntil ?? 0),
    isDeadlineOver: ({ context, event }) =>
      context.stopCause === null && event.at >= (context.deadlineAt ?? Infinity),
    isNotCancelled: ({ context }) => context.stopCause !== 'cancel',
    endsAs: ({ context, event }, params: { verdict: FinalState }) =>
      event.type === 'children.counted' &&
      !isStale(context, event) &&
      countFinal(event.counts) === context.total &&
      verdictOf(context, event) === params.verdict,
    isFailing: ({ context, event }) =>
      event.type === 'children.counted' &&
      !isStale(context, event) &&
      hasTooManyFailures(context, event),
    isRelease: ({ context, event }) =>
      event.type === 'children.counted' &&
      !isStale(context, event) &&
      event.releaseUntil !== null &&
      (context.cursor === null || event.releaseUntil > context.cursor),
    isNews: ({ context, event }) =>
      event.type === 'children.counted' &&
      !isStale(context, event) &&
      JSON.stringify(event.counts) !== JSON.stringify(context.counts),
  },
  actions: {
    rollOut: (_, _params: { taskId: string }) => {},
    delay: assign(({ context }) => ({ delayedUntil: context.startAt })),
    begin: assign(({ context, event }) => ({
      delayedUntil: null,
      firstStartedAt: event.at,
      deadlineAt: deadlineOf(context, event.at),
    })),
    count: assign(({ event }) =>
      event.type === 'children.counted' ? { counts: event.counts } : {},
    ),
    release: assign(({ event }) =>
      event.type === 'children.counted' && event.releaseUntil !== null
        ? { cursor: event.releaseUntil }
        : {},
    ),
    askCancel: assign({ stopCause: 'cancel' as const, delayedUntil: null, deadlineAt: null }),
    askTimeout: assign({ stopCause: 'timeout' as const, deadlineAt: null }),
    failEarly: assign({ isFailing: true }),
    end: assign(({ context, event }, { verdict }: { verdict: FinalState }) =>
      event.type !== 'children.counted'
        ? {}
        : {
            finishedAt: event.at,
            deadlineAt: null,
            reason: reasonOf(context, event, verdict),
            message: summaryOf(context, event),
          },
    ),
  },
});

const rollOut = {
  type: 'rollOut',
  params: ({ context }: { context: FanOutContext }) => ({ taskId: context.id }),
} as const;

const endings = (['completed', 'failed', 'timeout', 'cancelled'] as const).map(
  (verdict) =>
    ({
      guard: { type: 'endsAs', params: { verdict } },
      target: `#fan_out.${verdict}`,
      actions: ['count', { type: 'end', params: { verdict } }],
    }) as const,
);

const recount = { guard: 'isNews', actions: 'count' } as const;
const cancel = { target: '#fan_out.running.stopping', actions: ['askCancel', rollOut] } as const;
const expire = {
  guard: 'isDeadlineOver',
  target: '#fan_out.running.stopping',
  actions: ['askTimeout', rollOut],
} as const;

export const fanOutMachine = machineSetup.createMachine({
  id: 'fan_out',
  version: String(FAN_OUT_MACHINE_VERSION),
  context: ({ input }) => createContext(input),
  initial: 'pending',
  states: {
    pending: {
      initial: 'created',
      on: { 'cancel.requested': cancel },
      states: {
        created: {
          always: [
            { guard: 'isHeld', target: 'held' },
            { guard: 'isDelayed', target: 'delayed' },
            { target: '#fan_out.running.rolling' },
          ],
        },
        held: {
          on: {
            'execute.requested': [
              { guard: 'isDelayed', target: 'delayed', actions: 'delay' },
              { target: '#fan_out.running.rolling', actions: 'begin' },
            ],
          },
        },
        delayed: {
          on: {
            'timer.fired': {
              guard: 'isDelayOver',
              target: '#fan_out.running.rolling',
              actions: 'begin',
            },
          },
        },
      },
    },
    running: {
      initial: 'rolling',
      states: {
        rolling: {
          entry: rollOut,
          on: {
            'children.counted': [
              ...endings,
              { guard: 'isFailing', target: 'stopping', actions: ['count', 'failEarly', rollOut] },
              { guard: 'isRelease', actions: ['count', 'release', rollOut] },
              recount,
            ],
            'pause.requested': { target: 'paused' },
            'cancel.requested': cancel,
            'timer.fired': expire,
          },
        },
        paused: {
          on: {
            'children.counted': [...endings, recount],
            'resume.requested': { target: 'rolling' },
            'cancel.requested': cancel,
            'timer.fired': expire,
          },
        },
        stopping: {
          on: {
            'children.counted': [...endings, recount],
            'cancel.requested': { guard: 'isNotCancelled', actions: ['askCancel', rollOut] },
            'timer.fired': { guard: 'isDeadlineOver', actions: ['askTimeout', rollOut] },
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
