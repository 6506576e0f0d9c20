/**
 * One schedule's turn: an event applied to its record, and the commit that makes it true.
 *
 * Reads and moves of many schedules share their statements (store.ts). Each move has the version check that all actors have: whoever
 * loses loads the schedule again and decides anew (I6).
 */
import type { FireRecord, ScheduleRecord, ScheduleTransition } from '../../../db/schedules.ts';
import { readScheduleByName } from '../../../db/schedules.ts';
import type { TaskCreation } from '../../../db/records.ts';
import { MusterError } from '../../../machines/errors.ts';
import type { ScheduleEventBody } from '../../../machines/schedule-context.ts';
import {
  SCHEDULE_SNAPSHOT_VERSIONS,
  decideSchedule,
  scheduleWakeAt,
} from '../../../machines/schedule-decide.ts';
import { upgradeSnapshot } from '../../../machines/snapshot.ts';
import type { Stamper } from '../actor.ts';
import type { StepCounter } from '../step-counter.ts';
import type { Store } from '../store.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Lost races in a row after which a caller is told to try again. */
export const MAX_CONFLICTS = 20;

export interface ActorOptions {
  readonly store: Store;
  readonly stamper: Stamper;
  readonly supervisorId: string;
}

/**
 * Reads a schedule by its id or its name.
 *
 * @throws MusterError `unknown_schedule`, `snapshot_too_new`
 */
export async function loadSchedule(store: Store, key: string): Promise<ScheduleRecord> {
  const record = UUID.test(key)
    ? await store.loadSchedule(key.toLowerCase())
    : await store.read((sql) => readScheduleByName(sql, key));
  if (record === null) {
    const message = `There is no schedule ${key} (see: muster schedule list)`;
    throw new MusterError('unknown_schedule', message);
  }
  // Refuses what a newer program wrote.
  upgradeSnapshot(SCHEDULE_SNAPSHOT_VERSIONS, record.snapshot, record.machineVersion);
  return record;
}

/** The time of the next step. It never runs backwards within one actor, whichever supervisors it has been on. */
export function timeOfNext(
  { stamper }: Pick<ActorOptions, 'stamper'>,
  before: ScheduleRecord,
): number {
  return Math.max(stamper.now(), before.updatedAt);
}

/** The due time of a schedule that has come and has not fired; null for none. */
export function overdueOf(
  { snapshot: { path, context } }: ScheduleRecord,
  now: number,
): number | null {
  return path === 'active' && context.nextAt !== null && context.nextAt <= now
    ? context.nextAt
    : null;
}

/** What is written down of a due time that makes no task any more; null for none. */
export function droppedFire(dueAt: number | null, why: string, at: number): FireRecord | null {
  return dueAt === null ? null : { dueAt, isManual: false, taskId: null, why, at };
}

/**
 * Returns the schedule after an event, with the step that leads there. Nothing is stored.
 *
 * @throws MusterError `illegal_transition`
 */
export function moveSchedule(
  options: ActorOptions,
  before: ScheduleRecord,
  body: ScheduleEventBody,
): { record: ScheduleRecord; transition: ScheduleTransition } {
  const { supervisorId } = options;
  const at = timeOfNext(options, before);
  const event = { ...body, at };
  const decision = decideSchedule(before.snapshot, event);
  if (decision.kind === 'refused') throw decision.error;
  const { snapshot } = decision;
  const version = before.version + 1;
  const record = { ...before, version, snapshot, wakeAt: scheduleWakeAt(snapshot), updatedAt: at };
  const [fromPath, toPath] = [before.snapshot.path, snapshot.path];
  return { record, transition: { version, event, fromPath, toPath, at, supervisorId } };
}

/** Commits a move, with its fire and the task that this makes. Returns false if somebody else was faster. */
export async function commitMove(
  {
    creator: { store },
    counter,
  }: {
    readonly creator: Pick<ActorOptions, 'store'>;
    readonly counter: Pick<StepCounter, 'count'>;
  },
  move: { record: ScheduleRecord; transition: ScheduleTransition; isRevised?: boolean },
  fire: FireRecord | null,
  tasks: TaskCreation['tasks'],
): Promise<boolean> {
  const creation = tasks.length === 0 ? null : { request: null, tasks };
  const isMoved = await store.moveSchedule({ ...move, fire, creation });
  if (isMoved) counter.count('schedule', [move.transition]);
  return isMoved;
}
