// Counts and durations of tasks, over all of them and over a range of time.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { connectDatabase } from './connect.ts';
import type { Database } from './connect.ts';
import { readStatistics } from './statistics.ts';
import { NOON, dispatch, exit, start, storeTask } from './task-fixture.ts';

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await createTestDatabase();
  database = await connectDatabase({ url: test.url });
});

afterAll(async () => {
  await database?.close();
  await test?.drop();
});

const HOUR = 3_600_000;
const NOTHING = { count: 0, p50: 0, p95: 0, max: 0 };

it('counts nothing in an empty database', async () => {
  expect(await readStatistics(database.sql, null, null)).toEqual({
    total: 0,
    byState: [],
    byType: [],
    byNode: [],
    byHour: [],
    waiting: NOTHING,
    running: NOTHING,
  });
});

it('counts by state, type, node and hour, and sums up durations', async () => {
  const { sql } = database;
  // Events are a second apart: each waits 2 s for its process and runs for 1 s.
  await storeTask(sql, { at: NOON - 1 }, dispatch(), start(), exit());
  await storeTask(sql, { at: NOON }, dispatch(), start(), exit(1));
  await storeTask(sql, { at: NOON + HOUR - 1, nodeId: null });
  await storeTask(sql, { at: NOON + HOUR, nodeId: 'n2' }, dispatch('n2'), start());
  const all = await readStatistics(sql, null, null);
  expect(all).toEqual({
    total: 4,
    byState: [
      { state: 'completed', substate: '', count: 1 },
      { state: 'failed', substate: '', count: 1 },
      { state: 'pending', substate: 'queued', count: 1 },
      { state: 'running', substate: 'executing', count: 1 },
    ],
    byType: [{ name: 'script', count: 4 }],
    byNode: [
      { name: '', count: 1 },
      { name: 'n1', count: 2 },
      { name: 'n2', count: 1 },
    ],
    byHour: [
      { hour: NOON - HOUR, created: 1, completed: 1, failed: 0 },
      { hour: NOON, created: 2, completed: 0, failed: 1 },
      { hour: NOON + HOUR, created: 1, completed: 0, failed: 0 },
    ],
    waiting: { count: 3, p50: 2_000, p95: 2_000, max: 2_000 },
    running: { count: 2, p50: 1_000, p95: 1_000, max: 1_000 },
  });
  const hour = await readStatistics(sql, NOON, NOON + HOUR);
  expect(hour.total).toBe(2);
  expect(hour.byHour).toEqual([{ hour: NOON, created: 2, completed: 0, failed: 1 }]);
  expect((await readStatistics(sql, NOON + HOUR, null)).total).toBe(1);
  expect((await readStatistics(sql, null, NOON)).total).toBe(1);
});

it('gives the last 24 hours that have tasks, oldest first', async () => {
  const { sql } = database;
  for (let hour = 10; hour < 40; hour += 1) await storeTask(sql, { at: NOON + hour * HOUR });
  const { byHour } = await readStatistics(sql, NOON + 10 * HOUR, null);
  expect(byHour.map(({ hour }) => hour)).toEqual(
    Array.from({ length: 24 }, (_, index) => NOON + (16 + index) * HOUR),
  );
});
