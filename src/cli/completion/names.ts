/**
 * Names that the supervisor knows: nodes, tasks, schedules, groups, workers, labels.
 */
import type { ClientFlags } from '../client-flags.ts';
import { type Connection, withConnection } from '../connection.ts';
import { stateName } from '../task-view.ts';
import { workerName, workerState } from '../worker-view.ts';
import type { Candidate } from './candidates.ts';
import type { NameKind } from './values.ts';

/** Whoever presses a key waits: better no names than late ones. */
const PATIENCE_MS = 700;
/** Of a list that is read page by page; more names than this help nobody. */
const MAX_NAMES = 1_000;
const PAGE_SIZE = 200;
const NEWEST_TASKS = 50;

/** Returns names that may be meant; none when the supervisor does not answer in time. */
export async function readNames(
  kind: NameKind,
  prefix: string,
  flags: ClientFlags,
): Promise<Candidate[]> {
  const { promise: late, resolve } = Promise.withResolvers<Candidate[]>();
  const timer = setTimeout(() => resolve([]), PATIENCE_MS);
  try {
    const names = withConnection(flags, (connection) => read(kind, prefix, connection));
    // Without a supervisor there are no names, and nothing to say: the line is not even finished.
    return await Promise.race([names.catch(() => []), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function read(kind: NameKind, prefix: string, connection: Connection): Promise<Candidate[]> {
  switch (kind) {
    case 'node':
      return (await readNodes(connection)).map(({ id }) => ({ text: id, about: '' }));
    case 'nodeLabel':
      return labelsOf(await readNodes(connection));
    case 'task':
      return await readTasks(prefix, connection);
    case 'taskLabel':
      return labelsOf(await newestTasks('', connection));
    case 'worker':
      return await readWorkers(connection);
    case 'schedule':
      return await readSchedules(connection);
    case 'group': {
      const { groups } = await connection.groups.listGroups({}, CALL);
      return groups.map(({ name, description }) => ({ text: name, about: description }));
    }
  }
}

const CALL = { timeoutMs: PATIENCE_MS } as const;

async function readNodes({ nodes }: Connection) {
  return await readPages(async (pageToken) => {
    const page = await nodes.listNodes({ pageSize: PAGE_SIZE, pageToken }, CALL);
    return { items: page.nodes, next: page.nextPageToken };
  });
}

async function readWorkers({ nodes }: Connection): Promise<Candidate[]> {
  const found = await readPages(async (pageToken) => {
    const page = await nodes.listWorkers({ pageSize: PAGE_SIZE, pageToken }, CALL);
    return { items: page.workers, next: page.nextPageToken };
  });
  return found.map((worker) => ({ text: workerName(worker), about: workerState(worker) }));
}

async function readSchedules({ schedules }: Connection): Promise<Candidate[]> {
  const found = await readPages(async (pageToken) => {
    const page = await schedules.listSchedules({ pageSize: PAGE_SIZE, pageToken }, CALL);
    return { items: page.schedules, next: page.nextPageToken };
  });
  return found.map(({ spec }) => ({ text: spec?.name ?? '', about: '' }));
}

async function readTasks(prefix: string, connection: Connection): Promise<Candidate[]> {
  const tasks = await newestTasks(/^[0-9a-f-]+$/.test(prefix) ? prefix : '', connection);
  return tasks.map((task) => ({ text: task.id, about: `${stateName(task)}  ${task.name}` }));
}

async function newestTasks(idPrefix: string, { tasks }: Connection) {
  const request = { filter: { idPrefix }, pageSize: NEWEST_TASKS };
  return (await tasks.listTasks(request, CALL)).tasks;
}

async function readPages<T>(
  readPage: (pageToken: string) => Promise<{ items: readonly T[]; next: string }>,
): Promise<T[]> {
  const all: T[] = [];
  let pageToken = '';
  do {
    const { items, next } = await readPage(pageToken);
    all.push(...items);
    pageToken = next;
  } while (pageToken !== '' && all.length < MAX_NAMES);
  return all;
}

function labelsOf(
  all: readonly { readonly labels: Readonly<Record<string, string>> }[],
): Candidate[] {
  const texts = all.flatMap(({ labels }) =>
    Object.entries(labels).map(([key, value]) => `${key}=${value}`),
  );
  return [...new Set(texts)].sort().map((text) => ({ text, about: '' }));
}
