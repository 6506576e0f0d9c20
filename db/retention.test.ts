// What is old enough goes, with all that belongs to it; what is not final loses nothing, whoever else is deleting.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { eventually } from '../test/eventually.ts';
import { connectDatabase } from './connect.ts';
import type { Database } from './connect.ts';
import { deleteOldRequests, deleteOldTasks, deleteUnusedNames } from './retention.ts';
import { dispatch, exit, idAt, start, storeTask } from './task-fixture.ts';
import { listTasks } from './task-lists.ts';
import { deleteTask } from './tasks.ts';

const DAY = 86_400_000;
const KEEP = 30 * DAY;

let test: TestDatabase;
let database: Database;
let now: number;

beforeEach(async () => {
  test = await createTestDatabase();
  database = await connectDatabase({ url: test.url, maxConnections: 4 });
  const [row] = await database.sql<[{ now: number }]>`
    select (extract(epoch from now()) * 1000)::double precision as now`;
  now = Math.floor(row.now);
});

afterEach(async () => {
  await database?.close();
  await test?.drop();
});

const ended = (at: number, wish: object = {}) =>
  storeTask(database.sql, { at, ...wish }, dispatch(), start(), exit());

const idsLeft = async () =>
  (await database.sql<{ id: string }[]>`select id from tasks order by id`).map(({ id }) => id);

async function deleteAll(limit: number): Promise<number> {
  let deleted = 0;
  let after: string | null = null;
  do {
    const done = await deleteOldTasks(database.sql, KEEP, limit, after);
    deleted += done.deleted;
    after = done.nextAfter;
  } while (after !== null);
  return deleted;
}

describe('deleteOldTasks', () => {
  it('deletes by the time of the end, with output and history, in batches', async () => {
    const { sql } = database;
    const old = [];
    for (let n = 0; n < 7; n += 1)
      old.push(await ended(now - KEEP - DAY + n, { labels: { a: 'b' } }));
    const id = old[0]?.id as string;
    await sql`insert into output_streams values (${id}, 1, 'stdout', 2)`;
    await sql`
      insert into output_pieces (task_id, attempt, stream, start_offset, end_offset, content, host_at)
      values (${id}, 1, 'stdout', 0, 2, 'ok', now())`;
    const fresh = await ended(now - KEEP + 60_000);
    // Created long ago, ended yesterday.
    const late = await ended(now - KEEP - 2 * DAY);
    await sql`update tasks set finished_at = now() - interval '1 day' where id = ${late.id}`;
    expect(await deleteAll(3)).toBe(7);
    expect(await idsLeft()).toEqual([late.id, fresh.id]);
    for (const table of [
      'transitions',
      'attempts',
      'output_pieces',
      'output_streams',
      'task_labels',
    ]) {
      const [row] = await sql<[{ n: number }]>`
        select count(*)::integer as n from ${sql(table)} where task_id = any(${old.map((one) => one.id)}::uuid[])`;
      expect([table, row.n]).toEqual([table, 0]);
    }
  });

  it('leaves what is not final, and children of what is not final', async () => {
    const { sql } = database;
    const at = now - KEEP - DAY;
    const running = await storeTask(sql, { at }, dispatch(), start());
    const pending = await storeTask(sql, { at: at + 1 });
    const child = await ended(at + 2, { parentId: running.id });
    const orphan = await ended(at + 3, { parentId: idAt(at) });
    expect(await deleteAll(10)).toBe(1);
    expect(await idsLeft()).toEqual([running.id, pending.id, child.id]);
    expect(await idsLeft()).not.toContain(orphan.id);
  });

  it('deletes each task once when several supervisors do it at once', async () => {
    for (let n = 0; n < 40; n += 1) await ended(now - KEEP - DAY + n);
    const counts = await Promise.all([deleteAll(7), deleteAll(7), deleteAll(7), deleteAll(7)]);
    expect(counts.reduce((sum, count) => sum + count, 0) + (await deleteAll(7))).toBe(40);
    expect(await idsLeft()).toEqual([]);
  });

  it('finds them by a range of the primary key', async () => {
    const { sql } = database;
    await sql`
      insert into tasks (id, version, machine_version, state, substate, context, name, type, labels, creator, spec_id, priority,
        attempt, created_at, updated_at, finished_at)
      select id, 1, 1, 'completed', '', '{}', '', 'script', '{}', 'admin', id, 50, 1, now(), now(), now()
      from (
        select (lpad(to_hex(${now}::bigint + n), 12, '0') || '7000800000000000' || lpad(to_hex(n), 4, '0'))::uuid as id
        from generate_series(1, 20000) as n
      ) as made`;
    const old = await ended(now - KEEP - DAY);
    await sql`analyze tasks`;
    await database.close();
    database = await connectDatabase({ url: test.url, maxConnections: 1 });
    const one = database.sql;
    const count = async () => {
      await one`select pg_stat_force_next_flush()`;
      const [row] = await one<[{ scans: number; rows: number }]>`
        select seq_scan::integer as scans, idx_tup_fetch::integer as rows
        from pg_stat_user_tables where relname = 'tasks'`;
      return row;
    };
    const before = await count();
    expect(await deleteOldTasks(one, KEEP, 100, null)).toEqual({ deleted: 1, nextAfter: null });
    const after = await count();
    expect(after.scans - before.scans).toBe(0);
    expect(after.rows - before.rows).toBeLessThan(50);
    expect(await idsLeft()).not.toContain(old.id);
  });
});

it('deletes old requests, so many at once', async () => {
  const { sql } = database;
  await sql`
    insert into requests (creator, request_id, digest, task_ids, created_at)
    select 'admin', n::text, '', '{}', now() - make_interval(days => n) from generate_series(1, 10) as n`;
  expect(await deleteOldRequests(sql, 7 * DAY + 1_000, 2)).toBe(2);
  expect(await deleteOldRequests(sql, 7 * DAY + 1_000, 2)).toBe(1);
  expect(await deleteOldRequests(sql, 7 * DAY + 1_000, 2)).toBe(0);
  expect(await sql`select 1 from requests`).toHaveLength(7);
});

describe('deleteUnusedNames', () => {
  const namesLeft = async () =>
    (await database.sql<{ name: string }[]>`select name from task_names order by name`).map(
      ({ name }) => name,
    );
  const age = (name: string, hours: number) => database.sql`
    update task_names set used_at = now() - make_interval(hours => ${hours}) where name = ${name}`;

  it('deletes what no task has, a day after a task was created with it, in batches', async () => {
    const { sql } = database;
    const names = ['A', 'B', 'C', 'D', 'E'];
    const tasks = [];
    for (const name of names) tasks.push(await ended(now, { name }));
    await ended(now, { name: 'a', parentId: idAt(now) });
    for (const { id } of tasks.slice(0, 4)) await deleteTask(sql, id);
    expect(await sql`select 1 from task_labels where task_id = ${tasks[0]?.id as string}`).toEqual(
      [],
    );
    for (const name of ['a', 'b', 'c', 'e']) await age(name, 25);
    await age('d', 23);
    expect(await deleteUnusedNames(sql, 2, null)).toEqual({ deleted: 1, nextAfter: 'b' });
    expect(await deleteUnusedNames(sql, 2, 'b')).toEqual({ deleted: 1, nextAfter: 'd' });
    expect(await deleteUnusedNames(sql, 2, 'd')).toEqual({ deleted: 0, nextAfter: null });
    expect(await namesLeft()).toEqual(['a', 'd', 'e']);
  });

  it('leaves a name that a task is just being created with', async () => {
    const { sql } = database;
    const { id } = await ended(now, { name: 'backup' });
    await deleteTask(sql, id);
    await age('backup', 25);
    // Nobody sees the task yet when the name is judged.
    const creating = await connectDatabase({ url: test.url, maxConnections: 1 });
    await creating.sql.unsafe('begin');
    await storeTask(creating.sql, { at: now, name: 'Backup' });
    const deletion = deleteUnusedNames(sql, 10, null);
    await waitsForLock();
    await creating.sql.unsafe('commit');
    expect(await deletion).toEqual({ deleted: 0, nextAfter: null });
    await creating.close();
    expect(await listTasks(sql, { text: 'backup' }, 10, null)).toHaveLength(1);
  });

  async function waitsForLock(): Promise<void> {
    await eventually(async () => {
      const rows = await database.sql`
        select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      return rows.length > 0;
    }, 'the deletion waits for the creation');
  }
});
