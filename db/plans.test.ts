// Every list, filter, count and deletion finds its rows by the index that is there for it, and reads no large table whole.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { listActorSteps, listActorVersions, listNewestActorSteps } from './actor-steps.ts';
import { listAttempts } from './attempts.ts';
import { listChildIds } from './children.ts';
import { connectDatabase } from './connect.ts';
import type { Database, Sql } from './connect.ts';
import { expireHistories, expireOutput, isHistoryExpired, readExpiredOutput } from './expiry.ts';
import { connectExplainer } from './explain.ts';
import type { Explainer } from './explain.ts';
import { listQueuedNodeSets } from './node-sets.ts';
import { listOutput, readOutputRange } from './output.ts';
import { samplePendingAge } from './pending-ages.ts';
import type { TaskFilter } from './records.ts';
import { deleteOldTasks, deleteUnusedNames } from './retention.ts';
import { deleteOldFires, listPrunableSchedules } from './schedule-pruning.ts';
import { listDueSchedules, listFires, listScheduleTransitions } from './schedules.ts';
import { deleteOldStatistics, readStatistics, rollUpStatistics } from './statistics.ts';
import { idAt } from './task-fixture.ts';
import { listTasks } from './task-lists.ts';
import { deleteTask, listDueTasks, listQueuedTasks, listRunningTasks } from './tasks.ts';
import { listLateReports, listTransitions } from './transitions.ts';

const COUNT = 30_000;
const HOUR = 3_600_000;
const STEP_MS = 60_000;
/** When the first task was created: all are in the past. */
const BEGIN = Math.floor(Date.now() / HOUR - 22 * 24) * HOUR;
const PARENT = idAt(BEGIN);
const SCHEDULE = idAt(BEGIN + 1);
/** Written and emptied as a whole, or of a few rows. */
const SMALL =
  'task_ends task_progress nodes node_actors node_sets fetched_files schedules expired_histories late_reports day_partitions transitions_other output_pieces_other';

let test: TestDatabase;
let database: Database;
let explainer: Explainer;
let some: string;

beforeAll(async () => {
  test = await createTestDatabase();
  database = await connectDatabase({ url: test.url });
  await fill(database.sql);
  explainer = await connectExplainer(test.url);
  const [row] = await database.sql<[{ id: string }]>`
    select id from tasks where state = 'completed' order by id offset ${COUNT / 2} limit 1`;
  some = row.id;
}, 120_000);

afterAll(async () => {
  await explainer?.close();
  await database?.close();
  await test?.drop();
});

/** Three weeks of tasks, a minute apart: most completed, one in a hundred live. */
async function fill(sql: Sql): Promise<void> {
  await sql`
    insert into tasks (id, version, machine_version, state, substate, context, name, type, labels, creator, spec_id, priority,
      parent_id, schedule_id, target_node_id, node_id, attempt, wake_at, queued_at, created_at, updated_at, finished_at)
    select id, 2, 1, state, substate, '{}', 'deploy ' || n, 'script', '{}', 'user-' || n % 4, id, 50,
      case when n % 1000 = 4 then ${PARENT}::uuid end, case when n % 1000 = 5 then ${SCHEDULE}::uuid end,
      case when n % 400 = 1 then 'n1' end, 'n' || n % 5, 1,
      case when n % 100 = 2 then at + interval '1 min' end, case when substate = 'queued' then at end, at, at,
      case when state = 'completed' then at + interval '5 s' end
    from (
      select n, case when n % 100 = 1 then 'pending' when n % 100 = 2 then 'running' else 'completed' end as state,
        case when n % 100 = 1 then 'queued' when n % 100 = 2 then 'executing' else '' end as substate,
        to_timestamp((${BEGIN}::bigint + n * ${STEP_MS}::bigint) / 1000.0) as at,
        (lpad(to_hex(${BEGIN}::bigint + n * ${STEP_MS}::bigint), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid as id
      from generate_series(1, ${COUNT}::bigint) as n
    ) as made`;
  await sql`
    insert into task_labels (key, value, task_id)
    select '@creator', creator, id from tasks union all select '@type', type, id from tasks
    union all select '@name', name, id from tasks
    union all select 'app', 'web', id from tasks where priority = 50 and node_id = 'n3'`;
  await sql`insert into task_names (name) select name from tasks`;
  await sql`
    insert into transitions select id, v, '{}', '', '', created_at, 1, 's' from tasks cross join generate_series(1, 2) as v`;
  await sql`insert into output_streams select id, 1, 'stdout', 4 from tasks`;
  await sql`
    insert into output_pieces (task_id, attempt, stream, start_offset, end_offset, content, host_at)
    select id, 1, 'stdout', 0, 4, 'text', created_at from tasks`;
  await sql`
    insert into attempts
    select id, 1, node_id, 'exited', 0, null, '', created_at, created_at, null, null, null, 4, 0, 0 from tasks`;
  await sql`insert into specs select id, '{}' from tasks`;
  await sql`
    insert into task_ends
    select created_at, type, state, node_id, random() * 1000, random() * 100000 from tasks where state = 'completed'`;
  await rollUpStatistics(sql, COUNT);
  // A year before them.
  await sql`
    insert into task_counts
    select span, to_timestamp(${BEGIN}::double precision / 1000) - make_interval(hours => n * hours), 'n' || node, 'script', 'completed', 9
    from (values ('hour', 1, 8760), ('day', 24, 365), ('month', 730, 12)) as s (span, hours, last) cross join generate_series(1, 8760) as n
    cross join generate_series(1, 10) as node
    where n <= last`;
  await sql`
    insert into task_durations
    select span, to_timestamp(${BEGIN}::double precision / 1000) - make_interval(hours => n * hours), kind, class, 9, 9, 9
    from (values ('hour', 1, 8760), ('day', 24, 365), ('month', 730, 12)) as s (span, hours, last) cross join generate_series(1, 8760) as n
    cross join generate_series(1, 5) as class cross join (values ('waiting'), ('running')) as k (kind)
    where n <= last`;
  await sql`
    insert into pending_ages
    select date_trunc('minute', now()) - make_interval(mins => n), n from generate_series(1, 50000) as n`;
  await sql`
    insert into schedules (id, name, version, machine_version, state, context, spec, draft, creator, wake_at, created_at, updated_at)
    values (${SCHEDULE}, 's', 5000, 1, 'active', '{}', '{}', '{}', '', now(), now(), now())`;
  await sql`
    insert into schedule_transitions
    select ${SCHEDULE}, n, '{}', '', '', now() - make_interval(hours => 5000 - n), 's' from generate_series(1, 5000) as n`;
  await sql`
    insert into schedule_fires
    select ${SCHEDULE}, now() - make_interval(hours => n), false, null, 'x', now() from generate_series(1, 5000) as n`;
  await sql`insert into nodes (id, epoch, boot_id, labels, facts, slots) values ('n1', 1, 'b', '{}', '{}', 1)`;
  await sql`insert into node_actors values ('n1', 5000, 1, 'active', '{}', null, now())`;
  await sql`
    insert into node_transitions
    select 'n1', n, '{}', '', '', now() - make_interval(hours => 5000 - n), 's' from generate_series(1, 5000) as n`;
  await sql`vacuum analyze`;
}

async function uses(run: (sql: Sql) => Promise<unknown>, ...expected: string[]): Promise<void> {
  const { indexes, scanned } = await explainer.explain(run);
  expect(scanned.filter((table) => !SMALL.split(' ').includes(table))).toEqual([]);
  expect(indexes).toEqual(expect.arrayContaining(expected));
}

describe('the plan of a list of tasks', () => {
  const lists: Record<string, [TaskFilter, ...string[]]> = {
    'nothing asked': [{}, 'tasks_pkey'],
    'a settled state': [{ states: ['completed'] }, 'tasks_pkey'],
    'a rare state': [{ states: ['pending'] }, 'tasks_settled_state'],
    'a state that no task is in': [{ states: ['failed'] }, 'tasks_settled_state'],
    running: [{ states: ['running'] }],
    node: [{ nodeIds: ['n1'] }, 'tasks_running'],
    'node and state': [{ nodeIds: ['n1'], states: ['pending'] }, 'tasks_settled_node'],
    creator: [{ creators: ['nobody'] }, 'task_labels_pkey'],
    type: [{ types: ['service'] }, 'task_labels_pkey'],
    label: [{ labels: { app: 'none' } }, 'task_labels_pkey'],
    parent: [{ parentId: PARENT }, 'tasks_parent'],
    schedule: [{ scheduleId: SCHEDULE }, 'tasks_schedule'],
    'a time range': [{ createdFrom: BEGIN + HOUR, createdUntil: BEGIN + 2 * HOUR }, 'tasks_pkey'],
    'a text of a few names': [{ text: 'deploy 77' }, 'task_names_trigrams', 'task_labels_pkey'],
    'a text of one name': [{ text: 'DEPLOY 777' }, 'task_names_trigrams', 'task_labels_pkey'],
    'a text of all names': [{ text: 'deploy' }, 'tasks_pkey'],
    'a text that no name has': [{ text: 'deploys' }, 'task_names_trigrams'],
    'text and parent': [{ text: 'deploys', parentId: PARENT }, 'tasks_parent'],
    'a prefix': [{ idPrefix: '01234567' }, 'tasks_pkey'],
  };
  for (const [what, [filter, ...indexes]] of Object.entries(lists)) {
    it(`has an index for ${what}`, async () => {
      await uses((sql) => listTasks(sql, filter, 50, null), ...indexes);
      await uses((sql) => listTasks(sql, filter, 50, some));
    });
  }
});

it('the scheduler, the timers and the sessions find tasks by their indexes', async () => {
  const queued = { nodeIds: ['n1'], perNode: 5, any: 5 };
  await uses((sql) => listQueuedTasks(sql, queued), 'tasks_queued_any', 'tasks_queued_bound');
  await uses((sql) => listQueuedNodeSets(sql, '', 10), 'tasks_queued_set');
  await uses((sql) => listDueTasks(sql, 10, 15_000), 'tasks_wake');
  await uses((sql) => listRunningTasks(sql, ['n1']), 'tasks_running');
  await uses((sql) => listChildIds(sql, PARENT, null, 10), 'tasks_parent');
  await uses((sql) => listDueSchedules(sql, 10));
});

it('histories and output are found by their tasks', async () => {
  await uses((sql) => listTransitions(sql, some, 0, 200), 'transitions_pkey');
  await uses((sql) => listAttempts(sql, some), 'attempts_pkey');
  await uses((sql) => listLateReports(sql, some, 200));
  await uses((sql) => readOutputRange(sql, some, 1, 'stdout', 0, 99), 'output_pieces_pkey');
  await uses((sql) => listOutput(sql, some, 1, { stdout: 0, stderr: 0 }, 99), 'output_pieces_pkey');
  await uses((sql) => readExpiredOutput(sql, some, 1), 'output_streams_pkey');
  await uses((sql) => isHistoryExpired(sql, some));
  await uses((sql) => listScheduleTransitions(sql, SCHEDULE, 9, 50), 'schedule_transitions_pkey');
  await uses((sql) => listFires(sql, SCHEDULE, 50, BEGIN), 'schedule_fires_pkey');
  const { indexes, scanned } = await explainer.explain(listActorVersions);
  expect([...indexes, ...scanned].filter((name) => name.includes('transitions'))).toEqual([]);
  const seen = { kind: 'schedule', key: SCHEDULE, id: SCHEDULE, version: 4_990 } as const;
  const both = ['schedule_transitions_pkey', 'node_transitions_pkey'];
  await uses((sql) => listActorSteps(sql, [seen], 50), ...both);
  await uses((sql) => listNewestActorSteps(sql, 50), ...both);
});

describe('the plan of the statistics', () => {
  const day = 24 * HOUR;
  const ranges: Record<string, [number | null, number | null]> = {
    'an hour': [BEGIN + 100 * HOUR, BEGIN + 101 * HOUR],
    'the last hours': [BEGIN + COUNT * STEP_MS - 3 * HOUR, null],
    'some days': [BEGIN + 2 * day, BEGIN + 5 * day],
    'all but the last day': [null, BEGIN + COUNT * STEP_MS - day],
  };
  for (const [what, [from, until]] of Object.entries(ranges)) {
    it(`has indexes for ${what}`, async () => {
      await uses(
        (sql) => readStatistics(sql, from, until),
        'task_counts_pkey',
        'task_durations_pkey',
        'pending_ages_pkey',
      );
    });
  }

  it('finds the oldest pending task by the index of states', async () => {
    await uses(samplePendingAge, 'pending_ages_pkey', 'tasks_settled_state');
  });

  it('reads the days of all time, and no task that is final', async () => {
    const { scanned, indexes } = await explainer.explain((sql) => readStatistics(sql, null, null));
    expect(scanned).not.toContain('tasks');
    expect(indexes).toEqual(expect.arrayContaining(['tasks_settled_state', 'tasks_running']));
  });

  it('forgets by its index', async () => {
    await uses((sql) => deleteOldStatistics(sql, 400 * day), 'task_counts_pkey');
  });
});

it('what is old is found by ranges of keys', async () => {
  const batch = { keepMs: Date.now() - BEGIN - HOUR, limit: 10, after: null };
  await uses((sql) => expireOutput(sql, batch), 'output_pieces_pkey', 'tasks_pkey');
  await uses((sql) => expireHistories(sql, batch), 'transitions_pkey', 'tasks_pkey');
  await uses((sql) => deleteOldTasks(sql, batch.keepMs, 10, null), 'tasks_pkey');
  await uses(
    (sql) => deleteUnusedNames(sql, 10, 'deploy 5'),
    'task_names_pkey',
    'task_labels_pkey',
  );
  await uses((sql) => listPrunableSchedules(sql, HOUR, 10, null), 'schedule_transitions_pkey');
  await uses((sql) => deleteOldFires(sql, HOUR, 10), 'schedule_fires_pkey');
  await uses((sql) => deleteTask(sql, some), 'transitions_pkey', 'output_pieces_pkey');
});
