/**
 * Creates tasks: a batch of checked wishes becomes one commit, all or none.
 *
 * A request id makes the call repeatable: its row is written in the same commit, with a digest of what was asked, so that the
 * same call returns the same tasks and another call under the same id is refused.
 */
import { createHash } from 'node:crypto';
import { listNodeIds } from '../../db/nodes.ts';
import type { TaskCreation, TaskRecord } from '../../db/records.ts';
import { readTasks } from '../../db/tasks.ts';
import { createTask, wakeAt } from '../../machines/decide.ts';
import { MusterError } from '../../machines/errors.ts';
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

type NewTask = TaskCreation['tasks'][number] & { readonly effects: readonly Effect[] };

/** @throws MusterError `unknown_node` (naming all), `request_id_conflict`, `unavailable`, `rejected_by_store` */
export async function createTasks(
  options: CreatorOptions,
  drafts: readonly TaskDraft[],
  caller: Caller,
  requestId: string,
): Promise<TaskRecord[]> {
  const { store, specs, onCommitted } = options;
  const digest = digestOf(drafts);
  const request = requestId === '' ? null : { creator: caller.name, requestId, digest };
  await checkNodes(store, drafts);
  const tasks = drafts.map((draft) => newTask(options, draft, caller));
  const result = await store.create({ request, tasks });
  if (result.kind === 'repeated') {
    if (result.digest !== digest) throw requestConflict(requestId);
    return readInOrder(store, result.taskIds, requestId);
  }
  for (const { record, spec, transition, effects } of tasks) {
    if (record.snapshot.path === 'pending.queued') specs.put(record.specId, spec);
    onCommitted({ record, transitions: [transition], effects });
  }
  return tasks.map((task) => task.record);
}

function newTask(options: CreatorOptions, draft: TaskDraft, caller: Caller): NewTask {
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
    parentId: null,
    scheduleId: null,
    specId: id,
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

async function checkNodes(store: Store, drafts: readonly TaskDraft[]): Promise<void> {
  const asked = new Set<string>();
  for (const { target } of drafts) if (target.kind === 'node') asked.add(target.nodeId);
  if (asked.size === 0) return;
  const known = new Set(await store.read((sql) => listNodeIds(sql, [...asked])));
  const unknown = [...asked].filter((nodeId) => !known.has(nodeId)).sort();
  if (unknown.length === 0) return;
  const names = unknown.join(', ');
  const what = unknown.length === 1 ? `node ${names} is unknown` : `nodes ${names} are unknown`;
  throw new MusterError(
    'unknown_node',
    `Cannot create the task: ${what}; a node is known from the first connection of its agent on (see: muster node list)`,
  );
}

async function readInOrder(
  store: Store,
  taskIds: readonly string[],
  requestId: string,
): Promise<TaskRecord[]> {
  const records = new Map(
    (await store.read((sql) => readTasks(sql, taskIds))).map((record) => [record.id, record]),
  );
  return taskIds.map((taskId) => {
    const record = records.get(taskId);
    if (record === undefined) {
      throw new MusterError(
        'unknown_task',
        `Task ${taskId} of request ${requestId} has been deleted`,
      );
    }
    return record;
  });
}

function requestConflict(requestId: string): MusterError {
  return new MusterError(
    'request_id_conflict',
    `Cannot create the task: request_id ${requestId} was used before with another content; use a new one`,
  );
}

function digestOf(drafts: readonly TaskDraft[]): string {
  return createHash('sha256').update(canonicalJson(drafts)).digest('hex');
}

/** JSON with sorted keys, so that equal values give equal text. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const pairs = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, item]) => `${JSON.stringify(name)}:${canonicalJson(item)}`);
  return `{${pairs.join(',')}}`;
}
