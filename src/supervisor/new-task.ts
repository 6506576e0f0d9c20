/**
 * Makes one new task of a checked wish: its first snapshot, its first step in the history, and what must be done once it is there.
 *
 * Called by creation.ts for a task alone, and by fan-out-creation.ts for each child.
 */
import type { TaskCreation, TaskRecord } from '../../db/records.ts';
import { createTask, wakeAt } from '../../machines/decide.ts';
import type { Effect } from '../../machines/interpret.ts';
import { TASK_MACHINE_VERSION } from '../../machines/task.ts';
import type { TaskInput } from '../../machines/task-context.ts';
import type { Stamper } from './actor.ts';
import type { Committed } from './host.ts';
import type { IdSource } from './ids.ts';
import type { SpecCache } from './spec-cache.ts';
import type { Store } from './store.ts';
import type { Caller, TaskDraft } from './supervisor.ts';

export interface CreatorOptions {
  readonly store: Store;
  readonly specs: SpecCache;
  readonly stamper: Stamper;
  readonly ids: IdSource;
  readonly supervisorId: string;
  readonly onCommitted: (committed: Committed) => void;
}

/** Where a task comes from; nothing for a task that a user has created. */
export interface TaskOrigin {
  readonly parentId?: string;
  readonly specId?: string;
  readonly scheduleId?: string | undefined;
}

export type NewTask = TaskCreation['tasks'][number] & { readonly effects: readonly Effect[] };

/** @param origin whose child it is and whose spec it shares, or which schedule makes it */
export function newTask(
  options: CreatorOptions,
  draft: TaskDraft,
  caller: Caller,
  origin: TaskOrigin = {},
): NewTask {
  const { stamper, ids, supervisorId } = options;
  const at = stamper.now();
  const id = ids.next(at);
  const { target, policy, held, startAt, name, type, labels, spec } = draft;
  const input: TaskInput = { id, target, policy, held, startAt, createdAt: at };
  const { snapshot, effects } = createTask(input);
  const record: TaskRecord = {
    id,
    version: 1,
    machineVersion: TASK_MACHINE_VERSION,
    snapshot,
    name,
    type,
    labels,
    creator: caller.name,
    parentId: origin.parentId ?? null,
    scheduleId: origin.scheduleId ?? null,
    specId: origin.specId ?? id,
    createdAt: at,
    updatedAt: at,
  };
  const transition = {
    taskId: id,
    version: 1,
    event: { type: 'task.created', at, input },
    fromPath: '',
    toPath: snapshot.path,
    at,
    attempt: 0,
    supervisorId,
  } as const;
  return { record, spec, wakeAt: wakeAt(snapshot), transition, effects };
}
