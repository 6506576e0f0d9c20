/**
 * Changes a schedule: its timing, its rules, the task it makes.
 *
 * What is due next is computed anew where the timing changes, and only there. A due time that has come and not fired by then is
 * written down as dropped, so that every due time has its record (I10).
 */
import type { ScheduleRecord } from '../../../db/schedules.ts';
import { MusterError } from '../../../machines/errors.ts';
import type { ScheduleEventBody } from '../../../machines/schedule-context.ts';
import { checkNeeds } from '../creation.ts';
import type { Caller, ScheduleDraft } from '../supervisor.ts';
import { sortedJson } from '../task-history.ts';
import { checkTiming, nextDue } from './calendar.ts';
import type { FiringOptions } from './firing.ts';
import {
  commitMove,
  droppedFire,
  loadSchedule,
  MAX_CONFLICTS,
  moveSchedule,
  overdueOf,
  timeOfNext,
} from './schedule-actor.ts';

const DROPPED = 'its timing was changed before it could fire';

/**
 * Replaces what a schedule is made of.
 *
 * @param expectedVersion refused where the schedule has another; null for whatever it has
 * @param revise makes the new draft of the stored spec; asked again when somebody else was faster
 * @throws MusterError `unknown_schedule`, `conflict`, `invalid_argument`, `unknown_node`
 */
export async function updateSchedule(
  options: FiringOptions,
  key: string,
  expectedVersion: number | null,
  revise: (spec: unknown) => ScheduleDraft,
  caller: Caller,
): Promise<ScheduleRecord> {
  const { creator } = options;
  const { store } = creator;
  for (let conflicts = 0; conflicts <= MAX_CONFLICTS; conflicts += 1) {
    const before = await loadSchedule(store, key);
    checkVersion(before, expectedVersion);
    const draft = revise(before.spec);
    checkTiming(draft.timing);
    await checkNeeds(store, [draft.task], 'update the schedule');
    const body = updatedEvent(before, draft, caller, timeOfNext(creator, before));
    const { record, transition } = moveSchedule(creator, before, body);
    const revised = { ...record, spec: draft.spec, draft: draft.task };
    const fire = droppedFire(body.droppedDueAt, DROPPED, transition.at);
    const move = { record: revised, transition, isRevised: true };
    if (await commitMove(options, move, fire, [])) return revised;
  }
  const message = `Schedule ${key} changes faster than this call can follow; try again`;
  throw new MusterError('conflict', message);
}

function checkVersion({ name, version }: ScheduleRecord, expected: number | null): void {
  if (expected === null || expected === version) return;
  throw new MusterError(
    'conflict',
    `Cannot update the schedule: ${name} has version ${version}, and the change was made for ${expected}; read it again`,
  );
}

function updatedEvent(
  before: ScheduleRecord,
  draft: ScheduleDraft,
  { name: by }: Caller,
  now: number,
): Extract<ScheduleEventBody, { type: 'schedule.updated' }> {
  const { name, snapshot, draft: formerTask } = before;
  const { path, context } = snapshot;
  const { timing, startAt, endAt, jitterMs, overlap, missed, missedWindowMs, task } = draft;
  const change = { timing, startAt, endAt, jitterMs, overlap, missed, missedWindowMs };
  const isRetimed =
    sortedJson({ timing, startAt, endAt }) !==
    sortedJson({ timing: context.timing, startAt: context.startAt, endAt: context.endAt });
  const dueAt = isRetimed ? nextDue(timing, draft, context.createdAt, now) : context.nextAt;
  if (isRetimed && dueAt === null) {
    const message = `Cannot update the schedule: ${name} would never be due within its bounds`;
    throw new MusterError('invalid_argument', message);
  }
  return {
    type: 'schedule.updated',
    by,
    change,
    isTaskChanged: sortedJson(task) !== sortedJson(formerTask),
    nextAt: path === 'paused' ? null : dueAt,
    droppedDueAt: isRetimed ? overdueOf(before, now) : null,
  };
}
