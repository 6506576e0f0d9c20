/**
 * The statement that counts tasks, for GetStatistics. It reads every task of the range once.
 */
import type postgres from 'postgres';
import type { Sql } from './connect.ts';
import type { DurationSummary, Statistics } from './records.ts';
import { idRange } from './task-filter.ts';

type Fragment = postgres.PendingQuery<postgres.Row[]>;

const NOTHING: DurationSummary = { count: 0, p50: 0, p95: 0, max: 0 };

interface StatisticsRow {
  total: number;
  by_state: Statistics['byState'];
  by_type: Statistics['byType'];
  by_node: Statistics['byNode'];
  by_hour: Statistics['byHour'];
  waiting: DurationSummary;
  running: DurationSummary;
}

/**
 * Counts the tasks that were created from `from` (included) until `until` (not included), in ms since 1970; null is no bound.
 *
 * Hours are those of UTC, the last 24 of the range that have tasks, by the time of creation; failed ones include those that timed
 * out. Waiting is from the creation to the first start of a process, running from there to the end.
 */
export async function readStatistics(
  sql: Sql,
  from: number | null,
  until: number | null,
): Promise<Statistics> {
  const range = idRange({
    ...(from === null ? {} : { createdFrom: from }),
    ...(until === null ? {} : { createdUntil: until }),
  });
  const [row] = await sql<StatisticsRow[]>`
    with chosen as materialized (
      select state, substate, type, coalesce(node_id, '') as node_id, date_trunc('hour', created_at, 'UTC') as hour,
             extract(epoch from started_at - created_at)::double precision * 1000 as waiting_ms,
             extract(epoch from finished_at - started_at)::double precision * 1000 as running_ms
      from tasks
      where id between ${range?.low ?? ''} and ${range?.high ?? ''}
        ${from === null ? sql`` : sql`and created_at >= to_timestamp(${from}::double precision / 1000)`}
        ${until === null ? sql`` : sql`and created_at < to_timestamp(${until}::double precision / 1000)`}
    ), hours as (
      select hour, count(*) as created, count(*) filter (where state = 'completed') as completed,
             count(*) filter (where state in ('failed', 'timeout')) as failed
      from chosen
      group by hour
      order by hour desc
      limit 24
    )
    select
      (select count(*) from chosen) as total,
      (
        select json_agg(json_build_object('state', state, 'substate', substate, 'count', n) order by state, substate)
        from (select state, substate, count(*) as n from chosen group by state, substate) as counts
      ) as by_state,
      ${counts(sql, 'type')} as by_type,
      ${counts(sql, 'node_id')} as by_node,
      (
        select json_agg(
          json_build_object(
            'hour', extract(epoch from hour)::bigint * 1000, 'created', created, 'completed', completed, 'failed', failed
          )
          order by hour
        )
        from hours
      ) as by_hour,
      ${durations(sql, 'waiting_ms')} as waiting,
      ${durations(sql, 'running_ms')} as running`;
  return {
    total: row?.total ?? 0,
    byState: row?.by_state ?? [],
    byType: row?.by_type ?? [],
    byNode: row?.by_node ?? [],
    byHour: row?.by_hour ?? [],
    waiting: summary(row?.waiting),
    running: summary(row?.running),
  };
}

function counts(sql: Sql, column: 'type' | 'node_id'): Fragment {
  return sql`(
    select json_agg(json_build_object('name', name, 'count', n) order by name)
    from (select ${sql(column)} as name, count(*) as n from chosen group by 1) as counts
  )`;
}

function durations(sql: Sql, column: 'waiting_ms' | 'running_ms'): Fragment {
  return sql`(
    select json_build_object(
      'count', count(ms), 'p50', percentile_cont(0.5) within group (order by ms),
      'p95', percentile_cont(0.95) within group (order by ms), 'max', max(ms)
    )
    from (select ${sql(column)} as ms from chosen) as times
  )`;
}

/** Of no durations, Postgres says null. */
function summary(durations: DurationSummary | undefined): DurationSummary {
  return durations === undefined || durations.count === 0 ? NOTHING : durations;
}
