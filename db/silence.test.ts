// A statement may take as long as the server works on it, however often it is looked whether anything comes.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { connectDatabase } from './connect.ts';
import type { Database } from './connect.ts';
import { classifyFailure } from './failures.ts';

let test: TestDatabase;
let database: Database;
let other: Database;

beforeAll(async () => {
  test = await createTestDatabase({ template: 'empty' });
  database = await connectDatabase({ url: test.url });
  other = await connectDatabase({ url: test.url, maxConnections: 1 });
});

afterAll(async () => {
  await database?.close();
  await other?.close();
  await test?.drop();
});

/** Enough to suspect a statement, and to be told several times that nothing is done for it. */
async function lookOften(): Promise<boolean> {
  let isLost = false;
  for (let looks = 0; looks < 12; looks += 1) isLost ||= await database.loseSilent();
  return isLost;
}

it('leaves a statement alone that the server is at work on, with those that wait behind it', async () => {
  await other.sql`select pg_advisory_lock(1)`;
  const long = database.sql`select pg_advisory_lock(1), 'done' as state`.execute();
  const behind = Array.from({ length: 20 }, () => database.sql`select 1 as one`.execute());
  await lookOften();
  expect(await lookOften()).toBe(false);
  await other.sql`select pg_advisory_unlock(1)`;
  expect((await long)[0]?.['state']).toBe('done');
  expect((await Promise.all(behind)).every(([row]) => row?.['one'] === 1)).toBe(true);
});

it('leaves it alone when the server is there and refuses to be asked', async () => {
  await other.sql`select pg_advisory_lock(3)`;
  const long = database.sql`select pg_advisory_lock(3), 'done' as state`.execute();
  for (let looks = 0; looks < 6; looks += 1) expect(await database.loseSilent()).toBe(false);
  const url = new URL(test.url);
  const name = url.pathname.slice(1);
  url.pathname = '/postgres';
  const outside = await connectDatabase({ url: url.href, maxConnections: 1 });
  await outside.sql.unsafe(`alter database "${name}" allow_connections false`);
  await expect(connectDatabase({ url: test.url })).rejects.toThrow('not currently accepting');
  expect(await lookOften()).toBe(false);
  await outside.sql.unsafe(`alter database "${name}" allow_connections true`);
  await outside.close();
  await other.sql`select pg_advisory_unlock(3)`;
  expect((await long)[0]?.['state']).toBe('done');
});

it('finds nothing to look after when nothing is asked, and after a statement that was refused', async () => {
  expect(await lookOften()).toBe(false);
  await expect(database.sql`select nothing`).rejects.toThrow();
  expect(await lookOften()).toBe(false);
});

it('gives connections up whole: what is under way fails as lost, what follows goes over new ones', async () => {
  const pool = database.openPool({ maxConnections: 2 });
  await other.sql`select pg_advisory_lock(2)`;
  await pool.sql`select 1`;
  const stuck = Array.from({ length: 5 }, () => pool.sql`select pg_advisory_lock(2)`.execute());
  const failures = Promise.all(stuck.map((one) => one.then(() => 'no failure', classifyFailure)));
  pool.drop();
  expect(new Set(await failures)).toEqual(new Set(['connection_lost']));
  expect((await pool.sql`select 1 as one`)[0]?.['one']).toBe(1);
  await other.sql`select pg_advisory_unlock(2)`;
  await pool.end(0);
});
