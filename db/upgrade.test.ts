// A database of an earlier version is carried over with everything in it.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { connectDatabase } from './connect.ts';
import type { Database, Sql } from './connect.ts';
import { isHistoryExpired, readExpiredOutput, readOutputBytes } from './expiry.ts';
import { MIGRATIONS, migrate } from './migrate.ts';
import { openNodeSession } from './nodes.ts';
import { insertOutput, listOutput } from './output.ts';
import { makeDays } from './partitions.ts';
import { readStatistics, rollUpStatistics } from './statistics.ts';
import { NOON, dispatch, exit, idAt, start, storeTask } from './task-fixture.ts';
import { listTasks } from './task-lists.ts';
import { deleteTask } from './tasks.ts';
import { listTransitions } from './transitions.ts';

/** The last version before statistics were rolled up and days kept apart. */
const BEFORE = 10;

let test: TestDatabase;
let database: Database;
let sql: Sql;

beforeAll(async () => {
  test = await createTestDatabase({ template: 'empty' });
  database = await connectDatabase({ url: test.url, maxConnections: 2 });
  sql = database.sql;
});

afterAll(async () => {
  await database?.close();
  await test?.drop();
});

const ids = Array.from({ length: 50 }, (_, n) => idAt(NOON + n * 3_600_000));

it('carries tasks, histories, output and counts over to days and roll-ups', async () => {
  await migrate(sql, MIGRATIONS.slice(0, BEFORE));
  await sql`
    insert into tasks (id, version, machine_version, state, substate, context, name, type, labels, creator, spec_id, priority,
      node_id, attempt, created_at, updated_at, started_at, finished_at)
    select id, 2, 1, case when n = 1 then 'running' else 'completed' end, case when n = 1 then 'executing' else '' end, '{}', 'Straße ' || n,
      'script', '{}', 'admin', id, 50, 'n1', 1, at, at, at + interval '2 s', case when n > 1 then at + interval '5 s' end
    from (
      select id, n, to_timestamp((${NOON}::bigint + (n - 1) * 3600000) / 1000.0) as at
      from unnest(${ids}::uuid[]) with ordinality as given (id, n)
    ) as made`;
  await sql`
    insert into transitions
    select id, v, '{"type": "x"}', 'a', 'b', now(), 1, 's' from tasks cross join generate_series(1, 2) as v`;
  await sql`insert into output_streams select id, 1, 'stdout', 6 from tasks`;
  await sql`
    insert into output_pieces (task_id, attempt, stream, start_offset, end_offset, content, host_at)
    select id, 1, 'stdout', at, at + 3, 'abc', now() from tasks cross join (values (0), (3)) as p (at)`;

  await migrate(sql);

  const [id = ''] = ids;
  expect(await sql`select 1 from transitions`).toHaveLength(100);
  expect(await listTransitions(sql, id, 0, 9)).toMatchObject([{ version: 1 }, { version: 2 }]);
  expect(await readOutputBytes(sql)).toBe(300);
  expect(await readExpiredOutput(sql, id, 1)).toEqual({ stdout: 0, stderr: 0, result: 0 });
  expect(await isHistoryExpired(sql, id)).toBe(false);
  const counts = {
    total: 50,
    byState: [
      { state: 'completed', count: 49 },
      { state: 'running', count: 1 },
    ],
    running: { count: 49, p50: 3_000 },
  };
  expect(await readStatistics(sql, null, null)).toMatchObject(counts);
  expect(await rollUpStatistics(sql, 100)).toBe(49);
  expect(await readStatistics(sql, null, null)).toMatchObject(counts);
  // Output goes on where it was, and arrives after what was there.
  const facts = { bootId: 'b', labels: {}, facts: {}, slots: 4, supervisorId: 's' };
  await openNodeSession(sql, { nodeId: 'n1', ...facts });
  const stream = 'stdout' as const;
  const content = Buffer.from('def');
  const piece = { taskId: id, attempt: 1, stream, offset: 6, content, at: NOON };
  expect(await insertOutput(sql, [{ nodeId: 'n1', epoch: 1, piece }])).toEqual(['stored']);
  const pieces = await listOutput(sql, id, 1, { stdout: 0, stderr: 0 }, 100);
  expect(
    pieces.map(({ offset, content: bytes }) => [offset, Buffer.from(bytes).toString()]),
  ).toEqual([
    [0, 'abc'],
    [3, 'abc'],
    [6, 'def'],
  ]);
  const [arrivals] = await sql<[{ n: number; distinct: number }]>`
    select count(*) as n, count(distinct arrival) as distinct from output_pieces`;
  expect(arrivals).toEqual({ n: 101, distinct: 101 });
  // Names are found that were there before.
  const named = await listTasks(sql, { text: 'AßE 7' }, 9, null);
  expect(named.map((task) => task.id)).toEqual([ids[6]]);
  expect(await sql`select 1 from task_names`).toHaveLength(50);
  expect(await sql`select 1 from task_labels where key = '@name'`).toHaveLength(50);
  // And so does everything else.
  expect(await makeDays(sql, 'output_pieces', 9)).toBeGreaterThan(0);
  const next = await storeTask(sql, { at: NOON + 90 * 3_600_000 }, dispatch(), start(), exit());
  expect(await listTransitions(sql, next.id, 0, 9)).toHaveLength(4);
  expect(await deleteTask(sql, ids[5] as string)).toBe('deleted');
  expect(await sql`select 1 from output_pieces where task_id = ${ids[5] as string}`).toEqual([]);
});
