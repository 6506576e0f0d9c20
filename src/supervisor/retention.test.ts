// The service deletes all that is old, in batches, until it is stopped.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectDatabase } from '../../db/connect.ts';
import type { Database } from '../../db/connect.ts';
import { dispatch, exit, start, storeTask } from '../../db/task-fixture.ts';
import { createTestDatabase } from '../../test/database.ts';
import type { TestDatabase } from '../../test/database.ts';
import { SimulatedClock } from '../process/clock.ts';
import { silentLogger } from '../process/log.ts';
import { RetentionService } from './retention.ts';

const DAY = 86_400_000;
const KEEP = 30 * DAY;
const NOTHING = { tasks: 0, requests: 0, metrics: 0 };

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

describe('RetentionService', () => {
  const serviceOf = (keepTasksMs: number | null, batch = 2) =>
    new RetentionService({
      store: { read: (query) => query(database.sql) },
      clock: new SimulatedClock(),
      log: silentLogger,
      keepTasksMs,
      batch,
    });

  it('deletes all that is old in one run, and nothing in the next', async () => {
    for (let n = 0; n < 5; n += 1) await ended(now - KEEP - DAY + n);
    await database.sql`
      insert into requests (creator, request_id, digest, task_ids, created_at)
      select 'admin', n::text, '', '{}', now() - interval '8 days' from generate_series(1, 3) as n`;
    expect(await serviceOf(null).runOnce()).toEqual({ tasks: 0, requests: 3, metrics: 0 });
    expect(await serviceOf(KEEP).runOnce()).toEqual({ tasks: 5, requests: 0, metrics: 0 });
    expect(await serviceOf(KEEP).runOnce()).toEqual(NOTHING);
  });

  it('deletes nothing more once it is stopped', async () => {
    await ended(now - KEEP - DAY);
    const service = serviceOf(KEEP);
    service.stop();
    expect(await service.runOnce()).toEqual(NOTHING);
  });

  it('deletes measurements of hosts after a day', async () => {
    await database.sql`
      insert into node_metrics
      select 'web-' || n % 2, date_trunc('minute', now()) - make_interval(mins => n), 0, 0, 0, 0, 0, 0, 0, 0
      from generate_series(0, 1500) as n`;
    expect(await serviceOf(null).runOnce()).toEqual({ ...NOTHING, metrics: 61 });
    const [left] = await database.sql`select count(*)::integer as points from node_metrics`;
    expect(left).toEqual({ points: 1440 });
  });

  it('refuses options that would delete too soon or never end', () => {
    expect(() => serviceOf(1_000)).toThrow('must be kept for at least 1 h');
    expect(() => serviceOf(KEEP, 0)).toThrow('the batch is 0');
  });
});
