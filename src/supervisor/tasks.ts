/**
 * Everything that can be asked about and done to tasks: the part of the supervisor that TaskService speaks to.
 *
 * Commands go through the host; reads go to the database, which is the truth. Each method rejects with a MusterError.
 */
import { listAttempts } from '../../db/attempts.ts';
import { readSpecs } from '../../db/specs.ts';
import { readStatistics } from '../../db/statistics.ts';
import { listChildIds, listChildNodes } from '../../db/children.ts';
import { readOutputRange } from '../../db/output.ts';
import { listTasks } from '../../db/task-lists.ts';
import { deleteTask, readTasks } from '../../db/tasks.ts';
import type { TaskRecord } from '../../db/records.ts';
import { FAN_OUT } from '../../machines/behaviour.ts';
import { isFinalPath } from '../../machines/decide.ts';
import { MusterError } from '../../machines/errors.ts';
import { isFanOut } from '../../machines/fan-out-context.ts';
import type { FanOutContext } from '../../machines/fan-out-context.ts';
import type { TaskCommand } from '../../machines/task-events.ts';
import type { Clock } from '../process/clock.ts';
import type { Changes } from './changes.ts';
import { createAsked, createTasks } from './creation.ts';
import type { Host } from './host.ts';
import type { CreatorOptions } from './new-task.ts';
import { readOutput, tailOutput } from './output-reader.ts';
import type { ProgressBoard } from './progress.ts';
import type { Store } from './store.ts';
import type { FanOutDraft, TaskDraft, Tasks } from './supervisor.ts';
import { readHistory, verifyTask } from './task-history.ts';
import { candidatesOf } from './node-sets.ts';
import { whyWaiting } from './waiting.ts';
import { waitForTask, watchTasks } from './watch.ts';

export interface TasksOptions {
  readonly store: Store;
  readonly host: Host;
  readonly changes: Changes;
  readonly board: ProgressBoard;
  readonly clock: Clock;
  readonly creator: CreatorOptions;
  /** Silence after which a node is unreachable. */
  readonly deadAfterMs: number;
}

const MAX_RESULT_BYTES = 2 ** 20;
/** Children deleted with one read. */
const DELETE_BATCH = 500;

export function createTaskActions(options: TasksOptions): Tasks {
  const { store, host, changes, board, clock, creator } = options;
  const read = (id: string) => readTask(store, id);
  const command = async (id: string, event: TaskCommand): Promise<TaskRecord> =>
    (await host.apply(id, event, false)).record;

  return {
    create: (drafts, caller, requestId) => createTasks(creator, drafts, caller, requestId),
    async get(id) {
      const record = await read(id);
      const candidates = await candidatesOf(store, record.snapshot.context.target);
      const [spec, attempts, waiting, progress, result] = await Promise.all([
        readSpec(store, record),
        store.read((sql) => listAttempts(sql, id)),
        whyWaiting(store, record, candidates, options.deadAfterMs),
        board.find(record),
        readResult(store, record),
      ]);
      return { record, spec, attempts, candidates, waiting, progress, ...result };
    },
    list: (filter, limit, before) => store.read((sql) => listTasks(sql, filter, limit, before)),
    async execute(id, caller) {
      const { parentId, snapshot } = await read(id);
      if (parentId !== null && snapshot.path === 'pending.held') throw isChild(id, parentId);
      return command(id, { type: 'execute.requested', by: caller.name });
    },
    pause: (id, note, caller) => command(id, { type: 'pause.requested', by: caller.name, note }),
    resume: (id, caller) => command(id, { type: 'resume.requested', by: caller.name }),
    cancel: (id, note, caller) => command(id, { type: 'cancel.requested', by: caller.name, note }),
    resolve: (id, resolution, note, caller) =>
      command(id, { type: 'resolve.requested', by: caller.name, note, resolution }),
    async retry(id, isUnfinishedOnly, caller, requestId) {
      const draftsOf = async () => [await draftAgain(store, await read(id), isUnfinishedOnly)];
      const asked = { retry: id, isUnfinishedOnly };
      const [created] = await createAsked(creator, asked, draftsOf, caller, requestId);
      return created as TaskRecord;
    },
    async delete(id) {
      for await (const record of deleteFinal(store, id)) {
        host.forget([record.id]);
        changes.publish({ record, transitions: [], isDeleted: true });
      }
    },
    wait: (id, timeoutMs, signal) => waitForTask(store, changes, clock, id, timeoutMs, signal),
    watch: (filter, seen, signal) => watchTasks(store, changes, board, filter, seen, signal),
    async history(id, afterVersion, limit) {
      await read(id);
      return readHistory(store, id, afterVersion, limit);
    },
    verify: async (id) => verifyTask(store, await read(id)),
    readOutput: (id, attempt, stream, offset, limitBytes) =>
      readOutput(store, id, attempt, stream, offset, limitBytes),
    tailOutput: (id, from, isStoredOnly, signal) =>
      tailOutput(store, changes, board, id, from, isStoredOnly, signal),
    statistics: (from, until) => store.read((sql) => readStatistics(sql, from, until)),
  };
}

/** What a completed handler has returned. Nothing is stored for null; where its beginning is missing, it is unknown. */
async function readResult(
  store: Store,
  { id, type, snapshot }: TaskRecord,
): Promise<{ resultJson?: string }> {
  if (type !== 'handler' || snapshot.path !== 'completed') return {};
  const { attempt } = snapshot.context;
  const { content, nextOffset } = await store.read((sql) =>
    readOutputRange(sql, id, attempt, 'result', 0, MAX_RESULT_BYTES),
  );
  if (nextOffset > content.length) return {};
  return { resultJson: content.length === 0 ? 'null' : new TextDecoder().decode(content) };
}

function isChild(id: string, parentId: string): MusterError {
  const rule = `fan-out ${parentId} starts it when its turn comes`;
  return new MusterError('illegal_transition', `Cannot execute task ${id}: ${rule}`);
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
async function draftAgain(
  store: Store,
  record: TaskRecord,
  isUnfinishedOnly: boolean,
): Promise<TaskDraft> {
  const { id, name, labels } = record;
  const { path, context } = record.snapshot;
  if (!isFinalPath(path)) {
    const rule = 'only a final task can be retried';
    throw new MusterError('illegal_transition', `Cannot retry task ${id}: it is ${path}; ${rule}`);
  }
  const { target, policy } = context;
  const spec = await readSpec(store, record);
  const draft = { name, labels, target, policy, held: false, startAt: null, spec } as const;
  if (!isFanOut(context)) {
    if (!isUnfinishedOnly) return { ...draft, type: record.type };
    const rule = 'only a fan-out has children to choose from';
    throw new MusterError(
      'invalid_argument',
      `Cannot retry the failed children of task ${id}: ${rule}`,
    );
  }
  const nodes = await store.read((sql) => listChildNodes(sql, id, isUnfinishedOnly));
  const [child] = await store.read((sql) => listChildIds(sql, id, null, 1));
  if (nodes.length === 0 || child === undefined) {
    const rule = isUnfinishedOnly
      ? 'all of its children have completed'
      : 'it has no children any more';
    throw new MusterError('illegal_transition', `Cannot retry fan-out ${id}: ${rule}`);
  }
  const { type } = await readTask(store, child);
  return { ...draft, type, fanOut: fanOutAgain(context, nodes) };
}

/** As the former one went, on these nodes. */
function fanOutAgain({ fanOut, total }: FanOutContext, nodes: readonly string[]): FanOutDraft {
  const { maxParallel, maxFailures, deadlineMs, seed } = fanOut;
  return {
    selection: { nodes, selector: '', groups: [], all: false, exclude: [] },
    maxParallel: maxParallel >= total ? null : { kind: 'count', value: maxParallel },
    maxFailures: maxFailures === null ? null : { kind: 'count', value: maxFailures },
    deadlineMs,
    order: seed === null ? 'given' : 'random',
  };
}

/** Deletes a final task, a fan-out after its children, and gives what each was. */
async function* deleteFinal(store: Store, id: string): AsyncIterable<TaskRecord> {
  const record = await readTask(store, id);
  if (record.parentId !== null) await checkOrphan(store, record, record.parentId);
  if (record.type === FAN_OUT && isFinalPath(record.snapshot.path)) {
    for (;;) {
      const ids = await store.read((sql) => listChildIds(sql, id, null, DELETE_BATCH));
      if (ids.length === 0) break;
      for (const child of await store.read((sql) => readTasks(sql, ids))) {
        if (await deleteOne(store, child)) yield child;
      }
    }
  }
  if (await deleteOne(store, record)) yield record;
}

/** The counts of a fan-out are read from its children: they go when it goes. */
async function checkOrphan(store: Store, { id }: TaskRecord, parentId: string): Promise<void> {
  const [parent] = await store.read((sql) => readTasks(sql, [parentId]));
  if (parent === undefined) return;
  const rule = `it belongs to fan-out ${parentId}; delete that`;
  throw new MusterError('illegal_transition', `Cannot delete task ${id}: ${rule}`);
}

/** @throws MusterError `illegal_transition`, `unknown_task` */
async function deleteOne(store: Store, record: TaskRecord): Promise<boolean> {
  const { id } = record;
  const outcome = await store.read((sql) => deleteTask(sql, id));
  if (outcome === 'deleted') return true;
  if (outcome === 'unknown') throw new MusterError('unknown_task', `There is no task ${id}`);
  const rule = 'only a final task can be deleted, cancel it first';
  const { path } = record.snapshot;
  throw new MusterError('illegal_transition', `Cannot delete task ${id}: it is ${path}; ${rule}`);
}
