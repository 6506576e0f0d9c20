// Counts of steps: added up by minute, read over a window, forgotten when they are old.

import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { connectDatabase } from './connect.ts';
import type { Database } from './connect.ts';
import {
  addStepCounts,
  deleteOldStepCounts,
  type MinuteCount,
  readStepCounts,
} from './step-counts.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let test: TestDatabase;
let database: Database;
let now: number;

beforeAll(async () => {
  test = await createTestDatabase();
  database = await connectDatabase({ url: test.url, maxConnections: 4 });
});

afterAll(async () => {
  await database?.close();
  await test?.drop();
});

beforeEach(async () => {
  await database.sql`delete from step_counts`;
  const [row] = await database.sql<[{ now: number }]>`
    select (extract(epoch from date_trunc('minute', now())) * 1000)::double precision as now`;
  now = row.now;
});

const count = (
  minutesAgo: number,
  steps: number,
  more: Partial<MinuteCount> = {},
): MinuteCount => ({
  machine: 'task',
  from: 'running.executing',
  event: 'attempt.exited',
  to: 'completed',
  minuteAt: now - minutesAgo * MINUTE,
  steps,
  ...more,
});

it('adds to what is stored of the same minute and kind of step', async () => {
  const retried = { to: 'pending.delayed' };
  await addStepCounts(database.sql, [count(1, 3), count(1, 1, retried), count(0, 2)]);
  await addStepCounts(database.sql, [count(0, 2 ** 40), count(1, 1, retried)]);
  expect(await readStepCounts(database.sql, ['task'], HOUR)).toEqual([
    {
      machine: 'task',
      from: 'running.executing',
      event: 'attempt.exited',
      to: 'completed',
      steps: 2 ** 40 + 5,
    },
    {
      machine: 'task',
      from: 'running.executing',
      event: 'attempt.exited',
      to: 'pending.delayed',
      steps: 2,
    },
  ]);
  expect(await database.sql`select 1 from step_counts`).toHaveLength(3);
});

it('loses nothing when many supervisors add to the same rows at once, each in another order', async () => {
  const counts = Array.from({ length: 20 }, (_, minute) => count(minute, 1));
  const adders = Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? counts : counts.toReversed()));
  await Promise.all(adders.map((one) => addStepCounts(database.sql, one)));
  const [total] = await readStepCounts(database.sql, ['task'], HOUR);
  expect(total?.steps).toBe(240);
});

it('reads the machines and the window that are asked for', async () => {
  await addStepCounts(database.sql, [
    count(30, 1),
    count(90, 10),
    count(26 * 60, 100),
    count(0, 7, { machine: 'node', from: '', event: 'node.created', to: 'active' }),
  ]);
  const stepsOf = async (machines: string[], windowMs: number) =>
    (await readStepCounts(database.sql, machines, windowMs)).map(({ steps }) => steps);
  expect(await stepsOf(['task'], HOUR)).toEqual([1]);
  expect(await stepsOf(['task'], 24 * HOUR)).toEqual([11]);
  expect(await stepsOf(['node', 'task'], HOUR)).toEqual([7, 1]);
  expect(await stepsOf([], HOUR)).toEqual([]);
});

it('forgets old minutes in batches', async () => {
  const minutes = Array.from({ length: 50 }, (_, hours) => count(60 * hours, 1));
  await addStepCounts(database.sql, minutes);
  expect(await deleteOldStepCounts(database.sql, 40 * HOUR + MINUTE, 6)).toBe(6);
  expect(await deleteOldStepCounts(database.sql, 40 * HOUR + MINUTE, 6)).toBe(3);
  const left = await database.sql<
    { minute: Date }[]
  >`select minute from step_counts order by minute`;
  expect(left).toHaveLength(41);
});
