/** When a schedule is due and by which rules, in words. Pure. */
import { durationMs, timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import type { Schedule, ScheduleSpec, Timing } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import { Missed, Overlap, ScheduleState } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import { durationText } from '../../ui/time.tsx';
import { cronText } from './cron-words.ts';

const STATE_WORDS: ReadonlyMap<ScheduleState, string> = new Map([
  [ScheduleState.ACTIVE, 'active'],
  [ScheduleState.PAUSED, 'paused'],
  [ScheduleState.ENDED, 'ended'],
]);

/** The state of the schedule machine. */
export function schedulePathOf({ state }: Pick<Schedule, 'state'>): string {
  return STATE_WORDS.get(state) ?? 'unknown';
}

export const SCHEDULE_WORDS: readonly string[] = [...STATE_WORDS.values()];

/** The zone in which a timing is meant: that of a cron, else none in particular. */
export function zoneOf(timing: Timing | undefined): string | null {
  return timing?.kind.case === 'cron' ? timing.timeZone || 'UTC' : null;
}

/**
 * For example: every day at 04:30. `detail` has what the words leave out: the zone, and what was written where it says more.
 */
export function whenWords(timing: Timing | undefined): { words: string; detail: string } {
  const { kind } = timing ?? {};
  switch (kind?.case) {
    case 'cron': {
      const zone = zoneOf(timing) ?? '';
      const words = cronText(kind.value);
      return words === null
        ? { words: kind.value, detail: zone }
        : { words, detail: `${kind.value} · ${zone}` };
    }
    case 'every':
      return { words: `every ${roundText(durationMs(kind.value))}`, detail: '' };
    case 'at':
      return { words: 'once', detail: timeIn(timestampMs(kind.value), null) };
    default:
      return { words: 'never', detail: '' };
  }
}

/** Returns a duration without what is zero: 5 s, 10 min, 1 h 30 min. */
export function roundText(ms: number): string {
  return durationText(ms)
    .replace(/\.0 s$/, ' s')
    .replace(/ 0 (s|min|h)$/, '');
}

/**
 * Returns a time with its day, in a zone of the IANA database; null for that of the browser. In UTC where the browser does not
 * know the zone.
 */
export function timeIn(ms: number, zone: string | null): string {
  const parts = formatterOf(zone).formatToParts(ms);
  const get = (type: string) => parts.find((part) => part.type === type)?.value ?? '';
  return `${get('weekday')} ${get('year')}-${get('month')}-${get('day')} ${get('hour')}:${get('minute')}:${get('second')}`;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(zone: string | null): Intl.DateTimeFormat {
  const known = formatters.get(zone ?? '');
  if (known !== undefined) return known;
  const options: Intl.DateTimeFormatOptions = {
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  };
  let formatter: Intl.DateTimeFormat;
  try {
    formatter = new Intl.DateTimeFormat(
      'en-GB',
      zone === null ? options : { ...options, timeZone: zone },
    );
  } catch {
    formatter = new Intl.DateTimeFormat('en-GB', { ...options, timeZone: 'UTC' });
  }
  formatters.set(zone ?? '', formatter);
  return formatter;
}

/** The zone of the browser, for example Europe/Berlin. */
export function ownZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/**
 * Returns the timing from which the times to come are computed. Intervals are counted from the creation where there is no start:
 * a preview would count them from now.
 */
export function anchoredTiming({ spec, nextAt, createdAt }: Schedule): Timing | undefined {
  const timing = spec?.timing;
  if (timing?.kind.case !== 'every' || timing.startAt !== undefined) return timing;
  // The first is due one interval after the start.
  const startAt =
    nextAt === undefined
      ? createdAt
      : timestampFromMs(timestampMs(nextAt) - durationMs(timing.kind.value));
  return startAt === undefined ? timing : { ...timing, startAt };
}

const OVERLAP_WORDS: ReadonlyMap<Overlap, readonly [string, string]> = new Map([
  [Overlap.ALLOW, ['allow', 'makes another task while the former one is at work']],
  [Overlap.FORBID, ['forbid', 'makes no task while the former one is at work']],
  [Overlap.REPLACE, ['replace', 'cancels the former task and makes a new one']],
  [Overlap.QUEUE, ['queue', 'makes the task when the former one is over']],
]);

const MISSED_WORDS: ReadonlyMap<Missed, readonly [string, string]> = new Map([
  [Missed.SKIP, ['skip', 'makes no task for times that nobody could fire at']],
  [Missed.LATEST, ['latest', 'makes one task for the last of the missed times']],
  [Missed.ALL, ['all', 'makes a task for each missed time']],
]);

/** The rule in one word, and what it means. */
export function overlapWords({
  overlap,
}: Pick<ScheduleSpec, 'overlap'>): readonly [string, string] {
  return OVERLAP_WORDS.get(overlap || Overlap.FORBID) ?? [String(overlap), ''];
}

export function missedWords({ missed }: Pick<ScheduleSpec, 'missed'>): readonly [string, string] {
  return MISSED_WORDS.get(missed || Missed.LATEST) ?? [String(missed), ''];
}
