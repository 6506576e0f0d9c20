/**
 * Fires schedules: turns a due time into a task, or into a reason why there is none, exactly once (I10).
 *
 *   due ─► judge (missed? former task open?) ─► fire ──► task + fire + next due time, in one commit ─► the task is announced
 *                                          ├► skip ──► fire with its reason + next due time
 *                                          └► wait: put aside until the former task is over
 *
 * Any supervisor may fire any schedule: the version check lets one through. A dead one leaves nothing half done, because there is
 * nothing between the commit that moves the schedule on and the one that creates the task.
 */
import type { FireRecord, ScheduleRecord } from '../../../db/schedules.ts';
import { isFinalPath } from '../../../machines/decide.ts';
import { MusterError } from '../../../machines/errors.ts';
import { judgeDue, scheduleWakeAt } from '../../../machines/schedule-decide.ts';
import type { DueVerdict } from '../../../machines/schedule-decide.ts';
import { announceTasks, newTasks } from '../creation.ts';
import type { Host } from '../host.ts';
import type { CreatorOptions, NewTask } from '../new-task.ts';
import type { StepCounter } from '../step-counter.ts';
import type { TaskDraft } from '../supervisor.ts';
import { nextDue } from './calendar.ts';
import { MAX_CONFLICTS, commitMove, loadSchedule, moveSchedule } from './schedule-actor.ts';

export interface FiringOptions {
  readonly creator: CreatorOptions;
  readonly host: Host;
  readonly counter: Pick<StepCounter, 'count'>;
}

type Fired = { readonly record: ScheduleRecord; readonly fire: FireRecord };

/**
 * Fires what is due of one schedule, due time by due time. Returns how many were written down.
 *
 * @throws MusterError `unavailable`
 */
export async function fireDue(options: FiringOptions, id: string): Promise<number> {
  const { store, stamper } = options.creator;
  let count = 0;
  let record = await loadSchedule(store, id);
  for (let conflicts = 0; conflicts <= MAX_CONFLICTS; ) {
    const { nextAt, lastTaskId } = record.snapshot.context;
    // Not by the row's wake time: one that was put aside has none.
    const wakeAt = scheduleWakeAt(record.snapshot);
    if (nextAt === null || wakeAt === null || wakeAt > stamper.now()) return count;
    const fired = await fireOnce(options, record, nextAt, false);
    if (fired === 'waits') {
      const { version } = record;
      if (lastTaskId !== null) await store.putScheduleAside({ id, version, taskId: lastTaskId });
      return count;
    }
    if (fired === 'conflict') {
      conflicts += 1;
      record = await loadSchedule(store, id);
    } else {
      count += 1;
      record = fired.record;
    }
  }
  return count;
}

/**
 * Fires a schedule by hand, if its former task allows it.
 *
 * @throws MusterError `unknown_schedule`, `conflict`, `unavailable`
 */
export async function fireNow(options: FiringOptions, key: string): Promise<Fired> {
  const { store, stamper } = options.creator;
  for (let conflicts = 0; conflicts <= MAX_CONFLICTS; conflicts += 1) {
    const record = await loadSchedule(store, key);
    const fired = await fireOnce(options, record, manualDueAt(record, stamper.now()), true);
    if (typeof fired === 'object') return fired;
  }
  const message = `Schedule ${key} changes faster than this call can follow; try again`;
  throw new MusterError('conflict', message);
}

/** When a fire by hand counts as due: now, but never at a time when the schedule is due by itself, or was fired by hand before. */
function manualDueAt({ updatedAt, snapshot: { context } }: ScheduleRecord, now: number): number {
  const { timing, createdAt, nextAt } = context;
  let dueAt = Math.max(now, updatedAt + 1);
  while (dueAt === nextAt || nextDue(timing, context, createdAt, dueAt - 1) === dueAt) dueAt += 1;
  return dueAt;
}

async function fireOnce(
  options: FiringOptions,
  before: ScheduleRecord,
  dueAt: number,
  isManual: boolean,
): Promise<Fired | 'waits' | 'conflict'> {
  const { creator } = options;
  const { context } = before.snapshot;
  const { timing, createdAt } = context;
  const nextAt = isManual ? context.nextAt : nextDue(timing, context, createdAt, dueAt);
  const isFormerOpen = await isOpen(options, context.lastTaskId);
  const now = creator.stamper.now();
  const verdict = judgeDue(context, { now, dueAt, nextAt, isFormerOpen, isManual });
  if (verdict.kind === 'wait') return 'waits';
  const { tasks, why } = await makeTasks(options, before, verdict);
  const [first] = tasks;
  const taskId = first?.record.id ?? null;
  const fire =
    taskId === null ? ({ kind: 'skipped', why } as const) : ({ kind: 'task', taskId } as const);
  const move = moveSchedule(creator, before, {
    type: 'schedule.fired',
    dueAt,
    isManual,
    fire,
    nextAt,
  });
  const row: FireRecord = { dueAt, isManual, taskId, why, at: move.transition.at };
  if (!(await commitMove(options, move, row, tasks))) return 'conflict';
  announceTasks(creator, tasks);
  return { record: move.record, fire: row };
}

async function isOpen({ creator }: FiringOptions, taskId: string | null): Promise<boolean> {
  if (taskId === null) return false;
  // A deleted task is over.
  const former = await creator.store.load(taskId);
  return former !== null && !isFinalPath(former.snapshot.path);
}

/** Makes the tasks, or says why there are none: a target that cannot be resolved now is a reason, not a failure. */
async function makeTasks(
  options: FiringOptions,
  { id, name, creator: creatorName, draft, snapshot: { context } }: ScheduleRecord,
  verdict: Exclude<DueVerdict, { kind: 'wait' }>,
): Promise<{ tasks: NewTask[]; why: string }> {
  if (verdict.kind === 'skip') return { tasks: [], why: verdict.why };
  if (verdict.kind === 'replace' && context.lastTaskId !== null) {
    await cancelFormer(options, context.lastTaskId, name);
  }
  const caller = { name: creatorName };
  try {
    return { tasks: await newTasks(options.creator, draft as TaskDraft, caller, id), why: '' };
  } catch (error) {
    const isReason =
      error instanceof MusterError &&
      (error.kind === 'unknown_node' || error.kind === 'invalid_argument');
    if (isReason) return { tasks: [], why: error.message };
    throw error;
  }
}

async function cancelFormer({ host }: FiringOptions, taskId: string, name: string): Promise<void> {
  const by = `schedule ${name}`;
  try {
    await host.apply(
      taskId,
      { type: 'cancel.requested', by, note: 'replaced by its next fire' },
      false,
    );
  } catch (error) {
    const isOver =
      error instanceof MusterError &&
      (error.kind === 'illegal_transition' || error.kind === 'unknown_task');
    if (!isOver) throw error;
  }
}
