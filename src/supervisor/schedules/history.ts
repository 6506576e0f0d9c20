/**
 * The history of a schedule: proved by a replay, and kept short.
 *
 * Its oldest steps go a page at a time, each page only after its replay has shown what snapshot it leads to; that snapshot stands for
 * them from then on, and later replays begin with it.
 */
import {
  deleteOldFires,
  listPrunableSchedules,
  pruneScheduleHistory,
  readPrunableVersion,
  readScheduleBase,
} from '../../../db/schedule-pruning.ts';
import type { ScheduleBase } from '../../../db/schedule-pruning.ts';
import { listScheduleTransitions } from '../../../db/schedules.ts';
import type { ScheduleRecord, ScheduleTransition } from '../../../db/schedules.ts';
import { MusterError } from '../../../machines/errors.ts';
import type { ScheduleEvent } from '../../../machines/schedule-context.ts';
import {
  SCHEDULE_SNAPSHOT_VERSIONS,
  createSchedule,
  replaySchedule,
} from '../../../machines/schedule-decide.ts';
import type { ScheduleSnapshot } from '../../../machines/schedule-decide.ts';
import { SCHEDULE_MACHINE_VERSION } from '../../../machines/schedule.ts';
import { upgradeSnapshot } from '../../../machines/snapshot.ts';
import type { Store } from '../store.ts';
import { sortedJson } from '../task-history.ts';

const PAGE = 500;

/** What a proof came to. */
export interface ScheduleProof {
  /** One sentence for each; none for a clean schedule. */
  readonly differences: readonly string[];
  /** The version that the replay began with: 1, or later when older steps have gone. */
  readonly fromVersion: number;
}

type StoreOfReads = Pick<Store, 'read'>;

/** Replays the history of a schedule and compares with what is stored (I4). */
export async function verifySchedule(
  store: StoreOfReads,
  record: ScheduleRecord,
): Promise<ScheduleProof> {
  const found: ScheduleTransition[] = [];
  for (;;) {
    const last = found.at(-1)?.version ?? 0;
    const page = await store.read((sql) => listScheduleTransitions(sql, record.id, last, PAGE));
    found.push(...page);
    if (page.length < PAGE) break;
  }
  // The base after the steps: should any go meanwhile, it stands for them.
  const base = await store.read((sql) => readScheduleBase(sql, record.id));
  const fromVersion = base?.version ?? 1;
  const steps = between(found, base, record.version);
  const differences = numberingFaults(steps, base, record.version);
  try {
    const replayed = replay(base, steps);
    if (sortedJson(replayed) !== sortedJson(record.snapshot)) {
      differences.push('the replay gives another snapshot than is stored');
    }
  } catch (error) {
    if (!(error instanceof MusterError)) throw error;
    differences.push(error.message);
  }
  return { differences, fromVersion };
}

/** The steps that a base does not stand for, up to a version. */
function between(
  steps: readonly ScheduleTransition[],
  base: ScheduleBase | null,
  lastVersion: number,
): ScheduleTransition[] {
  return steps.filter(({ version }) => version > (base?.version ?? 0) && version <= lastVersion);
}

function numberingFaults(
  steps: readonly ScheduleTransition[],
  base: ScheduleBase | null,
  lastVersion: number,
): string[] {
  const before = base?.version ?? 0;
  const faults = steps.flatMap(({ version }, index) =>
    version === before + index + 1 ? [] : [`version ${before + index + 1} is missing`],
  );
  const end = steps.at(-1)?.version ?? before;
  if (end !== lastVersion) {
    faults.push(`the schedule has version ${lastVersion}, its history ends with ${end}`);
  }
  return faults;
}

/** @throws MusterError `internal` where the history does not begin or go on as it must */
function replay(base: ScheduleBase | null, steps: readonly ScheduleTransition[]): ScheduleSnapshot {
  const [first, ...rest] = steps;
  if (base !== null) {
    const { snapshot, machineVersion } = base;
    return replaySchedule(
      upgradeSnapshot(SCHEDULE_SNAPSHOT_VERSIONS, snapshot, machineVersion),
      steps.map(({ event }) => event as ScheduleEvent),
    );
  }
  if (first?.event.type !== 'schedule.created') {
    throw new MusterError('internal', 'there is no creation');
  }
  return replaySchedule(
    createSchedule(first.event.input),
    rest.map(({ event }) => event as ScheduleEvent),
  );
}

/**
 * Lets the steps and fires of schedules go that are older than `keepMs`, but for the last 100 of each. A history that cannot be
 * replayed is left as it is.
 *
 * @param onFault told of each such schedule
 * @param isStopped asked before each statement
 */
export async function pruneSchedules(
  store: StoreOfReads,
  keepMs: number,
  onFault: (id: string, why: string) => void,
  isStopped: () => boolean,
): Promise<{ steps: number; fires: number }> {
  let steps = 0;
  let after: string | null = null;
  while (!isStopped()) {
    const from: string | null = after;
    const ids: string[] = await store.read((sql) => listPrunableSchedules(sql, keepMs, PAGE, from));
    for (const id of ids) {
      if (isStopped()) break;
      steps += await pruneOne(store, id, keepMs, onFault, isStopped);
    }
    after = ids.at(-1) ?? null;
    if (ids.length < PAGE) break;
  }
  let fires = 0;
  while (!isStopped()) {
    const deleted = await store.read((sql) => deleteOldFires(sql, keepMs, PAGE));
    fires += deleted;
    if (deleted < PAGE) break;
  }
  return { steps, fires };
}

async function pruneOne(
  store: StoreOfReads,
  id: string,
  keepMs: number,
  onFault: (id: string, why: string) => void,
  isStopped: () => boolean,
): Promise<number> {
  let pruned = 0;
  while (!isStopped()) {
    const version = await store.read((sql) => readPrunableVersion(sql, id, keepMs, PAGE));
    if (version === 0) break;
    const page = await store.read((sql) => listScheduleTransitions(sql, id, 0, PAGE));
    // The base after the steps: should another supervisor take some meanwhile, it stands for them.
    const base = await store.read((sql) => readScheduleBase(sql, id));
    const steps = between(page, base, version);
    if (steps.length === 0) break;
    const faults = numberingFaults(steps, base, version);
    try {
      if (faults.length > 0) throw new MusterError('internal', faults.join('; '));
      const next = { version, machineVersion: SCHEDULE_MACHINE_VERSION };
      const snapshot = replay(base, steps);
      const gone = await store.read((sql) => pruneScheduleHistory(sql, id, { ...next, snapshot }));
      pruned += gone;
      if (gone === 0) break;
    } catch (error) {
      if (!(error instanceof MusterError) || error.kind !== 'internal') throw error;
      onFault(id, error.message);
      break;
    }
  }
  return pruned;
}
