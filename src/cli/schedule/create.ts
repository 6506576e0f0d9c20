/** `muster schedule create` and `muster schedule preview`: when, and what to run then. */
import { type MessageInitShape, toJson } from '@bufbuild/protobuf';
import {
  durationFromMs,
  timestampDate,
  timestampFromMs,
  TimestampSchema,
} from '@bufbuild/protobuf/wkt';
import type { TimingSchema } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import { Missed, Overlap, ScheduleSchema } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import { PreviewScheduleResponseSchema } from '../../../proto/gen/muster/v1/schedule_service_pb.ts';
import { BOUNDS } from '../bounds.ts';
import type { ClientFlags } from '../client-flags.ts';
import { unary, withConnection } from '../connection.ts';
import { parseDuration } from '../duration.ts';
import { enumValue } from '../enums.ts';
import { EXIT } from '../exit.ts';
import { UsageFault } from '../fault.ts';
import { messageJson, outputForm, printDocument, printLines } from '../output.ts';
import { parseInteger } from '../pairs.ts';
import type { RunFlags } from '../run-spec.ts';
import { buildSpec } from '../run-spec.ts';
import { requireSchedule, scheduleLine } from '../schedule-view.ts';
import { stdout } from '../sink.ts';
import { parseTime } from '../time.ts';

/** The flags that say when. */
export interface TimingFlags extends ClientFlags {
  readonly cron?: string;
  readonly every?: string;
  readonly at?: string;
  readonly tz?: string;
  readonly from?: string;
  readonly until?: string;
}

export interface ScheduleCreateFlags extends TimingFlags, RunFlags {
  readonly jitter?: string;
  readonly overlap?: string;
  readonly missed?: string;
  readonly missedWindow?: string;
}

/** Creates a schedule; returns the exit code. */
export async function createSchedule(
  name: string,
  words: readonly string[],
  flags: ScheduleCreateFlags,
): Promise<number> {
  const form = outputForm(flags.output);
  const { jitter, overlap, missed, missedWindow } = flags;
  const spec = {
    name,
    timing: timingOf(flags, Date.now()),
    task: await buildSpec({ ...flags, name }, words, Date.now()),
    overlap: overlap === undefined ? 0 : enumValue(Overlap, 'OVERLAP_', overlap, '--overlap'),
    missed: missed === undefined ? 0 : enumValue(Missed, 'MISSED_', missed, '--missed'),
    ...(jitter === undefined
      ? {}
      : { jitter: durationFromMs(parseDuration(jitter, '--jitter', BOUNDS.jitter)) }),
    ...(missedWindow === undefined
      ? {}
      : {
          missedWindow: durationFromMs(
            parseDuration(missedWindow, '--missed-window', BOUNDS.missedWindow),
          ),
        }),
  };
  checkJitter(flags);
  return await withConnection(flags, async ({ schedules }) => {
    const schedule = requireSchedule(await schedules.createSchedule({ spec }, unary));
    if (form === 'table') await stdout.write(`${scheduleLine(schedule, Date.now())}\n`);
    else if (form === 'json') await printDocument(messageJson(ScheduleSchema, schedule));
    else await printLines([messageJson(ScheduleSchema, schedule)]);
    return EXIT.ok;
  });
}

/** @throws UsageFault where a fire could come after the next one */
export function checkJitter({ jitter, every }: ScheduleCreateFlags): void {
  if (jitter === undefined || every === undefined) return;
  if (parseDuration(jitter, '--jitter') <= parseDuration(every, '--every')) return;
  throw new UsageFault(`--jitter is ${jitter}; it must be at most as long as --every, ${every}`);
}

/** Shows when a timing would be due; returns the exit code. */
export async function previewSchedule(
  flags: TimingFlags & { readonly count?: string },
): Promise<number> {
  const form = outputForm(flags.output);
  const timing = timingOf(flags, Date.now());
  const count =
    flags.count === undefined
      ? {}
      : { count: parseInteger(flags.count, '--count', BOUNDS.previewCount) };
  return await withConnection(flags, async ({ schedules }) => {
    const preview = await schedules.previewSchedule({ timing, ...count }, unary);
    if (form === 'json') await printDocument(messageJson(PreviewScheduleResponseSchema, preview));
    else if (form === 'jsonl') {
      await printLines(preview.dueAt.map((at) => ({ dueAt: toJson(TimestampSchema, at) })));
    } else {
      const lines = preview.dueAt.map(
        (at) => `${showTime(timestampDate(at), flags.tz ?? 'UTC')}\n`,
      );
      await stdout.write(lines.length === 0 ? 'never\n' : lines.join(''));
    }
    return EXIT.ok;
  });
}

/** The day, the time with its offset, and the zone they are in: where clocks are put back, an hour comes twice. */
export function showTime(date: Date, timeZone: string): string {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  const day = new Intl.DateTimeFormat('en', { timeZone, weekday: 'short' }).format(date);
  return `${day} ${format.format(date)} ${offsetOf(date, timeZone)} ${timeZone}`;
}

/** Returns the offset of a zone at a time, as in `+05:45`. */
function offsetOf(date: Date, timeZone: string): string {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  const name = format.formatToParts(date).find(({ type }) => type === 'timeZoneName')?.value;
  return name?.replace('GMT', '') || '+00:00';
}

/** Returns when the flags say. @throws UsageFault when they contradict each other or cannot be read */
export function timingOf(flags: TimingFlags, nowMs: number): MessageInitShape<typeof TimingSchema> {
  const { cron, every, at, tz = '', from, until } = flags;
  if ([cron, every, at].filter((value) => value !== undefined).length !== 1) {
    throw new UsageFault('say when with one of --cron, --every and --at');
  }
  if (tz !== '' && cron === undefined) throw new UsageFault('--tz goes with --cron only');
  const time = (text: string, flag: string) =>
    timestampFromMs(parseTime(text, flag, 'future', nowMs));
  return {
    kind:
      cron !== undefined
        ? { case: 'cron', value: cron }
        : every !== undefined
          ? { case: 'every', value: durationFromMs(parseDuration(every, '--every', BOUNDS.every)) }
          : { case: 'at', value: time(at ?? '', '--at') },
    timeZone: tz,
    ...(from === undefined ? {} : { startAt: time(from, '--from') }),
    ...(until === undefined ? {} : { endAt: time(until, '--until') }),
  };
}
