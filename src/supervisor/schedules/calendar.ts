/**
 * The calendar: which times a schedule is due at. The only file that knows croner.
 *
 * Croner reads the expression and walks wall-clock times; what they stand for in a zone is resolved here (zone.ts). A local time that
 * does not exist is due right after the gap, once for all of them; one that exists twice is due once, but for patterns with a
 * `*` for the hour, which go on through both passes. Everything is a function of its arguments: no clock is read. See
 * docs/decisions/0005.
 */
import { Cron } from 'croner';
import { MusterError } from '../../../machines/errors.ts';
import type { Timing } from '../../../machines/schedule-context.ts';
import { findChange, findZone, resolveWall } from './zone.ts';
import type { Zone } from './zone.ts';

interface Pattern {
  readonly cron: Cron;
  readonly zone: Zone;
  readonly isEveryHour: boolean;
}

/** Few schedules have patterns of their own, so a full one is simply begun anew. */
const MAX_PATTERNS = 10_000;
const patterns = new Map<string, Pattern>();

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
  if (timing.kind === 'cron') patternOf(timing.expression, timing.timeZone);
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
      return nextOfPattern(patternOf(timing.expression, timing.timeZone), after);
  }
}

function patternOf(expression: string, timeZone: string): Pattern {
  const key = `${timeZone} ${expression}`;
  const known = patterns.get(key);
  if (known !== undefined) return known;
  const zone = findZone(timeZone);
  if (zone === null) {
    throw new MusterError(
      'invalid_argument',
      `Cannot use the time zone "${timeZone}": it is not known; write it as Europe/Berlin or UTC`,
    );
  }
  const hours = expression.trim().split(/\s+/).at(-4);
  const isEveryHour = expression.trim().toLowerCase() === '@hourly' || hours === '*';
  const pattern = { cron: readCron(expression), zone, isEveryHour };
  if (patterns.size >= MAX_PATTERNS) patterns.clear();
  patterns.set(key, pattern);
  return pattern;
}

/** Croner walks wall-clock times only: read as UTC, every one of them exists once. */
function readCron(expression: string): Cron {
  try {
    return new Cron(expression, { timezone: 'UTC', paused: true, mode: '5-or-6-parts' });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const fault = message.replace(/^CronPattern: /, '').replace(/\.$/, '');
    throw new MusterError(
      'invalid_argument',
      `Cannot read the cron expression "${expression}": ${fault}; write it as "30 4 * * MON-FRI" or @daily`,
    );
  }
}

function nextOfPattern(pattern: Pattern, after: number): number | null {
  const first = nextFirst(pattern, after);
  if (first === null || !pattern.isEveryHour) return first;
  const { zone } = pattern;
  const offset = zone.offsetAt(after);
  // The repeated hour, of which nextFirst knows the first pass only: we are in it, or it lies ahead.
  const again = nextWithOffset(pattern, after, offset);
  if (again !== null && again < first && zone.offsetAt(again) === offset) return again;
  if (zone.offsetAt(first) === offset) return first;
  const change = findChange(zone, after, first);
  const repeated = nextWithOffset(pattern, change - 1, zone.offsetAt(change));
  return repeated !== null && repeated < first ? repeated : first;
}

/** The next due time, where a time that exists twice counts the first time only. */
function nextFirst({ cron, zone }: Pattern, after: number): number | null {
  let wall = after + zone.offsetAt(after);
  for (;;) {
    const next = nextWall(cron, wall);
    if (next === null) return null;
    const instant = resolveWall(zone, next);
    if (instant > after) return instant;
    wall = next;
  }
}

function nextWithOffset({ cron }: Pattern, after: number, offset: number): number | null {
  const wall = nextWall(cron, after + offset);
  return wall === null ? null : wall - offset;
}

function nextWall(cron: Cron, wall: number): number | null {
  return cron.nextRun(new Date(wall))?.getTime() ?? null;
}
