/** `muster schedule update`: other times, other rules, another task; what is not given stays. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { durationMs, durationFromMs, timestampDate } from '@bufbuild/protobuf/wkt';
import { ScheduleSchema, type Timing } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import type {
  UpdateScheduleRequest,
  UpdateScheduleRequestSchema,
} from '../../../proto/gen/muster/v1/schedule_service_pb.ts';
import { Missed, Overlap } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import { BOUNDS, type Range } from '../bounds.ts';
import type { Connection } from '../connection.ts';
import { unary, withConnection } from '../connection.ts';
import { parseDuration } from '../duration.ts';
import { enumValue } from '../enums.ts';
import { EXIT } from '../exit.ts';
import { CliFault, UsageFault } from '../fault.ts';
import { messageJson, outputForm, printDocument, printLines } from '../output.ts';
import { parseInteger } from '../pairs.ts';
import { requireSchedule, scheduleLine } from '../schedule-view.ts';
import { stdout } from '../sink.ts';
import type { ScheduleCreateFlags, TimingFlags } from './create.ts';
import { checkJitter, timingOf } from './create.ts';
import type { TaskRevision } from './revise.ts';
import { readTaskRevision } from './revise.ts';

export interface ScheduleUpdateFlags extends ScheduleCreateFlags {
  readonly expectVersion?: string;
}

/** Not a finished message, which would want parts that are. */
type Update = Exclude<MessageInitShape<typeof UpdateScheduleRequestSchema>, UpdateScheduleRequest>;

/** A schedule that fires meanwhile has another version; the change is then made anew. */
const MAX_TRIES = 10;
/** Takes a bound away. */
const NONE = 'none';

/** Changes a schedule; returns the exit code. */
export async function updateSchedule(
  key: string,
  words: readonly string[],
  flags: ScheduleUpdateFlags,
): Promise<number> {
  const form = outputForm(flags.output);
  const rules = rulesOf(flags);
  checkJitter(flags);
  const revision = await readTaskRevision(flags, words);
  if (revision === null && !hasTiming(flags) && Object.keys(rules).length === 0) {
    throw new UsageFault('nothing to change: say another time, rule or task; see --help');
  }
  const expected =
    flags.expectVersion === undefined
      ? null
      : parseInteger(flags.expectVersion, '--expect-version');
  return await withConnection(flags, async (connection) => {
    const wish = { rules, revision, flags, expected };
    const schedule = await tryUpdate(connection, key, wish);
    if (form === 'table') await stdout.write(`${scheduleLine(schedule, Date.now())}\n`);
    else if (form === 'json') await printDocument(messageJson(ScheduleSchema, schedule));
    else await printLines([messageJson(ScheduleSchema, schedule)]);
    return EXIT.ok;
  });
}

interface Wish {
  readonly rules: Update;
  readonly revision: TaskRevision | null;
  readonly flags: ScheduleUpdateFlags;
  readonly expected: number | null;
}

async function tryUpdate({ schedules }: Connection, key: string, wish: Wish) {
  for (let tries = 1; ; tries += 1) {
    const former = requireSchedule(await schedules.getSchedule({ key }, unary));
    const { timing, task } = former.spec ?? {};
    if (timing === undefined || task === undefined) {
      throw new CliFault(`the supervisor has returned no spec of ${key}`);
    }
    const request: Update = {
      key,
      expectedVersion: wish.expected ?? former.version,
      ...wish.rules,
      ...(hasTiming(wish.flags) ? { timing: revisedTiming(timing, wish.flags) } : {}),
      ...(wish.revision === null ? {} : { task: wish.revision(task) }),
    };
    try {
      return requireSchedule(await schedules.updateSchedule(request, unary));
    } catch (error) {
      const isRace = error instanceof ConnectError && error.code === Code.Aborted;
      if (!isRace || wish.expected !== null || tries === MAX_TRIES) throw error;
    }
  }
}

function rulesOf({ jitter, overlap, missed, missedWindow }: ScheduleUpdateFlags): Update {
  const duration = (text: string, flag: string, range: Range) =>
    durationFromMs(parseDuration(text, flag, range));
  return {
    ...(jitter === undefined ? {} : { jitter: duration(jitter, '--jitter', BOUNDS.jitter) }),
    ...(overlap === undefined
      ? {}
      : { overlap: enumValue(Overlap, 'OVERLAP_', overlap, '--overlap') }),
    ...(missed === undefined ? {} : { missed: enumValue(Missed, 'MISSED_', missed, '--missed') }),
    ...(missedWindow === undefined
      ? {}
      : { missedWindow: duration(missedWindow, '--missed-window', BOUNDS.missedWindow) }),
  };
}

function hasTiming({ cron, every, at, tz, from, until }: TimingFlags): boolean {
  return [cron, every, at, tz, from, until].some((one) => one !== undefined);
}

/** The former timing as flags again, under those that are given. */
function revisedTiming(former: Timing, flags: TimingFlags): ReturnType<typeof timingOf> {
  const kinds = [flags.cron, flags.every, flags.at].filter((one) => one !== undefined);
  const isCron = flags.cron !== undefined || (kinds.length === 0 && former.kind.case === 'cron');
  const iso = (at: Timing['startAt']) => at && timestampDate(at).toISOString();
  const from = flags.from ?? iso(former.startAt);
  const until = flags.until ?? iso(former.endAt);
  const tz = flags.tz ?? (isCron ? former.timeZone || undefined : undefined);
  const { cron, every, at } = kinds.length === 0 ? kindFlags(former) : flags;
  const merged = {
    cron,
    every,
    at,
    tz,
    from: from === NONE ? undefined : from,
    until: until === NONE ? undefined : until,
  };
  const given = Object.entries(merged).filter(([, value]) => value !== undefined);
  return timingOf(Object.fromEntries(given) as TimingFlags, Date.now());
}

function kindFlags({ kind }: Timing): Pick<TimingFlags, 'cron' | 'every' | 'at'> {
  switch (kind.case) {
    case 'cron':
      return { cron: kind.value };
    case 'every':
      return { every: `${durationMs(kind.value)}ms` };
    case 'at':
      return { at: timestampDate(kind.value).toISOString() };
    case undefined:
      return {};
  }
}
