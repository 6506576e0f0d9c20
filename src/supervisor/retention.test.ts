// The service deletes all that is old, in batches, until it is stopped.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectDatabase } from '../../db/connect.ts';
import type { Database } from '../../db/connect.ts';
import { readOutputBytes } from '../../db/expiry.ts';
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

const NOTHING = {
  days: 0,
  tasks: 0,
  requests: 0,
  contents: 0,
  sets: 0,
  names: 0,
  metrics: 0,
  counts: 0,
  outputs: 0,
  histories: 0,
  steps: 0,
  fires: 0,
};

async function printed(at: number, text: string): Promise<void> {
  const { sql } = database;
  const { id } = await ended(at);
  await sql`insert into output_streams values (${id}, 1, 'stdout', ${text.length})`;
  await sql`
    insert into output_pieces (task_id, attempt, stream, start_offset, end_offset, content, host_at)
    values (${id}, 1, 'stdout', 0, ${text.length}, ${Buffer.from(text)}, now())`;
}

describe('RetentionService', () => {
  const serviceOf = (keepTasksMs: number | null, batch = 2, more: object = {}) =>
    new RetentionService({
      ...more,
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
    expect(await serviceOf(null).runOnce()).toEqual({ ...NOTHING, requests: 3 });
    expect(await serviceOf(KEEP).runOnce()).toEqual({ ...NOTHING, tasks: 5 });
    expect(await serviceOf(KEEP).runOnce()).toEqual(NOTHING);
  });

  it('deletes output and history before their tasks, each by its own age', async () => {
    await printed(now - 3 * DAY, 'a');
    for (let n = 0; n < 3; n += 1) await printed(now - 2 * DAY + n, 'a');
    await printed(now - DAY / 2, 'a');
    const service = serviceOf(KEEP, 2, { keepOutputMs: DAY, keepHistoryMs: 2.5 * DAY });
    expect(await service.runOnce()).toEqual({ ...NOTHING, outputs: 4, histories: 1 });
    expect(await service.runOnce()).toEqual(NOTHING);
    expect(await database.sql`select 1 from tasks`).toHaveLength(5);
  });

  it('deletes the oldest output until all of it is not too much', async () => {
    for (let n = 0; n < 7; n += 1) await printed(now - DAY + n, '0123456789');
    const service = serviceOf(KEEP, 2, { maxOutputBytes: 25 });
    expect(await service.runOnce()).toEqual({ ...NOTHING, outputs: 5 });
    expect(await service.runOnce()).toEqual(NOTHING);
    expect(await readOutputBytes(database.sql)).toBe(20);
  });

  it('deletes contents of files a day after their last use, however many', async () => {
    await database.sql`
      insert into file_contents (sha256, uploader, size_bytes, is_complete, used_at)
      select n::text, 'user', 0, true, now() - make_interval(hours => n) from generate_series(1, 60) as n`;
    expect(await serviceOf(null).runOnce()).toMatchObject({ contents: 37 });
    expect(await serviceOf(null).runOnce()).toMatchObject({ contents: 0 });
  });

  it('deletes names that no task has, some in each run', async () => {
    await ended(now - DAY, { name: 'n7' });
    await database.sql`
      insert into task_names select 'n' || n, now() - interval '2 days' from generate_series(0, 39) as n
      on conflict (name) do update set used_at = excluded.used_at`;
    const service = serviceOf(KEEP);
    expect(await service.runOnce()).toEqual({ ...NOTHING, names: 20 });
    expect(await service.runOnce()).toEqual({ ...NOTHING, names: 19 });
    expect(await service.runOnce()).toEqual(NOTHING);
    expect(await database.sql`select name from task_names`).toEqual([{ name: 'n7' }]);
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

  it('deletes counts of steps after two days', async () => {
    await database.sql`
      insert into step_counts
      select 'task', date_trunc('minute', now()) - make_interval(mins => n), '', 'task.created', 'pending.queued', 1
      from generate_series(0, 2900) as n`;
    // The minute that is just two days old may have passed or not.
    const { counts } = await serviceOf(null).runOnce();
    expect(counts).toBeGreaterThanOrEqual(20);
    const [left] = await database.sql`select count(*)::integer as minutes from step_counts`;
    expect(left).toEqual({ minutes: 2901 - counts });
    expect(left?.['minutes']).toBeLessThanOrEqual(2881);
  });

  it('refuses options that would delete too soon or never end', () => {
    expect(() => serviceOf(1_000)).toThrow('must be kept for at least 1 h');
    expect(() => serviceOf(KEEP, 2, { keepOutputMs: 5 })).toThrow('for at least 1 h');
    expect(() => serviceOf(KEEP, 0)).toThrow('the batch is 0');
  });
});
