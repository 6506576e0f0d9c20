// Days are made ahead and dropped whole, once nothing in them is needed; what was there before there were days is carried over.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { connectDatabase } from './connect.ts';
import type { Database, Sql } from './connect.ts';
import { expireOutput, isHistoryExpired, readExpiredOutput, readOutputBytes } from './expiry.ts';
import { openNodeSession } from './nodes.ts';
import { insertOutput, readOutputRange } from './output.ts';
import { expireDays, makeDays } from './partitions.ts';
import { dispatch, exit, start, storeTask } from './task-fixture.ts';
import { deleteTask } from './tasks.ts';
import { listTransitions } from './transitions.ts';

const DAY = 86_400_000;
const KEEP = 10 * DAY;

let test: TestDatabase;
let database: Database;
let sql: Sql;
/** Noon of today. */
let noon: number;

beforeEach(async () => {
  test = await createTestDatabase();
  database = await connectDatabase({ url: test.url, maxConnections: 4 });
  sql = database.sql;
  const [row] = await sql<[{ noon: number }]>`
    select (extract(epoch from date_trunc('day', now(), 'UTC')) * 1000)::double precision + ${DAY / 2} as noon`;
  noon = row.noon;
  const facts = { bootId: 'b', labels: {}, facts: {}, slots: 4, supervisorId: 's' };
  await openNodeSession(sql, { nodeId: 'n1', ...facts });
});

afterEach(async () => {
  await database?.close();
  await test?.drop();
});

async function print(taskId: string, text: string, offset = 0): Promise<string> {
  const stream = 'stdout' as const;
  const piece = { taskId, attempt: 1, stream, offset, content: Buffer.from(text), at: noon };
  const [result = ''] = await insertOutput(sql, [{ nodeId: 'n1', epoch: 1, piece }]);
  return result;
}

async function ended(at: number, wish: object = {}): Promise<string> {
  const { id } = await storeTask(sql, { at, ...wish }, dispatch(), start(), exit());
  await print(id, 'hello');
  return id;
}

const textOf = async (id: string) => {
  const { content } = await readOutputRange(sql, id, 1, 'stdout', 0, 100);
  return Buffer.from(content).toString();
};

const tableOf = async (id: string) => {
  const [row] = await sql<[{ name: string }]>`
    select tableoid::regclass::text as name from transitions where task_id = ${id} limit 1`;
  return row.name;
};

/** As if days had been made in the past, in the place of the first partition, which begins later then. */
async function makePastDays(...daysAgo: number[]): Promise<void> {
  const bound = (ms: number) => sql`first_id_at(to_timestamp(${ms}::double precision / 1000))`;
  for (const table of ['transitions', 'output_pieces']) {
    await sql.unsafe(`drop table ${table}_first`);
    await sql`delete from day_partitions where parent = ${table}`;
    for (const days of daysAgo) {
      const from = noon - DAY / 2 - days * DAY;
      const name = `${table}_${new Date(from).toISOString().slice(0, 10).replaceAll('-', '')}`;
      const [row] = await sql<[{ low: string; high: string }]>`
        select ${bound(from)} as low, ${bound(from + DAY)} as high`;
      await sql.unsafe(
        `create table ${name} partition of ${table} for values from ('${row.low}') to ('${row.high}')`,
      );
      await sql`insert into day_partitions values (${table}, ${row.low}, ${row.high}, ${name})`;
    }
  }
}

const tables: ['transitions', 'output_pieces'] = ['transitions', 'output_pieces'];
const drop = async (keepMs = KEEP) =>
  Promise.all(tables.map((table) => expireDays(sql, table, keepMs)));

describe('makeDays', () => {
  it('makes what is missing of the days to come, once, whoever does it', async () => {
    const make = () => makeDays(sql, 'transitions', 5);
    const made = await Promise.all([make(), make(), make()]);
    // The first partition has today and tomorrow.
    expect(made.reduce((sum, count) => sum + count, 0) + (await make())).toBe(4);
    const today = await ended(noon);
    const later = await ended(noon + 3 * DAY);
    const beyond = await ended(noon + 9 * DAY);
    expect(await tableOf(today)).toBe('transitions_first');
    const name = new Date(noon + 3 * DAY).toISOString().slice(0, 10).replaceAll('-', '');
    expect(await tableOf(later)).toBe(`transitions_${name}`);
    expect(await tableOf(beyond)).toBe('transitions_other');
    for (const id of [today, later, beyond]) {
      expect(await listTransitions(sql, id, 0, 10)).toHaveLength(4);
      expect(await textOf(id)).toBe('hello');
    }
  });

  it('leaves a day that has rows already where they are', async () => {
    const id = await ended(noon + 3 * DAY);
    expect(await makeDays(sql, 'transitions', 4)).toBe(2);
    expect(await tableOf(id)).toBe('transitions_other');
    expect(await listTransitions(sql, id, 0, 10)).toHaveLength(4);
  });
});

describe('expireDays', () => {
  it('drops the days that are old, and says of their tasks that they had something', async () => {
    await makePastDays(20, 15, 12, 3);
    const [old, older, fresh] = [
      await ended(noon - 12 * DAY),
      await ended(noon - 20 * DAY),
      await ended(noon - 3 * DAY),
    ];
    const other = await ended(noon - 14 * DAY);
    expect(await drop()).toEqual([3, 3]);
    expect(await drop()).toEqual([0, 0]);
    for (const id of [old, older]) {
      expect(await isHistoryExpired(sql, id)).toBe(true);
      expect(await readExpiredOutput(sql, id, 1)).toEqual({ stdout: 5, stderr: 0, result: 0 });
      expect([await textOf(id), await listTransitions(sql, id, 0, 9)]).toEqual(['', []]);
      // What comes once more is not stored.
      expect([await print(id, 'hello'), await print(id, '!', 5)]).toEqual(['stored', 'stored']);
    }
    for (const id of [fresh, other]) {
      expect(await isHistoryExpired(sql, id)).toBe(false);
      expect(await textOf(id)).toBe('hello');
      expect(await listTransitions(sql, id, 0, 9)).toHaveLength(4);
    }
    expect(await readOutputBytes(sql)).toBe(10);
    expect(await sql`select 1 from output_pieces`).toHaveLength(2);
    // Without their tasks nobody asks any more.
    for (const id of [old, older]) expect(await deleteTask(sql, id)).toBe('deleted');
    await drop();
    expect(await sql`select 1 from day_partitions where expired_at is not null`).toEqual([]);
  });

  it('keeps a day with a task that is live, has just ended, or has a live parent', async () => {
    await makePastDays(30, 28, 26, 24, 20);
    const running = await storeTask(sql, { at: noon - 30 * DAY }, dispatch(), start());
    const late = await ended(noon - 28 * DAY);
    await sql`update tasks set finished_at = now() - interval '1 day' where id = ${late}`;
    const child = await ended(noon - 26 * DAY, { parentId: running.id });
    const held = await storeTask(sql, { at: noon - 24 * DAY, held: true });
    const beside = await ended(noon - 30 * DAY + 1);
    expect(await drop()).toEqual([1, 1]);
    for (const id of [running.id, late, child, held.id]) {
      expect((await listTransitions(sql, id, 0, 9)).length).toBeGreaterThan(0);
    }
    // The rest of such a day goes task by task.
    const batch = { keepMs: KEEP, limit: 10, after: null };
    expect(await expireOutput(sql, batch)).toMatchObject({ tasks: 1, bytes: 5 });
    expect(await textOf(beside)).toBe('');
    expect(await textOf(child)).toBe('hello');
  });

  it('drops what was there before there were days as well, when all of it is old', async () => {
    const id = await ended(noon - 20 * DAY);
    expect(await drop()).toEqual([0, 0]);
    // As if twelve days had passed since.
    await makePastDays(12);
    await sql`update day_partitions set first_id = '00000000-0000-0000-0000-000000000000'`;
    expect(await drop()).toEqual([1, 1]);
    expect(await isHistoryExpired(sql, id)).toBe(true);
  });

  it('leaves a day that somebody holds for the next time, and waits for nobody long', async () => {
    await makePastDays(20);
    const id = await ended(noon - 20 * DAY);
    const reader = await connectDatabase({ url: test.url, maxConnections: 1 });
    try {
      await reader.sql`begin`;
      expect(await reader.sql`select 1 from transitions where task_id = ${id}`).toHaveLength(4);
      expect(await expireDays(sql, 'transitions', KEEP)).toBe(0);
      expect(await isHistoryExpired(sql, id)).toBe(false);
      await reader.sql`commit`;
      expect(await expireDays(sql, 'transitions', KEEP)).toBe(1);
    } finally {
      await reader.close();
    }
  });
});
