// Tasks are found by a part of their names, however many names there are and wherever in the list they stand.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { connectDatabase } from './connect.ts';
import type { Database } from './connect.ts';
import type { TaskFilter, TaskRecord } from './records.ts';
import {
  NOON,
  creationOf,
  dispatch,
  exit,
  idAt,
  recordOf,
  start,
  updateOf,
} from './task-fixture.ts';
import { listTasks } from './task-lists.ts';
import { deleteTask, insertTasks, updateTasks } from './tasks.ts';

const COUNT = 14_000;
/** Behind the newest tasks, which are looked through at first. */
const OLD = 11_500;
const PARENT = idAt(NOON - 1);
const LATER = NOON + 365 * 86_400_000;

let test: TestDatabase;
let database: Database;
/** Everything that is stored, newest first. */
let stored: TaskRecord[];

beforeAll(async () => {
  test = await createTestDatabase();
  database = await connectDatabase({ url: test.url, maxConnections: 1 });
  stored = [];
  for (let from = 0; from < COUNT; from += 1_000) await fill(from, from + 1_000);
  stored.sort((a, b) => (a.id < b.id ? 1 : -1));
  await database.sql`analyze`;
}, 120_000);

afterAll(async () => {
  await database?.close();
  await test?.drop();
});

/** A few names that are there often, and thousands of others, of old tasks. */
function nameOf(n: number): string {
  if (n % 900 === 7) return 'Straße % _ \\ “Ägypten”';
  if (n < 1_000 && n % 2 === 0) return 'Once Upon a Time';
  if (n < 4_000 && n % 25 === 3) return `release ${n}`;
  return n % 2 === 0 || n >= OLD ? 'nightly Backup' : `deploy ${n * 7}`;
}

async function fill(from: number, until: number): Promise<void> {
  const creations = Array.from({ length: until - from }, (_, index) => {
    const n = from + index;
    return creationOf({
      at: NOON + n * 250,
      nodeId: `n${n % 3}`,
      name: nameOf(n),
      creator: `user-${n % 4}`,
      labels: n % 10 === 0 ? { app: 'web' } : {},
      parentId: n % 20 === 4 ? PARENT : null,
    });
  });
  await insertTasks(database.sql, creations, '');
  const records = creations.map(recordOf);
  const updates = records
    .filter((_, index) => index % 3 === 0)
    .map((record) => updateOf(record, dispatch('n1'), start(), exit(0)));
  await updateTasks(database.sql, updates, '');
  const ended = new Map(updates.map(({ after }) => [after.id, after]));
  stored.push(...records.map((record) => ended.get(record.id) ?? record));
}

const idsOf = (records: readonly TaskRecord[]) => records.map(({ id }) => id);

/** The filter in JavaScript, to compare with. */
function isMatch(record: TaskRecord, filter: TaskFilter): boolean {
  const { context, path } = record.snapshot;
  const target = context.target.kind === 'node' ? context.target.nodeId : '';
  const nodeId = context.ended?.nodeId ?? target;
  const { text = '', states, nodeIds, creators, labels = {}, createdUntil = Infinity } = filter;
  return (
    record.name.toLowerCase().includes(text.toLowerCase()) &&
    (states?.some((state) => path.startsWith(state)) ?? true) &&
    (nodeIds?.includes(nodeId) ?? true) &&
    (creators?.includes(record.creator) ?? true) &&
    Object.entries(labels).every(([key, value]) => record.labels[key] === value) &&
    (filter.parentId === undefined || record.parentId === filter.parentId) &&
    (filter.isTopLevel !== true || record.parentId === null) &&
    record.createdAt < createdUntil
  );
}

const FILTERS: Record<string, TaskFilter> = {
  'a frequent text': { text: 'BACKUP' },
  'a text of many old names': { text: 'Deploy' },
  'a text of one name of old tasks': { text: 'once upon' },
  'a text of some old names': { text: 'release' },
  'a text of one task': { text: `y ${(OLD - 1) * 7}` },
  'a text that no name has': { text: 'deploys' },
  'a short text': { text: '%' },
  'a text of two': { text: 'y 7' },
  'what is special in patterns': { text: '% _ \\' },
  'letters beyond ASCII': { text: 'E % _ \\ “ÄG' },
  state: { text: 'upon', states: ['completed'] },
  'many old names and states': { text: 'deploy', states: ['completed', 'pending'] },
  'some old names and creator': { text: 'release', creators: ['user-3'] },
  nodes: { text: 'once', nodeIds: ['n0', 'n1'] },
  'some old names and nodes': { text: 'release', nodeIds: ['n0', 'n1'] },
  label: { text: 'upon', labels: { app: 'web' } },
  parent: { text: 'once', parentId: PARENT },
  'top level': { text: 'once upon', isTopLevel: true },
  'some old names and top level': { text: 'release', isTopLevel: true },
  'many old names and top level': { text: 'deploy', isTopLevel: true },
  time: { text: 'once upon', createdUntil: NOON + 200 * 250 },
};

describe('listTasks by text', () => {
  for (const [what, filter] of Object.entries(FILTERS)) {
    it(`finds by ${what}, newest first, in pages`, async () => {
      const { sql } = database;
      const wanted = idsOf(stored.filter((record) => isMatch(record, filter)));
      const found: TaskRecord[] = await listTasks(sql, filter, 50, null);
      expect(idsOf(found)).toEqual(wanted.slice(0, 50));
      const middle = Math.floor(wanted.length / 2);
      const before = wanted[middle] ?? idAt(NOON);
      const rest = await listTasks(sql, filter, 20, before);
      expect(idsOf(rest)).toEqual(wanted.slice(middle + 1, middle + 21));
    });
  }

  it('finds everything in pages that follow each other', async () => {
    const filter: TaskFilter = { text: 'e 1', isTopLevel: true };
    const wanted = idsOf(stored.filter((record) => isMatch(record, filter)));
    expect(wanted.length).toBeGreaterThan(30);
    const seen: string[] = [];
    for (;;) {
      const page = await listTasks(database.sql, filter, 7, seen.at(-1) ?? null);
      seen.push(...idsOf(page));
      if (page.length < 7) break;
    }
    expect(seen).toEqual(wanted);
  });

  it('writes a name once, and notes again that it is used after an hour', async () => {
    const { sql } = database;
    const name = 'Weekly Check';
    const key = name.toLowerCase();
    const ids: string[] = [];
    const read = () => sql<{ age: number; xmin: string }[]>`
      select extract(epoch from now() - used_at)::double precision as age, xmin::text from task_names where name = ${key}`;
    const store = async () => {
      const creations = [1, 2].map((n) => creationOf({ at: LATER + n, name }));
      await insertTasks(sql, creations, '');
      ids.push(...creations.map((one) => recordOf(one).id));
    };
    await store();
    const [first] = await read();
    await store();
    expect(await read()).toMatchObject([{ xmin: first?.xmin }]);
    await sql`update task_names set used_at = now() - interval '61 minutes' where name = ${key}`;
    await store();
    expect((await read())[0]?.age).toBeLessThan(3_600);
    expect(await listTasks(sql, { text: 'LY CHECK' }, 10, null)).toHaveLength(6);
    await sql`update tasks set state = 'completed', substate = '' where id = any(${ids}::uuid[])`;
    for (const id of ids) expect(await deleteTask(sql, id)).toBe('deleted');
    expect(await listTasks(sql, { text: key }, 10, null)).toEqual([]);
    expect(await sql`select 1 from task_labels where value = ${key}`).toEqual([]);
  });
});
