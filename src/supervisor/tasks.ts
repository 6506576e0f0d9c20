/**
 * Everything that can be asked about and done to tasks: the part of the supervisor that TaskService speaks to.
 *
 * Commands go through the host; reads go to the database, which is the truth. Each method rejects with a MusterError.
 */
import { listAttempts } from '../../db/attempts.ts';
import { readSpecs } from '../../db/specs.ts';
import { readStatistics } from '../../db/statistics.ts';
import { deleteTask, listTasks, readTasks } from '../../db/tasks.ts';
import type { TaskRecord } from '../../db/records.ts';
import { isFinalPath } from '../../machines/decide.ts';
import { MusterError } from '../../machines/errors.ts';
import type { TaskCommand } from '../../machines/task-events.ts';
import type { Clock } from '../process/clock.ts';
import type { Changes } from './changes.ts';
import { createTasks } from './creation.ts';
import type { CreatorOptions } from './creation.ts';
import type { Host } from './host.ts';
import { readOutput, tailOutput } from './output-reader.ts';
import type { Store } from './store.ts';
import type { TaskDraft, Tasks } from './supervisor.ts';
import { readHistory, verifyTask } from './task-history.ts';
import { waitForTask, watchTasks } from './watch.ts';

export interface TasksOptions {
  readonly store: Store;
  readonly host: Host;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly creator: CreatorOptions;
}

export function createTaskActions(options: TasksOptions): Tasks {
  const { store, host, changes, clock, creator } = options;
  const read = (id: string) => readTask(store, id);
  const command = async (id: string, event: TaskCommand): Promise<TaskRecord> =>
    (await host.apply(id, event, false)).record;

  return {
    create: (drafts, caller, requestId) => createTasks(creator, drafts, caller, requestId),
    async get(id) {
      const record = await read(id);
      const [spec, attempts] = await Promise.all([
        readSpec(store, record),
        store.read((sql) => listAttempts(sql, id)),
      ]);
      return { record, spec, attempts };
    },
    list: (filter, limit, before) => store.read((sql) => listTasks(sql, filter, limit, before)),
    execute: (id, caller) => command(id, { type: 'execute.requested', by: caller.name }),
    cancel: (id, note, caller) => command(id, { type: 'cancel.requested', by: caller.name, note }),
    resolve: (id, resolution, note, caller) =>
      command(id, { type: 'resolve.requested', by: caller.name, note, resolution }),
    async retry(id, caller, requestId) {
      const draft = await draftAgain(store, await read(id));
      const [created] = await createTasks(creator, [draft], caller, requestId);
      return created as TaskRecord;
    },
    async delete(id) {
      const record = await deleteFinal(store, id);
      host.forget([id]);
      changes.publish({ record, transitions: [], isDeleted: true });
    },
    wait: (id, timeoutMs, signal) => waitForTask(store, changes, clock, id, timeoutMs, signal),
    watch: (filter, seen, signal) => watchTasks(store, changes, filter, seen, signal),
    async history(id, afterVersion, limit) {
      await read(id);
      return readHistory(store, id, afterVersion, limit);
    },
    verify: async (id) => verifyTask(store, await read(id)),
    readOutput: (id, attempt, stream, offset, limitBytes) =>
      readOutput(store, id, attempt, stream, offset, limitBytes),
    tailOutput: (id, from, isStoredOnly, signal) =>
      tailOutput(store, changes, id, from, isStoredOnly, signal),
    statistics: (from, until) => store.read((sql) => readStatistics(sql, from, until)),
  };
}

async function readTask(store: Store, id: string): Promise<TaskRecord> {
  const [record] = await store.read((sql) => readTasks(sql, [id]));
  if (record === undefined) throw new MusterError('unknown_task', `There is no task ${id}`);
  return record;
}

async function readSpec(store: Store, { id, specId }: TaskRecord): Promise<unknown> {
  const specs = await store.read((sql) => readSpecs(sql, [specId]));
  const spec = specs.get(specId);
  if (spec === undefined) throw new MusterError('internal', `The spec of task ${id} is missing`);
  return spec;
}

/** The wish that a final task came from, to begin at once. */
async function draftAgain(store: Store, record: TaskRecord): Promise<TaskDraft> {
  const { id, name, type, labels } = record;
  const { path, context } = record.snapshot;
  if (!isFinalPath(path)) {
    const rule = 'only a final task can be retried';
    throw new MusterError('illegal_transition', `Cannot retry task ${id}: it is ${path}; ${rule}`);
  }
  const { target, policy } = context;
  const spec = await readSpec(store, record);
  return { name, type, labels, target, policy, held: false, startAt: null, spec };
}

/** Returns what the task was. */
async function deleteFinal(store: Store, id: string): Promise<TaskRecord> {
  const record = await readTask(store, id);
  const outcome = await store.read((sql) => deleteTask(sql, id));
  if (outcome === 'deleted') return record;
  if (outcome === 'unknown') throw new MusterError('unknown_task', `There is no task ${id}`);
  const rule = 'only a final task can be deleted, cancel it first';
  const { path } = record.snapshot;
  throw new MusterError('illegal_transition', `Cannot delete task ${id}: it is ${path}; ${rule}`);
}
