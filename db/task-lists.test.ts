// Every list finds its tasks, in pages without gap or repeat, and by an index: it reads no more rows than it must.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { listAttempts } from './attempts.ts';
import { connectDatabase } from './connect.ts';
import type { Database } from './connect.ts';
import { listNodeIds, listNodes, openNodeSession, readNodes } from './nodes.ts';
import type { TaskFilter, TaskRecord } from './records.ts';
import { readSpecs } from './specs.ts';
import {
  NOON,
  creationOf,
  dispatch,
  exit,
  idAt,
  recordOf,
  start,
  updateOf,
} from './task-fixture.ts';
import { listTasks } from './task-lists.ts';
import {
  insertTasks,
  listDueTasks,
  listQueuedTasks,
  listRunningTasks,
  listStrandedTasks,
  readTasks,
  updateTasks,
} from './tasks.ts';
import { listLateReports, listTransitions } from './transitions.ts';

const COUNT = 20_000;
/** Rows that a page may cost: all that have the most common of several labels, and no more. */
const FEW = 2_500;
const PARENT = idAt(NOON - 1);
const SCHEDULE = idAt(NOON - 2);
const LATER = NOON + 365 * 86_400_000;

let test: TestDatabase;
let database: Database;
/** Everything that is stored, newest first. */
let stored: TaskRecord[];

beforeAll(async () => {
  test = await createTestDatabase();
  // One connection, so that its counters can be asked for.
  database = await connectDatabase({ url: test.url, maxConnections: 1 });
  stored = [];
  for (let from = 0; from < COUNT; from += 1_000) await fill(from, from + 1_000);
  stored.sort((a, b) => (a.id < b.id ? 1 : -1));
  for (const nodeId of ['n1', 'n2', 'n3']) {
    const facts = { bootId: 'b', labels: { zone: nodeId }, facts: {}, slots: 4, supervisorId: 's' };
    await openNodeSession(database.sql, { nodeId, ...facts });
  }
  await database.sql`analyze`;
}, 120_000);

afterAll(async () => {
  await database?.close();
  await test?.drop();
});

/** Most tasks are completed, some are rare; one in a hundred is not final. */
async function fill(from: number, until: number): Promise<void> {
  const creations = [];
  for (let n = from; n < until; n += 1) {
    creations.push(
      creationOf({
        at: NOON + n * 250,
        nodeId: n % 7 === 0 ? null : `n${n % 3}`,
        priority: n % 5 === 0 ? 90 : 50,
        startAt: n % 400 === 1 ? LATER + n : null,
        creator: n % 500 === 3 ? 'rare' : `user-${n % 4}`,
        parentId: n % 1000 === 4 ? PARENT : null,
        scheduleId: n % 1000 === 5 ? SCHEDULE : null,
        labels: {
          ...(n % 10 === 0 ? { app: 'web' } : {}),
          ...(n % 300 === 0 ? { tier: 'gold' } : {}),
        },
      }),
    );
  }
  await insertTasks(database.sql, creations, '');
  const updates = [];
  for (const [index, record] of creations.map(recordOf).entries()) {
    const n = from + index;
    const nodeId = `n${n % 3}`;
    const isLeft = record.snapshot.path === 'pending.delayed' || n % 200 === 2;
    const events =
      n % 200 === 8
        ? [dispatch(nodeId), start()]
        : [dispatch(nodeId), start(), exit(n % 250 === 9 ? 1 : 0)];
    if (isLeft) stored.push(record);
    else updates.push(updateOf(record, ...events));
  }
  await updateTasks(database.sql, updates, '');
  stored.push(...updates.map(({ after }) => after));
}

const idsOf = (records: readonly TaskRecord[]) => records.map(({ id }) => id);

const stateOf = ({ snapshot }: TaskRecord) => snapshot.path.split('.')[0] as never;

function nodeOf({ snapshot: { context } }: TaskRecord): string {
  const { current, ended, target } = context;
  return current?.nodeId ?? ended?.nodeId ?? (target.kind === 'node' ? target.nodeId : '');
}

/** The filter in JavaScript, to compare with. */
function isMatch(record: TaskRecord, filter: TaskFilter): boolean {
  const oneOf = (values: readonly unknown[] | undefined, value: unknown) =>
    values === undefined || values.length === 0 || values.includes(value);
  return (
    oneOf(filter.states, stateOf(record)) &&
    oneOf(filter.types, record.type) &&
    oneOf(filter.nodeIds, nodeOf(record)) &&
    oneOf(filter.creators, record.creator) &&
    (filter.parentId === undefined || record.parentId === filter.parentId) &&
    (filter.isTopLevel !== true || record.parentId === null) &&
    (filter.scheduleId === undefined || record.scheduleId === filter.scheduleId) &&
    Object.entries(filter.labels ?? {}).every(([key, value]) => record.labels[key] === value) &&
    record.createdAt >= (filter.createdFrom ?? 0) &&
    record.createdAt < (filter.createdUntil ?? Infinity) &&
    record.id.startsWith((filter.idPrefix ?? '').toLowerCase()) &&
    (filter.ids === undefined || filter.ids.includes(record.id))
  );
}

const FILTERS: Record<string, (some: TaskRecord) => TaskFilter> = {
  'nothing asked': () => ({}),
  'empty lists': () => ({ states: [], nodeIds: [], creators: [], types: [], labels: {} }),
  'a common state': () => ({ states: ['completed'] }),
  'a rare state': () => ({ states: ['failed'] }),
  'a state that no task is in': () => ({ states: ['timeout'] }),
  'several states': () => ({ states: ['running', 'failed', 'pending', 'failed'] }),
  'all states': () => ({
    states: ['pending', 'running', 'completed', 'failed', 'timeout', 'cancelled'],
  }),
  type: () => ({ types: ['script'] }),
  node: () => ({ nodeIds: ['n1'] }),
  'several nodes': () => ({ nodeIds: ['n2', 'n0', 'nowhere'] }),
  'node and state': () => ({ nodeIds: ['n1'], states: ['running'] }),
  'nodes and states': () => ({ nodeIds: ['n1', 'n2'], states: ['running', 'failed'] }),
  creator: () => ({ creators: ['rare'] }),
  'several creators': () => ({ creators: ['rare', 'user-1'] }),
  'creator and states': () => ({ creators: ['user-2'], states: ['pending', 'failed'] }),
  parent: () => ({ parentId: PARENT }),
  'top level': () => ({ isTopLevel: true }),
  'top level and state': () => ({ isTopLevel: true, states: ['failed', 'pending'] }),
  'top level and label': () => ({ isTopLevel: true, labels: { tier: 'gold' } }),
  'top level from a time': () => ({ isTopLevel: true, createdFrom: NOON + (COUNT - 90) * 250 }),
  schedule: () => ({ scheduleId: SCHEDULE, states: ['completed', 'failed'] }),
  'a common label': () => ({ labels: { app: 'web' } }),
  'two labels': () => ({ labels: { app: 'web', tier: 'gold' } }),
  'a label that no task has': () => ({ labels: { app: 'web', tier: 'silver' } }),
  'label and nodes': () => ({ labels: { tier: 'gold' }, nodeIds: ['n1', 'n0'] }),
  'a time range': (some) => ({
    createdFrom: some.createdAt,
    createdUntil: some.createdAt + 30_000,
  }),
  'from a time': () => ({ createdFrom: NOON + (COUNT - 30) * 250 }),
  'until a time': () => ({ createdUntil: NOON + 10_000 }),
  'a time before all': () => ({ createdUntil: 0 }),
  'a time after all': () => ({ createdFrom: 1e15 }),
  'time and state': (some) => ({ createdUntil: some.createdAt, states: ['failed'] }),
  'a short prefix': (some) => ({ idPrefix: some.id.slice(0, 10) }),
  'a long prefix in capitals': (some) => ({ idPrefix: some.id.slice(0, 20).toUpperCase() }),
  'a whole id': (some) => ({ idPrefix: some.id }),
  'ids and state': () => ({ ids: idsOf(stored.slice(100, 300)), states: ['completed'] }),
};

describe('listTasks', () => {
  for (const [what, filterOf] of Object.entries(FILTERS)) {
    it(`finds by ${what}, newest first, and reads few rows for it`, async () => {
      const filter = filterOf(stored[COUNT / 2] as TaskRecord);
      const wanted = stored.filter((record) => isMatch(record, filter));
      const limit = 50;
      let found: TaskRecord[] = [];
      const cost = await rowsRead(async () => {
        found = await listTasks(database.sql, filter, limit, null);
      });
      expect(found).toEqual(wanted.slice(0, limit));
      expect(cost.scans).toBe(0);
      expect(cost.rows).toBeLessThan(FEW);
      // A page far back, and what is left behind it.
      const middle = wanted[Math.floor(wanted.length / 2)]?.id ?? idAt(NOON);
      const rest = wanted.filter((record) => record.id < middle).slice(0, limit);
      const deep = await rowsRead(async () => {
        found = await listTasks(database.sql, filter, limit, middle);
      });
      expect(idsOf(found)).toEqual(idsOf(rest));
      expect(deep.scans).toBe(0);
      expect(deep.rows).toBeLessThan(FEW);
    });
  }

  it('finds what stands behind thousands of children of a fan-out, and reads few rows for it', async () => {
    const { sql } = database;
    const children = Array.from({ length: 5_000 }, (_, n) =>
      creationOf({ at: LATER + n, parentId: PARENT }),
    );
    await insertTasks(sql, children, '');
    await sql`analyze tasks, task_labels`;
    const wanted = stored.filter((record) => record.parentId === null);
    let found: TaskRecord[] = [];
    const cost = await rowsRead(async () => {
      found = await listTasks(sql, { isTopLevel: true }, 50, null);
    });
    expect(idsOf(found)).toEqual(idsOf(wanted.slice(0, 50)));
    expect(cost.scans).toBe(0);
    expect(cost.rows).toBeLessThan(200);
    const failed = await rowsRead(async () => {
      found = await listTasks(sql, { isTopLevel: true, states: ['failed'] }, 50, null);
    });
    expect(found.every(({ parentId }) => parentId === null)).toBe(true);
    expect(failed).toMatchObject({ scans: 0 });
    expect(failed.rows).toBeLessThan(FEW);
    await sql`delete from tasks where created_at >= to_timestamp(${LATER}::double precision / 1000)`;
    await sql`delete from task_labels where task_id not in (select id from tasks)`;
    await sql`analyze tasks, task_labels`;
  });

  it('matches nothing by a prefix that no id can have', async () => {
    const { sql } = database;
    for (const idPrefix of ['x', '0198-', "'; drop table tasks", '-', `${idAt(NOON)}0`]) {
      expect(await listTasks(sql, { idPrefix }, 10, null)).toEqual([]);
    }
  });

  it('gives pages without gap or repeat while tasks are being created', async () => {
    const { sql } = database;
    const filter: TaskFilter = { creators: ['rare', 'user-1'], states: ['completed', 'pending'] };
    const wanted = idsOf(stored.filter((record) => isMatch(record, filter))).slice(0, 1_000);
    const seen: string[] = [];
    let before: string | null = null;
    while (seen.length < wanted.length) {
      const page: TaskRecord[] = await listTasks(sql, filter, 90, before);
      seen.push(...idsOf(page));
      before = seen.at(-1) as string;
      const at = LATER + seen.length;
      await insertTasks(sql, [creationOf({ at, creator: 'rare', startAt: at * 2 })], '');
    }
    expect(seen.slice(0, wanted.length)).toEqual(wanted);
    await sql`delete from tasks where created_at >= to_timestamp(${LATER}::double precision / 1000)`;
  });
});

describe('the lists of the scheduler, the timers and the reconciler', () => {
  const isQueued = ({ snapshot }: TaskRecord) => snapshot.path === 'pending.queued';
  const targetOf = ({ snapshot: { context } }: TaskRecord) =>
    context.target.kind === 'node' ? context.target.nodeId : null;

  it('lists queued tasks by priority, then age, so many for each node and for any', async () => {
    const { sql } = database;
    const inOrder = stored.filter(isQueued).sort((a, b) => {
      const [x, y] = [a.snapshot.context, b.snapshot.context];
      const byPriority = y.policy.priority - x.policy.priority;
      return byPriority || (x.queuedAt ?? 0) - (y.queuedAt ?? 0) || (a.id < b.id ? -1 : 1);
    });
    const first = (nodeId: string | null, count: number) =>
      inOrder.filter((record) => targetOf(record) === nodeId).slice(0, count);
    const wanted = [...first('n0', 4), ...first('n2', 4), ...first(null, 6)];
    expect(wanted).toHaveLength(14);
    let found: TaskRecord[] = [];
    const cost = await rowsRead(async () => {
      const nodeIds = ['n0', 'n2', 'n0', 'nowhere'];
      found = await listQueuedTasks(sql, { nodeIds, perNode: 4, any: 6 });
    });
    expect(found).toEqual(inOrder.filter((record) => wanted.includes(record)));
    expect(cost).toMatchObject({ scans: 0 });
    expect(cost.rows).toBeLessThan(50);
    expect(await listQueuedTasks(sql, { nodeIds: [], perNode: 4, any: 0 })).toEqual([]);
  });

  it('lists what is due by the clock of the database, and says when the next one is', async () => {
    const { sql } = database;
    // The tests' own time may be past or to come: the wake times are moved around the database's clock.
    const waking = stored.filter(({ snapshot }) => /delayed|executing/.test(snapshot.path));
    expect(waking.length).toBeGreaterThan(100);
    const due = idsOf(waking.slice(0, 3));
    await sql`
      update tasks set wake_at = now() + interval '1 hour' where wake_at is not null and id <> all(${due}::uuid[])`;
    for (const [index, id] of due.entries()) {
      await sql`update tasks set wake_at = now() - make_interval(secs => ${3 - index}) where id = ${id}`;
    }
    let found: Awaited<ReturnType<typeof listDueTasks>> | undefined;
    const cost = await rowsRead(async () => {
      found = await listDueTasks(sql, 10, 15_000);
    });
    expect(found?.tasks.map(({ id }) => id)).toEqual(due);
    expect(found?.nextWakeInMs).toBeGreaterThan(3_000_000);
    expect(found?.nextWakeInMs).toBeLessThanOrEqual(3_600_000);
    expect(cost.scans).toBe(0);
    expect(cost.rows).toBeLessThan(50);
    const two = await listDueTasks(sql, 2, 15_000);
    expect(two).toMatchObject({ tasks: due.slice(0, 2).map((id) => ({ id })), nextWakeInMs: 0 });
    await sql`update tasks set wake_at = null where id = any(${due}::uuid[])`;
    expect(await listDueTasks(sql, 10, 15_000)).toMatchObject({ tasks: [] });
  });

  it('lists the running tasks of nodes, and those whose node is silent', async () => {
    const { sql } = database;
    const running = stored.filter((record) => stateOf(record) === 'running');
    let found: TaskRecord[] = [];
    const cost = await rowsRead(async () => {
      found = await listRunningTasks(sql, ['n1', 'n2', 'nowhere']);
    });
    const wanted = running.filter((record) => nodeOf(record) !== 'n0');
    expect(idsOf(found).sort()).toEqual(idsOf(wanted).sort());
    expect(cost.scans).toBe(0);
    expect(cost.rows).toBeLessThan(2 * wanted.length + 10);
    expect(await listStrandedTasks(sql, 60_000, 1_000)).toEqual([]);
    await sql`update nodes set seen_at = now() - interval '1 minute' where id = 'n2'`;
    let stranded: { taskId: string; epoch: number }[] = [];
    const strandedCost = await rowsRead(async () => {
      stranded = await listStrandedTasks(sql, 59_000, 1_000);
    });
    const silent = running.filter((record) => nodeOf(record) === 'n2');
    expect(stranded.map((task) => task.taskId).sort()).toEqual(idsOf(silent).sort());
    expect(stranded.every((task) => task.epoch === 1)).toBe(true);
    expect(strandedCost.scans).toBe(0);
    expect(await listStrandedTasks(sql, 59_000, 2)).toHaveLength(2);
    expect(await listStrandedTasks(sql, 61_000, 1_000)).toEqual([]);
  });

  it('reads single things by their keys', async () => {
    const { sql } = database;
    const some = stored[COUNT / 2] as TaskRecord;
    const cost = await rowsRead(async () => {
      expect(await readTasks(sql, [some.id, PARENT])).toEqual([some]);
      expect((await readSpecs(sql, [some.specId])).size).toBe(1);
      expect(await listTransitions(sql, some.id, 0, 200)).toHaveLength(4);
      expect(await listAttempts(sql, some.id)).toHaveLength(1);
      expect(await listLateReports(sql, some.id, 200)).toHaveLength(0);
      expect(await listNodeIds(sql, ['n3', 'n9', 'n1'])).toHaveLength(2);
      expect(await readNodes(sql, ['n1'], 1_000)).toHaveLength(1);
      expect(await listNodes(sql, {}, 50, null, 1_000)).toHaveLength(3);
    });
    expect(cost.scans).toBe(0);
  });
});

/** Tables of a few pages are read whole, whatever indexes there are. */
const SMALL = ['nodes', 'node_actors', 'late_reports', 'output_streams', 'migrations'];

/** Counts what statements read: whole tables, and rows by way of indexes. */
async function rowsRead(run: () => Promise<void>): Promise<{ scans: number; rows: number }> {
  const before = await readCounters();
  await run();
  const after = await readCounters();
  return { scans: after.scans - before.scans, rows: after.rows - before.rows };
}

async function readCounters(): Promise<{ scans: number; rows: number }> {
  const { sql } = database;
  await sql`select pg_stat_force_next_flush()`;
  const [row] = await sql<[{ scans: number; rows: number }]>`
    select sum(seq_scan)::integer as scans, sum(coalesce(idx_tup_fetch, 0))::integer as rows
    from pg_stat_user_tables
    where relname <> all(${SMALL}::text[])`;
  return row;
}
