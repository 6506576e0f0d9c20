/**
 * Creates tasks: a batch of checked wishes becomes one commit, all or none.
 *
 * A request id makes the call repeatable: its row is written in the same commit, with a digest of what was asked, so that the
 * same call returns the same tasks and another call under the same id is refused.
 */
import { createHash } from 'node:crypto';
import { listNodeIds } from '../../db/nodes.ts';
import type { TaskRecord } from '../../db/records.ts';
import type { RequestAnswer } from '../../db/requests.ts';
import { readRequest } from '../../db/requests.ts';
import { readTasks } from '../../db/tasks.ts';
import { MusterError } from '../../machines/errors.ts';
import { newFanOut } from './fan-out-creation.ts';
import { checkContents } from './files.ts';
import { newTask } from './new-task.ts';
import type { CreatorOptions, NewTask } from './new-task.ts';
import { anyNodeOf } from './node-sets.ts';
import type { Store } from './store.ts';
import type { Caller, FanOutDraft, TaskDraft } from './supervisor.ts';
import { resolveTargets } from './targets.ts';

/** @throws MusterError `unknown_node` (naming all), `unknown_content`, `request_id_conflict`, `unavailable`, `rejected_by_store` */
export async function createTasks(
  options: CreatorOptions,
  drafts: readonly TaskDraft[],
  caller: Caller,
  requestId: string,
): Promise<TaskRecord[]> {
  return await createAsked(options, drafts, async () => drafts, caller, requestId);
}

/**
 * Creates what a call asks for, where the wishes follow from something stored.
 *
 * @param asked the call as it was made; a repetition is told by it, also when nothing follows from it any more
 * @throws MusterError as createTasks, and as `draftsOf`
 */
export async function createAsked(
  options: CreatorOptions,
  asked: unknown,
  draftsOf: () => Promise<readonly TaskDraft[]>,
  caller: Caller,
  requestId: string,
): Promise<TaskRecord[]> {
  const { store } = options;
  const digest = digestOf(asked);
  const request = requestId === '' ? null : { creator: caller.name, requestId, digest };
  const digests = new Set([digest]);
  const repeat = (former: RequestAnswer) => {
    if (!digests.has(former.digest)) throw requestConflict(requestId);
    return readInOrder(store, former.taskIds, requestId);
  };
  let tasks: NewTask[];
  try {
    const drafts = await draftsOf();
    // Answers of earlier versions have this one.
    digests.add(digestOf(drafts));
    tasks = await makeTasks(options, drafts, caller);
  } catch (error) {
    // What it needed then may have gone since: a node, a label, a content, the task that it retries.
    const former = request && (await store.read((sql) => readRequest(sql, request)));
    if (former === null) throw error;
    return await repeat(former);
  }
  const result = await store.create({ request, tasks });
  if (result.kind === 'repeated') return await repeat(result);
  announceTasks(options, tasks);
  return tasks.flatMap(({ record }) => (record.parentId === null ? [record] : []));
}

async function makeTasks(
  options: CreatorOptions,
  drafts: readonly TaskDraft[],
  caller: Caller,
): Promise<NewTask[]> {
  await checkNeeds(options.store, drafts);
  const tasks: NewTask[] = [];
  for (const draft of drafts) tasks.push(...(await newTasks(options, draft, caller)));
  return tasks;
}

/** Acts on tasks that are committed: their effects, and whoever watches. */
export function announceTasks(
  { specs, onCommitted }: CreatorOptions,
  tasks: readonly NewTask[],
): void {
  for (const { record, spec, transition, effects } of tasks) {
    // It will be sent soon.
    if (/^(pending.queued|running)/.test(record.snapshot.path)) specs.put(record.specId, spec);
    onCommitted({ record, transitions: [transition], effects });
  }
}

/**
 * Makes what a wish asks for, without storing it: one task, or a fan-out and then its children.
 *
 * @throws MusterError as createTasks, for nodes that cannot be chosen
 */
export async function newTasks(
  options: CreatorOptions,
  draft: TaskDraft,
  caller: Caller,
  scheduleId?: string,
): Promise<NewTask[]> {
  if (!isFanOutDraft(draft)) {
    const { anyOf } = draft;
    const target = anyOf === undefined ? draft.target : await anyNodeOf(options.store, anyOf);
    return [newTask(options, { ...draft, target }, caller, { scheduleId })];
  }
  const nodeIds = await resolveTargets(options.store, draft.fanOut.selection);
  return newFanOut(options, draft, nodeIds, caller, scheduleId);
}

function isFanOutDraft(draft: TaskDraft): draft is TaskDraft & { readonly fanOut: FanOutDraft } {
  return draft.fanOut !== undefined;
}

/**
 * Looks whether there is what the tasks need.
 *
 * @param action completes the sentence `Cannot …`
 * @throws MusterError `unknown_node` (naming all) for tasks that are bound to nodes nobody knows; as checkContents
 */
export async function checkNeeds(
  store: Store,
  drafts: readonly TaskDraft[],
  action = 'create the task',
): Promise<void> {
  await checkNodes(store, drafts, action);
  const contents = drafts.flatMap(({ content }) => (content === undefined ? [] : [content]));
  await checkContents(store, contents);
}

async function checkNodes(
  store: Store,
  drafts: readonly TaskDraft[],
  action: string,
): Promise<void> {
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
    `Cannot ${action}: ${what}; a node is known from the first connection of its agent on (see: muster node list)`,
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

function digestOf(asked: unknown): string {
  return createHash('sha256').update(canonicalJson(asked)).digest('hex');
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
