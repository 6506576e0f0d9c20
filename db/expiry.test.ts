// Output and history go by age and by size, from final tasks only, and what has gone is said to have gone.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { connectDatabase } from './connect.ts';
import type { Database, Sql } from './connect.ts';
import {
  expireHistories,
  expireOutput,
  isHistoryExpired,
  readExpiredOutput,
  readOutputBytes,
} from './expiry.ts';
import { openNodeSession } from './nodes.ts';
import { insertOutput, readOutputRange } from './output.ts';
import { dispatch, exit, start, storeTask } from './task-fixture.ts';
import { deleteTask } from './tasks.ts';
import { insertLateReports, listLateReports, listTransitions } from './transitions.ts';

const DAY = 86_400_000;
const KEEP = 10 * DAY;

let test: TestDatabase;
let database: Database;
let sql: Sql;
let now: number;

beforeEach(async () => {
  test = await createTestDatabase();
  database = await connectDatabase({ url: test.url, maxConnections: 4 });
  sql = database.sql;
  const [row] = await sql<[{ now: number }]>`
    select (extract(epoch from now()) * 1000)::double precision as now`;
  now = Math.floor(row.now);
  const facts = { bootId: 'b', labels: {}, facts: {}, slots: 4, supervisorId: 's' };
  await openNodeSession(sql, { nodeId: 'n1', ...facts });
});

afterEach(async () => {
  await database?.close();
  await test?.drop();
});

async function print(taskId: string, text: string, offset = 0, attempt = 1): Promise<string> {
  const stream = 'stdout' as const;
  const piece = { taskId, attempt, stream, offset, content: Buffer.from(text), at: now };
  const [result = ''] = await insertOutput(sql, [{ nodeId: 'n1', epoch: 1, piece }]);
  return result;
}

async function ended(at: number, text = 'ok', wish: object = {}) {
  const record = await storeTask(sql, { at, ...wish }, dispatch(), start(), exit());
  await print(record.id, text);
  return record;
}

const textOf = async (id: string) => {
  const { content } = await readOutputRange(sql, id, 1, 'stdout', 0, 100);
  return Buffer.from(content).toString();
};

const batch = (limit = 100, keepMs: number | null = KEEP) => ({ keepMs, limit, after: null });

/** Batch after batch. */
async function expireAll(
  expire: (after: string | null) => Promise<{ tasks: number; nextAfter: string | null }>,
): Promise<number> {
  let tasks = 0;
  let after: string | null = null;
  do {
    const done = await expire(after);
    tasks += done.tasks;
    after = done.nextAfter;
  } while (after !== null);
  return tasks;
}

describe('expireOutput', () => {
  it('deletes by the time of the end, and says how much there was', async () => {
    const old = await ended(now - KEEP - DAY, 'hello');
    const fresh = await ended(now - KEEP + 60_000);
    const late = await ended(now - KEEP - 2 * DAY);
    await sql`update tasks set finished_at = now() - interval '1 day' where id = ${late.id}`;
    expect(await expireOutput(sql, batch())).toEqual({ tasks: 1, bytes: 5, nextAfter: null });
    expect(await expireOutput(sql, batch())).toEqual({ tasks: 0, bytes: 0, nextAfter: null });
    expect(await readExpiredOutput(sql, old.id, 1)).toEqual({ stdout: 5, stderr: 0, result: 0 });
    expect(await textOf(old.id)).toBe('');
    for (const { id } of [fresh, late]) {
      expect(await readExpiredOutput(sql, id, 1)).toEqual({ stdout: 0, stderr: 0, result: 0 });
      expect(await textOf(id)).toBe('ok');
    }
    expect(await listTransitions(sql, old.id, 0, 10)).toHaveLength(4);
  });

  it('goes through all in batches, each task once when several supervisors do it', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 23; n += 1) ids.push((await ended(now - KEEP - DAY + n)).id);
    const all = () => expireAll((after) => expireOutput(sql, { ...batch(5), after }));
    const counts = await Promise.all([all(), all(), all()]);
    expect(counts.reduce((sum, count) => sum + count, 0) + (await all())).toBe(23);
    for (const id of ids) expect(await textOf(id)).toBe('');
  });

  it('leaves what is not final, and children of what is not final, also by size', async () => {
    const at = now - KEEP - DAY;
    const running = await storeTask(sql, { at }, dispatch(), start());
    await print(running.id, 'running');
    const child = await ended(at + 2, 'child', { parentId: running.id });
    for (const keepMs of [KEEP, null]) {
      expect(await expireOutput(sql, batch(100, keepMs), 1_000)).toMatchObject({ tasks: 0 });
    }
    expect([await textOf(running.id), await textOf(child.id)]).toEqual(['running', 'child']);
  });

  it('lets the oldest go until enough bytes have gone', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 6; n += 1) ids.push((await ended(now - DAY + n, '0123456789')).id);
    expect(await readOutputBytes(sql)).toBe(60);
    expect(await expireOutput(sql, batch(4, null), 15)).toMatchObject({ tasks: 2, bytes: 20 });
    expect(await readOutputBytes(sql)).toBe(40);
    expect(await Promise.all(ids.map(textOf))).toEqual(['', '', ...Array(4).fill('0123456789')]);
  });

  it('stores nothing of what comes once more, or too late', async () => {
    const { id } = await ended(now - KEEP - DAY, 'hello');
    await expireOutput(sql, batch());
    expect(await print(id, 'hello')).toBe('stored');
    expect(await print(id, 'more', 5)).toBe('stored');
    expect(await print(id, 'gap', 50)).toBe('gap');
    expect(await textOf(id)).toBe('');
    expect(await readExpiredOutput(sql, id, 1)).toMatchObject({ stdout: 9 });
  });
});

describe('expireHistories', () => {
  it('deletes by the time of the end, and notes that there was one', async () => {
    const old = await ended(now - KEEP - DAY);
    const fresh = await ended(now - KEEP + 60_000);
    const [step] = await listTransitions(sql, old.id, 1, 1);
    const event = step?.event as never;
    await insertLateReports(sql, [{ taskId: old.id, attempt: 1, event, why: 'x', at: now }], 's');
    expect(await expireHistories(sql, batch())).toMatchObject({ tasks: 1, nextAfter: null });
    expect(await expireHistories(sql, batch())).toMatchObject({ tasks: 0 });
    expect(await listTransitions(sql, old.id, 0, 10)).toEqual([]);
    expect(await listLateReports(sql, old.id, 10)).toEqual([]);
    expect(await isHistoryExpired(sql, old.id)).toBe(true);
    expect(await listTransitions(sql, fresh.id, 0, 10)).toHaveLength(4);
    expect(await isHistoryExpired(sql, fresh.id)).toBe(false);
    expect(await textOf(old.id)).toBe('ok');
    // The note goes with the task.
    await deleteTask(sql, old.id);
    expect(await isHistoryExpired(sql, old.id)).toBe(false);
  });

  it('leaves what is not final, and children of what is not final', async () => {
    const at = now - KEEP - DAY;
    const running = await storeTask(sql, { at }, dispatch(), start());
    const child = await ended(at + 2, 'child', { parentId: running.id });
    expect(await expireHistories(sql, batch())).toMatchObject({ tasks: 0 });
    expect(await listTransitions(sql, running.id, 0, 10)).toHaveLength(3);
    expect(await listTransitions(sql, child.id, 0, 10)).toHaveLength(4);
  });

  it('deletes each once when several supervisors do it while tasks are deleted', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 30; n += 1) ids.push((await ended(now - KEEP - DAY + n)).id);
    const all = () => expireAll((after) => expireHistories(sql, { ...batch(7), after }));
    const deleted = ids.filter((_, n) => n % 3 === 0);
    const removeSome = async () => {
      for (const id of deleted) await deleteTask(sql, id);
    };
    await Promise.all([all(), all(), removeSome()]);
    await all();
    const notes = await sql<
      { task_id: string }[]
    >`select task_id from expired_histories order by 1`;
    expect(notes.map((row) => row.task_id)).toEqual(ids.filter((id) => !deleted.includes(id)));
    expect(await sql`select 1 from transitions`).toHaveLength(0);
  });
});
