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
    expect(await serviceOf(null).runOnce()).toEqual({ tasks: 0, requests: 3, contents: 0 });
    expect(await serviceOf(KEEP).runOnce()).toEqual({ tasks: 5, requests: 0, contents: 0 });
    expect(await serviceOf(KEEP).runOnce()).toEqual({ tasks: 0, requests: 0, contents: 0 });
  });

  it('deletes contents of files a day after their last use, however many', async () => {
    await database.sql`
      insert into file_contents (sha256, uploader, size_bytes, is_complete, used_at)
      select n::text, 'user', 0, true, now() - make_interval(hours => n) from generate_series(1, 60) as n`;
    expect(await serviceOf(null).runOnce()).toMatchObject({ contents: 37 });
    expect(await serviceOf(null).runOnce()).toMatchObject({ contents: 0 });
  });

  it('deletes nothing more once it is stopped', async () => {
    await ended(now - KEEP - DAY);
    const service = serviceOf(KEEP);
    service.stop();
    expect(await service.runOnce()).toEqual({ tasks: 0, requests: 0, contents: 0 });
  });

  it('refuses options that would delete too soon or never end', () => {
    expect(() => serviceOf(1_000)).toThrow('must be kept for at least 1 h');
    expect(() => serviceOf(KEEP, 0)).toThrow('the batch is 0');
  });
});
