// The service counts all that has ended, in batches, forgets what is too old, and stops when told.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectDatabase } from '../../db/connect.ts';
import type { Database } from '../../db/connect.ts';
import { readStatistics } from '../../db/statistics.ts';
import { NOON, dispatch, exit, start, storeTask } from '../../db/task-fixture.ts';
import { createTestDatabase } from '../../test/database.ts';
import type { TestDatabase } from '../../test/database.ts';
import { SimulatedClock } from '../process/clock.ts';
import { silentLogger } from '../process/log.ts';
import { StatisticsService } from './statistics.ts';

let test: TestDatabase;
let database: Database;

beforeEach(async () => {
  test = await createTestDatabase();
  database = await connectDatabase({ url: test.url, maxConnections: 4 });
});

afterEach(async () => {
  await database?.close();
  await test?.drop();
});

describe('StatisticsService', () => {
  const serviceOf = (keepMs: number | null, batch = 2) =>
    new StatisticsService({
      store: { read: (query) => query(database.sql) },
      clock: new SimulatedClock(),
      log: silentLogger,
      keepMs,
      batch,
    });
  const end = (at: number) => storeTask(database.sql, { at }, dispatch(), start(), exit());

  it('counts all that has ended in one run, and nothing in the next', async () => {
    for (let n = 0; n < 5; n += 1) await end(NOON + n);
    const service = serviceOf(null);
    expect([await service.runOnce(), await service.runOnce()]).toEqual([5, 0]);
    expect(await database.sql`select 1 from task_ends`).toHaveLength(0);
    expect((await readStatistics(database.sql, null, null)).total).toBe(5);
  });

  it('notes how old the oldest pending task is', async () => {
    await storeTask(database.sql, { at: NOON });
    await serviceOf(null).runOnce();
    const { oldestPending } = await readStatistics(database.sql, null, null);
    expect(oldestPending).toHaveLength(1);
    expect(oldestPending[0]?.oldestMs).toBeGreaterThan(0);
  });

  it('forgets what is older than it is kept', async () => {
    await end(NOON - 500 * 86_400_000);
    await serviceOf(400 * 86_400_000).runOnce();
    expect((await readStatistics(database.sql, null, null)).total).toBe(0);
  });

  it('counts nothing more once it is stopped', async () => {
    await end(NOON);
    const service = serviceOf(null);
    service.stop();
    expect(await service.runOnce()).toBe(0);
    expect((await readStatistics(database.sql, null, null)).total).toBe(1);
  });
});
