/**
 * The statement that counts tasks, for GetStatistics. It reads every task of the range once.
 */
import type { Sql } from './connect.ts';
import type { DurationSummary, Statistics } from './records.ts';
import { idRange } from './task-filter.ts';

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
      (
        select json_agg(json_build_object('name', type, 'count', n) order by type)
        from (select type, count(*) as n from chosen group by type) as counts
      ) as by_type,
      (
        select json_agg(json_build_object('name', node_id, 'count', n) order by node_id)
        from (select node_id, count(*) as n from chosen group by node_id) as counts
      ) as by_node,
      (
        select json_agg(
          json_build_object(
            'hour', extract(epoch from hour)::bigint * 1000, 'created', created, 'completed', completed, 'failed', failed
          )
          order by hour
        )
        from hours
      ) as by_hour,
      (
        select json_build_object(
          'count', count(*), 'p50', percentile_cont(0.5) within group (order by waiting_ms),
          'p95', percentile_cont(0.95) within group (order by waiting_ms), 'max', max(waiting_ms)
        )
        from chosen
        where waiting_ms is not null
      ) as waiting,
      (
        select json_build_object(
          'count', count(*), 'p50', percentile_cont(0.5) within group (order by running_ms),
          'p95', percentile_cont(0.95) within group (order by running_ms), 'max', max(running_ms)
        )
        from chosen
        where running_ms is not null
      ) as running`;
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

/** Of no durations, Postgres says null. */
function summary(durations: DurationSummary | undefined): DurationSummary {
  return durations === undefined || durations.count === 0 ? NOTHING : durations;
}
