/**
 * Everything that can be asked about and done to schedules: the part of the supervisor that ScheduleService speaks to.
 */
import {
  deleteSchedule,
  insertSchedule,
  listFires,
  listScheduleTransitions,
  listSchedules,
} from '../../../db/schedules.ts';
import type { ScheduleRecord, ScheduleTransition } from '../../../db/schedules.ts';
import { MusterError } from '../../../machines/errors.ts';
import type { ScheduleEventBody, ScheduleInput } from '../../../machines/schedule-context.ts';
import { SCHEDULE_MACHINE_VERSION } from '../../../machines/schedule.ts';
import { createSchedule, scheduleWakeAt } from '../../../machines/schedule-decide.ts';
import { checkNeeds } from '../creation.ts';
import type { Caller, ScheduleDraft, Schedules } from '../supervisor.ts';
import { checkTiming, listDue, nextDue } from './calendar.ts';
import { fireNow } from './firing.ts';
import type { FiringOptions } from './firing.ts';
import { verifySchedule } from './history.ts';
import {
  MAX_CONFLICTS,
  commitMove,
  droppedFire,
  loadSchedule,
  moveSchedule,
  overdueOf,
  timeOfNext,
} from './schedule-actor.ts';
import { updateSchedule } from './update.ts';

const SEED_RANGE = 2 ** 32;
const PAUSED = 'it was paused before it could fire';

/** What can be asked of a schedule in one word. */
type Wish = Extract<ScheduleEventBody, { type: 'pause.requested' | 'resume.requested' }>;

/** @param onChanged a schedule is due at another time than before */
export function createScheduleActions(options: FiringOptions, onChanged: () => void): Schedules {
  const { creator } = options;
  const { store, stamper } = creator;
  const apply = async (key: string, bodyOf: (before: ScheduleRecord) => Wish) => {
    for (let conflicts = 0; conflicts <= MAX_CONFLICTS; conflicts += 1) {
      const before = await loadSchedule(store, key);
      const body = bodyOf(before);
      const move = moveSchedule(creator, before, body);
      const droppedAt = body.type === 'pause.requested' ? (body.droppedDueAt ?? null) : null;
      const fire = droppedFire(droppedAt, PAUSED, move.transition.at);
      if (!(await commitMove(options, move, fire, []))) continue;
      onChanged();
      return move.record;
    }
    throw new MusterError('conflict', `Schedule ${key} changes faster than this call can follow`);
  };
  return {
    async create(draft, caller) {
      const record = await create(options, draft, caller);
      onChanged();
      return record;
    },
    async update(key, expectedVersion, revise, caller) {
      const record = await updateSchedule(options, key, expectedVersion, revise, caller);
      onChanged();
      return record;
    },
    get: (key) => loadSchedule(store, key),
    list: (limit, after) => store.read((sql) => listSchedules(sql, limit, after)),
    pause: (key, note, { name: by }) =>
      apply(key, (before) => {
        const dueAt = overdueOf(before, timeOfNext(creator, before));
        const dropped = dueAt === null ? {} : { droppedDueAt: dueAt };
        return { type: 'pause.requested', by, note, ...dropped };
      }),
    resume: (key, { name }) =>
      apply(key, (before) => {
        const { context } = before.snapshot;
        const now = timeOfNext(creator, before);
        const nextAt = nextDue(context.timing, context, context.createdAt, now);
        return { type: 'resume.requested', by: name, nextAt };
      }),
    trigger: (key) => fireNow(options, key),
    async delete(key) {
      const { id } = await loadSchedule(store, key);
      await store.read((sql) => deleteSchedule(sql, id));
    },
    preview(timing, startAt, endAt, count) {
      checkTiming(timing);
      const now = stamper.now();
      return listDue(timing, { startAt, endAt }, now, now, count);
    },
    async fires(key, limit, beforeDueAt) {
      const { id } = await loadSchedule(store, key);
      return await store.read((sql) => listFires(sql, id, limit, beforeDueAt));
    },
    async history(key, afterVersion, limit) {
      const { id } = await loadSchedule(store, key);
      return await store.read((sql) => listScheduleTransitions(sql, id, afterVersion, limit));
    },
    verify: async (key) => verifySchedule(store, await loadSchedule(store, key)),
  };
}

async function create(
  { creator, counter }: FiringOptions,
  draft: ScheduleDraft,
  caller: Caller,
): Promise<ScheduleRecord> {
  const { store, stamper, ids, supervisorId } = creator;
  const { name, timing, startAt, endAt, jitterMs, overlap, missed, missedWindowMs, task, spec } =
    draft;
  checkTiming(timing);
  await checkNeeds(store, [task], 'create the schedule');
  const at = stamper.now();
  const nextAt = nextDue(timing, draft, at, at);
  if (nextAt === null) {
    const message = `Cannot create the schedule: ${name} is never due within its bounds`;
    throw new MusterError('invalid_argument', message);
  }
  const seed = Math.floor(stamper.random() * SEED_RANGE);
  const input: ScheduleInput = {
    id: ids.next(at),
    timing,
    startAt,
    endAt,
    jitterMs,
    overlap,
    missed,
    missedWindowMs,
    seed,
    createdAt: at,
    nextAt,
  };
  const snapshot = createSchedule(input);
  const record: ScheduleRecord = {
    id: input.id,
    name,
    version: 1,
    machineVersion: SCHEDULE_MACHINE_VERSION,
    snapshot,
    spec,
    draft: task,
    creator: caller.name,
    wakeAt: scheduleWakeAt(snapshot),
    createdAt: at,
    updatedAt: at,
  };
  const created: ScheduleTransition = {
    version: 1,
    event: { type: 'schedule.created', at, input },
    fromPath: '',
    toPath: snapshot.path,
    at,
    supervisorId,
  };
  if (await store.read((sql) => insertSchedule(sql, record, created))) {
    counter.count('schedule', [created]);
    return record;
  }
  throw new MusterError(
    'invalid_argument',
    `Cannot create the schedule: there is one with the name ${name}; delete that one or take another name`,
  );
}
