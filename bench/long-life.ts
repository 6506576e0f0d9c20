/**
 * How long lists and counts take with a million stored tasks.
 *
 * The rows are made by one statement, spread over 30 days: most completed, a few of every other state, one in a thousand live; half of
 * them have one of a few names, the others each its own. Each question is asked a few times; its figure is the median.
 */
import type { Sql } from '../db/connect.ts';
import type { TaskFilter } from '../db/records.ts';
import { readStatistics, rollUpStatistics } from '../db/statistics.ts';
import { listTasks } from '../db/task-lists.ts';
import { DEFAULT_TASK_POLICY, type TaskContext } from '../machines/task-context.ts';
import { startDatabase } from './database.ts';
import { readTreeCpuSeconds } from './processes.ts';
import { median, Report } from './report.ts';

/** How many are stored. */
export const TASKS = 1_000_000;
/** From the oldest to the newest. */
export const SPREAD_MS = 30 * 86_400_000;
const REPEATS = 5;
const ROLL_UP_BATCH = 5_000;
const PAGE = 50;

/** Of each task, besides its id and its times. */
const CONTEXT: Omit<TaskContext, 'id' | 'createdAt' | 'firstStartedAt' | 'finishedAt'> = {
  target: { kind: 'any' },
  policy: DEFAULT_TASK_POLICY,
  held: false,
  startAt: null,
  attempt: 1,
  current: null,
  ended: null,
  stopCause: null,
  unreachableAt: null,
  delayedUntil: null,
  queuedAt: null,
  exitCode: 0,
  signal: null,
  reason: null,
  message: '',
};

export async function run(): Promise<void> {
  const bench = await startDatabase();
  try {
    const { sql } = bench.database;
    const from = Date.now() - SPREAD_MS;
    await fillTasks(sql, from);
    await fillEnds(sql);
    const report = new Report('long-life', bench.version);
    for (const [name, filter] of Object.entries(filtersFrom(from))) {
      const ms = await time(REPEATS, () => listTasks(sql, filter, PAGE, null));
      report.figure(`list by ${name}`, ms, 'ms');
    }
    const before = await readTreeCpuSeconds(bench.pid);
    while ((await rollUpStatistics(sql, ROLL_UP_BATCH)) === ROLL_UP_BATCH);
    const seconds = (await readTreeCpuSeconds(bench.pid)) - before;
    report.figure('processor time of rolling up', (seconds * 1e6) / TASKS, 'µs per task');
    await sql`vacuum analyze task_ends, task_counts, task_durations`;
    for (const [name, [createdFrom, createdUntil]] of Object.entries(rangesFrom(from))) {
      const ms = await time(REPEATS, () => readStatistics(sql, createdFrom, createdUntil));
      report.figure(`statistics of ${name}`, ms, 'ms', 'at most 100');
    }
  } finally {
    await bench.stop();
  }
}

function filtersFrom(from: number): Readonly<Record<string, TaskFilter>> {
  const middle = from + SPREAD_MS / 2;
  return {
    'nothing (newest)': {},
    'no child of a fan-out': { isTopLevel: true },
    'a common state': { states: ['completed'] },
    'a rare state': { states: ['timeout'] },
    'live states': { states: ['pending', 'running'] },
    type: { types: ['script'] },
    node: { nodeIds: ['n1'] },
    'node and state': { nodeIds: ['n1', 'n2'], states: ['failed'] },
    'a common creator': { creators: ['user-1'] },
    'a rare creator': { creators: ['rare'] },
    'a common label': { labels: { app: 'web' } },
    'a rare label': { labels: { tier: 'gold' } },
    'a frequent text': { text: 'Backup' },
    'a text of many names': { text: 'deploy' },
    'a rare text': { text: 'certificate' },
    'a text of one task': { text: 'deploy 123455' },
    'a text of old tasks': { text: 'retired' },
    'a text of many old names': { text: 'migrate' },
    'a text that no name has': { text: 'deploys' },
    'a short text': { text: 'zz' },
    'text and state': { text: 'certificate', states: ['failed', 'completed'] },
    'text and top level': { text: 'retired', isTopLevel: true },
    'a time range': { createdFrom: middle, createdUntil: middle + 3_600_000 },
    'time and state': { createdUntil: middle, states: ['failed'] },
  };
}

function rangesFrom(from: number): Readonly<Record<string, [number | null, number | null]>> {
  const [hour, day] = [3_600_000, 86_400_000];
  return {
    'all tasks': [null, null],
    'the last hour': [from + SPREAD_MS - hour, null],
    'the last day': [from + SPREAD_MS - day, null],
    'all but the last day': [null, from + SPREAD_MS - day],
    '20 days and some hours': [from + 3 * hour, from + 20 * day + 7 * hour],
  };
}

/**
 * Stores the tasks. Live ones are held, so that no other index than those of lists grows.
 *
 * @param from ms since 1970; they are created from then on, for 30 days
 */
export async function fillTasks(sql: Sql, from: number): Promise<void> {
  await sql`
    insert into tasks (id, version, machine_version, state, substate, context, name, type, labels, creator, spec_id, priority,
      node_id, attempt, created_at, updated_at, started_at, finished_at)
    select id, 4, 1, state, case state when 'pending' then 'held' else '' end,
      ${JSON.stringify(CONTEXT)}::text::jsonb || jsonb_build_object(
        'id', id, 'createdAt', ms, 'firstStartedAt', case when state <> 'pending' then ms + 1000 end,
        'finishedAt', case when state <> 'pending' then ms + 3000 end),
      case when n % 5000 = 3 then 'rotate Certificates' when n < 300000 and n % 3 = 0 then 'retired'
           when n < 200000 and n % 100 = 1 then 'migrate ' || n when n % 2 = 1 then 'deploy ' || n else 'nightly backup' end, 'script',
      case when n % 300 = 0 then '{"app": "web", "tier": "gold"}' when n % 10 = 0 then '{"app": "web"}' else '{}' end::jsonb,
      case when n % 5000 = 3 then 'rare' else 'user-' || n % 4 end, id, 50,
      case when state = 'pending' then null else 'n' || n % 100 end, 1, at, at + interval '3 s',
      case when state <> 'pending' then at + interval '1 s' end, case when state <> 'pending' then at + interval '3 s' end
    from (
      select n, ms, to_timestamp(ms / 1000.0) as at,
        (lpad(to_hex(ms), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid as id,
        case when n % 1000 = 7 then 'pending' when n % 100 = 8 then 'failed' when n % 1000 = 9 then 'timeout'
             when n % 500 = 11 then 'cancelled' else 'completed' end as state
      from (
        select n, (${from}::bigint + n * ${SPREAD_MS}::bigint / ${TASKS}::bigint) as ms
        from generate_series(1, ${TASKS}::bigint) as n
      ) as numbered
    ) as made`;
  await sql`
    insert into task_labels (key, value, task_id)
    select label.key, label.value, t.id from tasks as t cross join lateral jsonb_each_text(t.labels) as label
    union all select '@creator', creator, id from tasks
    union all select '@type', type, id from tasks
    union all select '@top', '', id from tasks where parent_id is null
    union all select '@name', lower(name), id from tasks
    on conflict do nothing`;
  await sql`insert into task_names (name) select distinct lower(name) from tasks on conflict do nothing`;
  await sql`vacuum analyze tasks, task_labels, task_names`;
}

/** Makes them look as if they had ended, to statistics. */
async function fillEnds(sql: Sql): Promise<void> {
  await sql`
    insert into task_ends (created_at, type, state, node_id, waiting_ms, running_ms)
    select created_at, type, state, node_id, extract(epoch from started_at - created_at) * 1000 * (1 + random() * 100),
           extract(epoch from finished_at - started_at) * 1000 * (1 + random() * 1000)
    from tasks
    where state <> 'pending'`;
}

/** The median of some runs in ms, after one that fills the caches. */
async function time(repeats: number, ask: () => Promise<unknown>): Promise<number> {
  await ask();
  const times: number[] = [];
  for (let done = 0; done < repeats; done += 1) {
    const startedAt = performance.now();
    await ask();
    times.push(performance.now() - startedAt);
  }
  return median(times);
}
