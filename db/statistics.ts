/**
 * The statements that count tasks: what GetStatistics reads, and the roll-up that keeps it fast (decision 0010).
 *
 * Every task that has ended is in `task_ends` or in the counts by hour, day and month, never in both; what is not final is counted as it
 * stands. One statement reads all three, so nothing is missing or counted twice, however much is being rolled up meanwhile.
 */
import type postgres from 'postgres';
import type { Sql } from './connect.ts';
import { pendingAges } from './pending-ages.ts';
import type { DurationSummary, HourCount, Statistics } from './records.ts';
import { idRange } from './task-filter.ts';

type Fragment = postgres.PendingQuery<postgres.Row[]>;

const HOUR_MS = 3_600_000;
type Span = 'hour' | 'day' | 'month';
/** How long one lasts at most. */
const LENGTH_MS = { hour: HOUR_MS, day: 24 * HOUR_MS, month: 31 * 24 * HOUR_MS };
const HOURS_SHOWN = 24;

/** Durations of about the same length, the shortest class first. */
interface DurationClass {
  readonly tasks: number;
  readonly total: number;
  readonly longest: number;
}

interface HourRow extends Omit<HourCount, 'waiting' | 'running'> {
  readonly waiting: DurationClass[] | null;
  readonly running: DurationClass[] | null;
}

interface StatisticsRow {
  by_state: Statistics['byState'] | null;
  by_type: Statistics['byType'] | null;
  by_node: Statistics['byNode'] | null;
  by_hour: HourRow[] | null;
  waiting: DurationClass[] | null;
  running: DurationClass[] | null;
  oldest_pending: Statistics['oldestPending'] | null;
}

/**
 * Counts the tasks that were created from `from` (included) until `until` (not included), in ms since 1970; null is no bound. Bounds
 * are rounded outwards to whole hours, and given back. Tasks that have been deleted since are counted.
 *
 * Hours are those of UTC, the last 24 of the range that have tasks, by the time of creation; failed ones include those that timed
 * out. Waiting is from the creation to the first start of a process, running from there to the end. Percentiles are off by 5 % at most.
 * Ages of the oldest pending task are those of the last 24 h of the range, by the clock.
 */
export async function readStatistics(
  sql: Sql,
  from: number | null,
  until: number | null,
): Promise<Statistics> {
  const range = {
    from: from === null ? null : Math.floor(from / HOUR_MS) * HOUR_MS,
    until: until === null ? null : Math.ceil(until / HOUR_MS) * HOUR_MS,
  };
  const [row] = await sql<StatisticsRow[]>`
    with recursive ${sources(sql, range)}, groups as (
      select type, state, substate, node_id, grouping(type) as no_type, grouping(node_id) as no_node, sum(tasks)::bigint as n
      from (
        select type, state, '' as substate, node_id, tasks from rolled
        union all
        select type, state, substate, node_id, 1 from fresh
      ) as counted
      group by grouping sets ((state, substate), (type), (node_id))
    ), ${hours(sql, range)}
    select
      (
        select json_agg(json_build_object('state', state, 'substate', substate, 'count', n) order by state, substate)
        from groups where no_type = 1 and no_node = 1
      ) as by_state,
      (
        select json_agg(json_build_object('name', type, 'count', n) order by type) from groups where no_type = 0
      ) as by_type,
      (
        select json_agg(json_build_object('name', node_id, 'count', n) order by node_id) from groups where no_node = 0
      ) as by_node,
      (
        select json_agg(
          json_build_object(
            'hour', extract(epoch from hour)::bigint * 1000, 'created', created, 'completed', completed, 'failed', failed,
            'waiting', (select classes from hour_durations as d where d.hour = hours.hour and kind = 'waiting'),
            'running', (select classes from hour_durations as d where d.hour = hours.hour and kind = 'running')
          )
          order by hour
        )
        from hours
      ) as by_hour,
      ${durations(sql, range, 'waiting')} as waiting,
      ${durations(sql, range, 'running')} as running,
      ${pendingAges(sql, range)} as oldest_pending`;
  const byState = row?.by_state ?? [];
  return {
    ...range,
    total: byState.reduce((sum, { count }) => sum + count, 0),
    byState,
    byType: row?.by_type ?? [],
    byNode: row?.by_node ?? [],
    byHour: (row?.by_hour ?? []).map((hour) => ({
      ...hour,
      waiting: summary(hour.waiting ?? []),
      running: summary(hour.running ?? []),
    })),
    waiting: summary(row?.waiting ?? []),
    running: summary(row?.running ?? []),
    oldestPending: row?.oldest_pending ?? [],
  };
}

/** Whole hours. Null is no bound. */
interface HourRange {
  readonly from: number | null;
  readonly until: number | null;
}

/** `rolled`: counts that are rolled up; `fresh`: tasks that have just ended or have not, one by one. */
function sources(sql: Sql, range: HourRange): Fragment {
  const ids = idRange({
    ...(range.from === null ? {} : { createdFrom: range.from }),
    ...(range.until === null ? {} : { createdUntil: range.until }),
  });
  const live = (state: string) => sql`
    select created_at, type, state, substate, coalesce(node_id, ''),
           extract(epoch from started_at - created_at)::double precision * 1000, null
    from tasks
    where state = ${state} and id between ${ids?.low ?? ''} and ${ids?.high ?? ''} and ${within(sql, sql`created_at`, range)}`;
  return sql`
    rolled as (
      select node_id, type, state, tasks from task_counts where ${inSpans(sql, range)}
    ), fresh (created_at, type, state, substate, node_id, waiting_ms, running_ms) as materialized (
      select created_at, type, state, '', node_id, waiting_ms, running_ms
      from task_ends
      where ${within(sql, sql`created_at`, range)}
      union all
      ${live('pending')}
      union all
      ${live('running')}
    )`;
}

/** `hours`: the last ones that have tasks, and `hour_durations` of each. Those that are rolled up are found one by one, from the last, through the index. */
function hours(sql: Sql, range: HourRange): Fragment {
  return sql`
    latest (hour, place) as (
      select max(starts_at), 1 from task_counts where span = 'hour' and ${within(sql, sql`starts_at`, range)}
      union all
      select (
        select max(starts_at) from task_counts
        where span = 'hour' and ${within(sql, sql`starts_at`, range)} and starts_at < latest.hour
      ), place + 1
      from latest
      where hour is not null and place < ${HOURS_SHOWN}
    ), hours as (
      select hour, sum(tasks)::bigint as created,
             coalesce(sum(tasks) filter (where state = 'completed'), 0)::bigint as completed,
             coalesce(sum(tasks) filter (where state in ('failed', 'timeout')), 0)::bigint as failed
      from (
        select starts_at as hour, state, tasks
        from latest join task_counts on span = 'hour' and starts_at = hour
        union all
        select date_trunc('hour', created_at, 'UTC'), state, count(*) from fresh group by 1, 2
      ) as counted
      group by hour
      order by hour desc
      limit ${HOURS_SHOWN}
    ), hour_durations as (
      select hour, kind,
             json_agg(json_build_object('tasks', tasks, 'total', total, 'longest', longest) order by class) as classes
      from (
        select hour, kind, class, sum(tasks)::bigint as tasks, sum(total_ms) as total, max(longest_ms) as longest
        from (
          select starts_at as hour, kind, class, tasks, total_ms, longest_ms
          from hours join task_durations on span = 'hour' and starts_at = hour
          union all
          select date_trunc('hour', created_at, 'UTC'), kind, duration_class(ms), 1, ms, ms
          from fresh cross join lateral (values ('waiting', waiting_ms), ('running', running_ms)) as timed (kind, ms)
          where ms is not null
        ) as timed
        group by hour, kind, class
      ) as classes
      group by hour, kind
    )`;
}

function durations(sql: Sql, range: HourRange, kind: 'waiting' | 'running'): Fragment {
  const column = sql(`${kind}_ms`);
  return sql`(
    select json_agg(json_build_object('tasks', tasks, 'total', total, 'longest', longest) order by class)
    from (
      select class, sum(tasks)::bigint as tasks, sum(total_ms) as total, max(longest_ms) as longest
      from (
        select class, tasks, total_ms, longest_ms from task_durations where kind = ${kind} and (${inSpans(sql, range)})
        union all
        select duration_class(${column}), 1, ${column}, ${column} from fresh where ${column} is not null
      ) as timed
      group by class
    ) as classes
  )`;
}

/** Chooses the counts that together are the range. */
function inSpans(sql: Sql, range: HourRange): Fragment {
  const pieces = piecesOf(range, ['month', 'day', 'hour']).map(
    ({ span, ...piece }) => sql`or (span = ${span} and ${within(sql, sql`starts_at`, piece)})`,
  );
  return pieces.length === 0 ? sql`false` : sql`(false ${pieces})`;
}

/** Cuts a range into the largest spans that are whole within it, smaller ones before and after them. */
function piecesOf(range: HourRange, spans: readonly Span[]): (HourRange & { span: Span })[] {
  const [span, ...smaller] = spans;
  const { from, until } = range;
  if (span === undefined || (from !== null && until !== null && from >= until)) return [];
  const first = from === null ? null : firstFrom(span, from);
  const end = until === null ? null : startOf(span, until);
  if (first !== null && end !== null && first >= end) return piecesOf(range, smaller);
  return [
    { span, from: first, until: end },
    ...(first === null ? [] : piecesOf({ from, until: first }, smaller)),
    ...(end === null ? [] : piecesOf({ from: end, until }, smaller)),
  ];
}

/** The first start of a span from a moment on. */
function firstFrom(span: Span, ms: number): number {
  const start = startOf(span, ms);
  return start === ms ? start : startOf(span, start + LENGTH_MS[span]);
}

/** The start, in UTC, of the span that a moment is in. */
function startOf(span: Span, ms: number): number {
  if (span !== 'month') return Math.floor(ms / LENGTH_MS[span]) * LENGTH_MS[span];
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
}

function within(sql: Sql, at: Fragment, { from, until }: HourRange): Fragment {
  const time = (ms: number) => sql`to_timestamp(${ms}::double precision / 1000)`;
  return sql`(
    true
    ${from === null ? sql`` : sql`and ${at} >= ${time(from)}`}
    ${until === null ? sql`` : sql`and ${at} < ${time(until)}`}
  )`;
}

function summary(classes: readonly DurationClass[]): DurationSummary {
  const count = classes.reduce((sum, { tasks }) => sum + tasks, 0);
  const max = classes.reduce((longest, one) => Math.max(longest, one.longest), 0);
  return {
    count,
    p50: percentile(classes, count * 0.5),
    p95: percentile(classes, count * 0.95),
    max,
  };
}

/** The mean of the class that holds the duration of this rank. */
function percentile(classes: readonly DurationClass[], rank: number): number {
  let seen = 0;
  for (const { tasks, total } of classes) {
    seen += tasks;
    // Two clocks may make a duration that is a little below 0.
    if (seen >= rank) return Math.max(total / tasks, 0);
  }
  return 0;
}

/**
 * Counts at most `limit` of the tasks that have ended since, each once. Any number of supervisors may call it: one does it at a time.
 *
 * @returns how many; less than `limit` when there is nothing more, or another supervisor is at it
 */
export async function rollUpStatistics(sql: Sql, limit: number): Promise<number> {
  const [row] = await sql<[{ n: number }]>`select roll_up_task_ends(${limit}) as n`;
  return row.n;
}

/** Forgets the counts of hours, days and months that ended more than `keepMs` ago, and ages of pending tasks. Returns how many rows went. */
export async function deleteOldStatistics(sql: Sql, keepMs: number): Promise<number> {
  const isOld = (span: Span) => sql`
    span = ${span}
    and starts_at < now() - make_interval(secs => ${keepMs}::double precision / 1000) - ${`1 ${span}`}::interval`;
  const old = sql`(${isOld('hour')}) or (${isOld('day')}) or (${isOld('month')})`;
  const [row] = await sql<[{ n: number }]>`
    with counts as (
      delete from task_counts where ${old} returning 1
    ), durations as (
      delete from task_durations where ${old} returning 1
    ), ages as (
      delete from pending_ages
      where minute < now() - make_interval(secs => ${keepMs}::double precision / 1000)
      returning 1
    )
    select (select count(*) from counts) + (select count(*) from durations) + (select count(*) from ages) as n`;
  return row.n;
}
