// Measurements of hosts: one a minute and node, by the last session only (I6).

import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { connectDatabase } from './connect.ts';
import type { Database } from './connect.ts';
import {
  deleteOldNodeMetrics,
  type HostMetrics,
  readNewestMetrics,
  readNodeMetrics,
  storeNodeMetrics,
} from './node-metrics.ts';
import { openNodeSession } from './nodes.ts';

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

const EVER = [0, Date.UTC(2100, 0)] as const;

const metricsOf = (load1: number): HostMetrics => ({
  load1,
  load5: 0.25,
  load15: 0.125,
  cpuShare: 0.5,
  memoryUsed: 2 ** 40,
  memoryTotal: 2 ** 52,
  diskUsed: 0,
  diskTotal: Number.MAX_SAFE_INTEGER,
});

const open = (nodeId: string) =>
  openNodeSession(database.sql, {
    nodeId,
    bootId: 'b1',
    labels: {},
    facts: {},
    slots: 1,
    supervisorId: 's1',
  });

it('keeps one point for a minute, the last one told, of the last session only (I6)', async () => {
  await open('a');
  const { epoch } = await open('a');
  await open('b');
  const told = [
    { nodeId: 'b', epoch: 1, metrics: metricsOf(2) },
    { nodeId: 'a', epoch: epoch - 1, metrics: metricsOf(99) },
    { nodeId: 'nobody', epoch: 1, metrics: metricsOf(99) },
  ];
  expect(await storeNodeMetrics(database.sql, told)).toBe(1);
  expect(await readNodeMetrics(database.sql, 'a', ...EVER)).toEqual([]);
  // The minute may turn between two writes; then there is a point for each.
  for (const load of [1, 3]) {
    await storeNodeMetrics(database.sql, [{ nodeId: 'a', epoch, metrics: metricsOf(load) }]);
  }
  const points = await readNodeMetrics(database.sql, 'a', ...EVER);
  expect(points.at(-1)).toEqual({ ...metricsOf(3), at: expect.any(Number) as number });
  expect(points.every(({ at }) => at % 60_000 === 0)).toBe(true);
  const newest = await readNewestMetrics(database.sql, ['a', 'b', 'nobody']);
  expect([...newest].map(([id, { load1 }]) => [id, load1])).toEqual(
    expect.arrayContaining([
      ['a', 3],
      ['b', 2],
    ]),
  );
  expect(newest.size).toBe(2);
});

it('reads a range, oldest first, and forgets what is old in batches', async () => {
  await database.sql`
    insert into node_metrics
    select 'old', date_trunc('minute', now()) - make_interval(mins => n), n, 0, 0, 0, n, 0, 0, 0
    from generate_series(0, 2000) as n`;
  const all = await readNodeMetrics(database.sql, 'old', ...EVER);
  expect(all).toHaveLength(1500);
  expect(all.at(-1)?.memoryUsed).toBe(0);
  const [from, until] = [all[1490]?.at ?? 0, all[1494]?.at ?? 0];
  const some = await readNodeMetrics(database.sql, 'old', from, until);
  expect(some.map(({ memoryUsed }) => memoryUsed)).toEqual([9, 8, 7, 6, 5]);
  const day = 86_400_000;
  expect(await deleteOldNodeMetrics(database.sql, day, 100)).toBe(100);
  expect(await deleteOldNodeMetrics(database.sql, day, 1000)).toBe(461);
  expect(await readNodeMetrics(database.sql, 'old', ...EVER)).toHaveLength(1440);
});
