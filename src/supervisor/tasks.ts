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
import type { Tasks } from './supervisor.ts';
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

  const read = async (id: string): Promise<TaskRecord> => {
    const [record] = await store.read((sql) => readTasks(sql, [id]));
    if (record === undefined) throw new MusterError('unknown_task', `There is no task ${id}`);
    return record;
  };
  const readSpec = async (record: TaskRecord): Promise<unknown> => {
    const specs = await store.read((sql) => readSpecs(sql, [record.specId]));
    const spec = specs.get(record.specId);
    if (spec === undefined)
      throw new MusterError('internal', `The spec of task ${record.id} is missing`);
    return spec;
  };
  const command = async (id: string, event: TaskCommand): Promise<TaskRecord> =>
    (await host.apply(id, event, false)).record;

  return {
    create: (drafts, caller, requestId) => createTasks(creator, drafts, caller, requestId),
    async get(id) {
      const record = await read(id);
      const [spec, attempts] = await Promise.all([
        readSpec(record),
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
      const record = await read(id);
      const { context, path } = record.snapshot;
      if (!isFinalPath(path)) {
        throw new MusterError(
          'illegal_transition',
          `Cannot retry task ${id}: it is ${path}; only a final task can be retried`,
        );
      }
      const { name, type, labels } = record;
      const { target, policy } = context;
      const spec = await readSpec(record);
      const draft = { name, type, labels, target, policy, held: false, startAt: null, spec };
      const [created] = await createTasks(creator, [draft], caller, requestId);
      return created as TaskRecord;
    },
    async delete(id) {
      const record = await read(id);
      const outcome = await store.read((sql) => deleteTask(sql, id));
      if (outcome === 'unknown') throw new MusterError('unknown_task', `There is no task ${id}`);
      if (outcome === 'not_final') {
        throw new MusterError(
          'illegal_transition',
          `Cannot delete task ${id}: it is ${record.snapshot.path}; only a final task can be deleted, cancel it first`,
        );
      }
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
