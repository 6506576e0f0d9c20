// How old the oldest pending task was: one note a minute, whoever makes it, read by ten minutes with the statistics.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { connectDatabase } from './connect.ts';
import type { Database, Sql } from './connect.ts';
import { samplePendingAge } from './pending-ages.ts';
import { deleteOldStatistics, readStatistics } from './statistics.ts';
import { dispatch, exit, start, storeTask } from './task-fixture.ts';

let test: TestDatabase;
let database: Database;
let sql: Sql;

beforeEach(async () => {
  test = await createTestDatabase();
  database = await connectDatabase({ url: test.url, maxConnections: 4 });
  sql = database.sql;
});

afterEach(async () => {
  await database?.close();
  await test?.drop();
});

const MINUTE = 60_000;
const TEN = 10 * MINUTE;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const now = async () => {
  const [row] = await sql<[{ ms: number }]>`
    select (extract(epoch from now()) * 1000)::double precision as ms`;
  return Math.floor(row.ms);
};

const note = (at: number, oldestMs: number) =>
  sql`insert into pending_ages values (to_timestamp(${at}::double precision / 1000), ${oldestMs})`;

const agesOf = async (from: number | null, until: number | null) =>
  (await readStatistics(sql, from, until)).oldestPending;

const noted = async () => {
  const rows = await sql<
    { oldest_ms: number }[]
  >`select oldest_ms from pending_ages order by minute`;
  return rows.map((row) => row.oldest_ms);
};

describe('samplePendingAge', () => {
  it('notes the age of the oldest task that is pending, and of none that has been taken', async () => {
    const at = await now();
    await storeTask(sql, { at: at - 3 * HOUR }, dispatch(), start(), exit());
    await storeTask(sql, { at: at - 2 * HOUR }, dispatch(), start());
    await storeTask(sql, { at: at - HOUR });
    await storeTask(sql, { at: at - MINUTE });
    expect(await samplePendingAge(sql)).toBe(true);
    const [age = 0] = await noted();
    expect(age).toBeGreaterThanOrEqual(HOUR);
    expect(age).toBeLessThan(2 * HOUR);
  });

  it('notes 0 where no task is pending, or the oldest is of a time that is yet to come', async () => {
    await samplePendingAge(sql);
    await sql`update pending_ages set minute = minute - interval '5 min'`;
    await storeTask(sql, { at: (await now()) + HOUR });
    await samplePendingAge(sql);
    expect(await noted()).toEqual([0, 0]);
  });

  it('makes one note of a minute, however many supervisors do it at once', async () => {
    await Promise.all(Array.from({ length: 8 }, () => samplePendingAge(sql)));
    const [row] = await sql<[{ notes: number; minutes: number; uneven: number }]>`
      select count(*)::integer as notes, count(distinct minute)::integer as minutes,
             (count(*) filter (where minute <> date_trunc('minute', minute)))::integer as uneven
      from pending_ages`;
    // The minute may turn meanwhile.
    expect(row.notes).toBe(row.minutes);
    expect(row.notes).toBeLessThanOrEqual(2);
    expect(row.uneven).toBe(0);
  });
});

describe('readStatistics', () => {
  it('gives the most of every ten minutes that have a note, in order', async () => {
    const begin = Math.floor((await now()) / HOUR - 3) * HOUR;
    await note(begin + 25 * MINUTE, 7);
    await note(begin, 5);
    await note(begin + 9 * MINUTE, 9);
    await note(begin + 10 * MINUTE, 0);
    expect(await agesOf(null, null)).toEqual([
      { at: begin, oldestMs: 9 },
      { at: begin + TEN, oldestMs: 0 },
      { at: begin + 2 * TEN, oldestMs: 7 },
    ]);
  });

  it('gives the last 24 h of its range', async () => {
    const begin = Math.floor((await now()) / HOUR) * HOUR;
    for (let hours = 1; hours < 60; hours += 1) await note(begin - hours * HOUR, hours);
    const hoursOf = async (from: number | null, until: number | null) =>
      (await agesOf(from, until)).map(({ oldestMs }) => oldestMs);
    const range = (first: number, last: number) =>
      Array.from({ length: first - last + 1 }, (_, n) => first - n);
    for (const until of [null, begin + DAY]) {
      const found = await hoursOf(null, until);
      // The hour may turn meanwhile.
      expect([range(24, 1), range(23, 1)]).toContainEqual(found);
    }
    expect(await hoursOf(null, begin - 20 * HOUR)).toEqual(range(44, 21));
    expect(await hoursOf(begin - 5 * HOUR, begin - 2 * HOUR)).toEqual(range(5, 3));
    expect(await hoursOf(begin - 5 * HOUR, begin - 6 * HOUR)).toEqual([]);
    expect(await hoursOf(begin + DAY, null)).toEqual([]);
  });
});

it('forgets notes with the counts', async () => {
  const at = Math.floor((await now()) / MINUTE) * MINUTE;
  for (const days of [1, 399, 401, 500]) await note(at - days * DAY, days);
  expect(await deleteOldStatistics(sql, 400 * DAY)).toBe(2);
  expect(await noted()).toEqual([399, 1]);
});
