/**
 * The context of the schedule machine. Times are ms since 1970 by the database's clock.
 *
 * A due time is nominal: what the calendar says. With jitter a fire comes a little later, by an amount that follows from the seed
 * and the due time, so that every supervisor knows the same.
 */

/** When a schedule is due. */
export type Timing =
  | { readonly kind: 'cron'; readonly expression: string; readonly timeZone: string }
  /** From the start of the schedule on. */
  | { readonly kind: 'every'; readonly everyMs: number }
  | { readonly kind: 'once'; readonly at: number };

/** What to do while the task of the former fire is not final. */
export type Overlap = 'allow' | 'forbid' | 'replace' | 'queue';

/** What to do with due times that nobody could fire in time. */
export type Missed = 'skip' | 'latest' | 'all';

/** What a schedule is created from. */
export interface ScheduleInput {
  readonly id: string;
  readonly timing: Timing;
  /** Nothing is due before; null for no bound. */
  readonly startAt: number | null;
  /** Nothing is due after; null for no bound. */
  readonly endAt: number | null;
  /** A fire comes up to this much after its due time. */
  readonly jitterMs: number;
  readonly overlap: Overlap;
  readonly missed: Missed;
  /** Older due times are never made up for. */
  readonly missedWindowMs: number;
  /** For the jitter. */
  readonly seed: number;
  readonly createdAt: number;
  /** The first due time; null if there is none. */
  readonly nextAt: number | null;
}

/** What can be changed of a schedule. */
export type ScheduleChange = Pick<
  ScheduleInput,
  'timing' | 'startAt' | 'endAt' | 'jitterMs' | 'overlap' | 'missed' | 'missedWindowMs'
>;

export interface ScheduleContext extends ScheduleInput {
  /** The task of the last fire that made one. */
  readonly lastTaskId: string | null;
  readonly lastFiredAt: number | null;
  /** Tasks made. */
  readonly fired: number;
  /** Due times that made none. */
  readonly skipped: number;
  /** Why it was paused. */
  readonly note: string;
}

/** What becomes of one due time. */
export type Fire =
  | { readonly kind: 'task'; readonly taskId: string }
  | { readonly kind: 'skipped'; readonly why: string };

/** Everything that can happen to a schedule. */
export type ScheduleEventBody =
  /** A due time was reached, or by hand. `nextAt` is the due time after it; of a manual one, as it was. */
  | {
      readonly type: 'schedule.fired';
      readonly dueAt: number;
      readonly isManual: boolean;
      readonly fire: Fire;
      readonly nextAt: number | null;
    }
  | {
      readonly type: 'pause.requested';
      readonly by: string;
      readonly note: string;
      /** A due time that had come and makes no task any more; absent for none. */
      readonly droppedDueAt?: number;
    }
  /** Due times while it was paused are not made up for: `nextAt` is the first from now on. */
  | { readonly type: 'resume.requested'; readonly by: string; readonly nextAt: number | null }
  /** `nextAt` is due next by the new timing; null while it is paused, and for one that has ended and stays so. */
  | {
      readonly type: 'schedule.updated';
      readonly by: string;
      readonly change: ScheduleChange;
      /** The task that it makes is another from now on. */
      readonly isTaskChanged: boolean;
      readonly nextAt: number | null;
      /** A due time of the former timing that had come and makes no task any more. */
      readonly droppedDueAt: number | null;
    };

export type ScheduleEvent = ScheduleEventBody & { readonly at: number };

/** Returns when a due time fires: itself, or a little later with jitter. */
export function fireAt({ seed, jitterMs }: ScheduleInput, dueAt: number): number {
  if (jitterMs === 0) return dueAt;
  // The finalizer of MurmurHash3 (Austin Appleby) spreads neighbouring times evenly.
  let mixed = (seed ^ Math.floor(dueAt / 1000)) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  mixed ^= mixed >>> 16;
  return dueAt + Math.floor(((mixed >>> 0) / 2 ** 32) * (jitterMs + 1));
}
