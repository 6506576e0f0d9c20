/**
 * The calendar: which times a schedule is due at.
 *
 * Cron expressions and time zones are croner's (docs/decisions/0005). A local time that does not exist is due right after the gap,
 * one that exists twice is due once. Everything here is a function of its arguments: no clock is read.
 */
import { Cron } from 'croner';
import { MusterError } from '../../../machines/errors.ts';
import type { Timing } from '../../../machines/schedule-context.ts';

/** The bounds of a schedule, ms since 1970; null for none. */
export interface Bounds {
  readonly startAt: number | null;
  readonly endAt: number | null;
}

/**
 * Refuses a timing that cannot be read.
 *
 * @throws MusterError `invalid_argument`
 */
export function checkTiming(timing: Timing): void {
  if (timing.kind === 'cron') openCron(timing.expression, timing.timeZone);
}

/**
 * Returns the first due time after `after`, ms since 1970, or null if there is none.
 *
 * @param origin where the intervals of `every` are counted from
 */
export function nextDue(
  timing: Timing,
  { startAt, endAt }: Bounds,
  origin: number,
  after: number,
): number | null {
  // A due time at the very start counts.
  const from = Math.max(after, (startAt ?? 0) - 1);
  const due = nextOf(timing, startAt ?? origin, from);
  return due === null || (endAt !== null && due > endAt) ? null : due;
}

/** Returns up to `count` due times after `after`. */
export function listDue(
  timing: Timing,
  bounds: Bounds,
  origin: number,
  after: number,
  count: number,
): number[] {
  const times: number[] = [];
  let last = after;
  while (times.length < count) {
    const due = nextDue(timing, bounds, origin, last);
    if (due === null) break;
    times.push(due);
    last = due;
  }
  return times;
}

function nextOf(timing: Timing, origin: number, after: number): number | null {
  switch (timing.kind) {
    case 'once':
      return timing.at > after ? timing.at : null;
    case 'every': {
      const passed = Math.floor((after - origin) / timing.everyMs) + 1;
      // The first is due one interval after the origin.
      return origin + Math.max(passed, 1) * timing.everyMs;
    }
    case 'cron':
      return (
        openCron(timing.expression, timing.timeZone).nextRun(new Date(after))?.getTime() ?? null
      );
  }
}

function openCron(expression: string, timeZone: string): Cron {
  if (!isTimeZone(timeZone)) {
    throw new MusterError(
      'invalid_argument',
      `Cannot use the time zone "${timeZone}": it is not known; write it as Europe/Berlin or UTC`,
    );
  }
  try {
    return new Cron(expression, { timezone: timeZone, paused: true, mode: '5-or-6-parts' });
  } catch (error) {
    const fault =
      error instanceof Error
        ? error.message.replace(/^CronPattern: /, '').replace(/\.$/, '')
        : String(error);
    throw new MusterError(
      'invalid_argument',
      `Cannot read the cron expression "${expression}": ${fault}; write it as "30 4 * * MON-FRI" or @daily`,
    );
  }
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
