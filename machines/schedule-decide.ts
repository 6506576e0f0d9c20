/**
 * Decides what an event does to a schedule, and what becomes of a due time: the one door to the schedule machine.
 */
import { MusterError } from './errors.ts';
import { SCHEDULE_MACHINE_VERSION, scheduleMachine } from './schedule.ts';
import type { ScheduleContext, ScheduleEvent, ScheduleInput } from './schedule-context.ts';
import { fireAt } from './schedule-context.ts';
import { createStepper } from './stepper.ts';
import type { SnapshotVersions, StoredSnapshot } from './snapshot.ts';

export type ScheduleSnapshot = StoredSnapshot<ScheduleContext>;

/** What an event does to a schedule. */
export type ScheduleDecision =
  | { readonly kind: 'transition'; readonly snapshot: ScheduleSnapshot }
  | { readonly kind: 'refused'; readonly error: MusterError };

export const SCHEDULE_SNAPSHOT_VERSIONS: SnapshotVersions = {
  machine: 'schedule',
  current: SCHEDULE_MACHINE_VERSION,
  steps: {},
};

const stepper = createStepper(scheduleMachine, {
  id: '',
  timing: { kind: 'once', at: 0 },
  startAt: null,
  endAt: null,
  jitterMs: 0,
  overlap: 'allow',
  missed: 'latest',
  missedWindowMs: 0,
  seed: 0,
  createdAt: 0,
  nextAt: 0,
});

export function createSchedule(input: ScheduleInput): ScheduleSnapshot {
  return stepper.start(input).snapshot;
}

/** Never throws for an event of any kind in any state. */
export function decideSchedule(before: ScheduleSnapshot, event: ScheduleEvent): ScheduleDecision {
  const moved = stepper.step(before, event);
  if (moved !== null) return { kind: 'transition', snapshot: moved.snapshot };
  const [verb, rule] = REFUSALS[event.type];
  const message = `Cannot ${verb} schedule ${before.context.id}: it is ${before.path}; ${rule}`;
  return { kind: 'refused', error: new MusterError('illegal_transition', message) };
}

const REFUSALS: Record<ScheduleEvent['type'], [verb: string, rule: string]> = {
  'schedule.fired': ['fire', 'it fires at its next due time only'],
  'pause.requested': ['pause', 'only an active one can be paused'],
  'resume.requested': ['resume', 'only a paused one can be resumed'],
  'schedule.updated': ['update', 'it can be updated in every state'],
};

/** When the schedule must be looked at, ms since 1970, or null. */
export function scheduleWakeAt({ path, context }: ScheduleSnapshot): number | null {
  return path === 'active' && context.nextAt !== null ? fireAt(context, context.nextAt) : null;
}

/** How late a fire may be without counting as missed. */
export const ON_TIME_MS = 60_000;

/** What is known at the moment when a due time is judged. */
export interface DueFacts {
  readonly now: number;
  readonly dueAt: number;
  /** The due time after it; null if there is none. */
  readonly nextAt: number | null;
  /** The task of the former fire is not final. */
  readonly isFormerOpen: boolean;
  readonly isManual: boolean;
}

/** What to do with a due time. */
export type DueVerdict =
  | { readonly kind: 'fire' }
  /** Ask for the end of the former task, then fire. */
  | { readonly kind: 'replace' }
  /** Look again when the former task is final. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'skip'; readonly why: string };

/** Judges one due time: whether it was missed, then whether the former task is in its way. A manual one is never missed. */
export function judgeDue(context: ScheduleContext, facts: DueFacts): DueVerdict {
  const why = facts.isManual ? null : whyMissed(context, facts);
  if (why !== null) return { kind: 'skip', why };
  if (!facts.isFormerOpen) return { kind: 'fire' };
  switch (context.overlap) {
    case 'allow':
      return { kind: 'fire' };
    case 'replace':
      return { kind: 'replace' };
    case 'queue':
      if (!facts.isManual) return { kind: 'wait' };
      break;
    case 'forbid':
      break;
  }
  return { kind: 'skip', why: `task ${context.lastTaskId} of the former fire is not over` };
}

function whyMissed(context: ScheduleContext, { now, dueAt, nextAt }: DueFacts): string | null {
  const { missed, missedWindowMs } = context;
  const lateMs = now - fireAt(context, dueAt);
  if (lateMs <= ON_TIME_MS) return null;
  const late = `it came ${Math.round(lateMs / 1000)} s late`;
  if (missed === 'skip') return `missed: ${late}`;
  if (lateMs > missedWindowMs) return `missed: ${late}, which is outside its window`;
  const hasLater = nextAt !== null && fireAt(context, nextAt) <= now;
  return missed === 'latest' && hasLater ? `missed: ${late}, and a later one is due` : null;
}

/**
 * Replays the history of a schedule: the proof that its snapshot follows from its committed events (I4).
 *
 * @param begin what `createSchedule` gave, or the snapshot that stands for the steps before the first of `events`
 * @throws MusterError `internal` where an event is no transition
 */
export function replaySchedule(
  begin: ScheduleSnapshot,
  events: readonly ScheduleEvent[],
): ScheduleSnapshot {
  let snapshot = begin;
  for (const event of events) {
    const decision = decideSchedule(snapshot, event);
    if (decision.kind === 'refused') throw new MusterError('internal', decision.error.message);
    snapshot = decision.snapshot;
  }
  return snapshot;
}
