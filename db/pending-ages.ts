/**
 * The statements about how old the oldest pending task was: one row for each minute in which any supervisor ran.
 *
 * Supervisors ask every few seconds whether the minute has its row yet; the first one looks for the task, through the index of states,
 * and writes it. They are read with the statistics and kept as long (db/statistics.ts).
 */
import type postgres from 'postgres';
import type { Sql } from './connect.ts';

/** How old the oldest pending task was at most within a span of ten minutes. */
export interface PendingAge {
  /** When the span began, in ms since 1970. */
  readonly at: number;
  /** 0 where no task was pending. */
  readonly oldestMs: number;
}

/** Writes the age of the oldest task that is pending now, if this minute has none yet. Returns whether it was written here. */
export async function samplePendingAge(sql: Sql): Promise<boolean> {
  const { count } = await sql`
    insert into pending_ages (minute, oldest_ms)
    select date_trunc('minute', now()), coalesce(
      (
        -- The first of the index: ids are in the order of creation.
        select greatest(extract(epoch from now() - created_at) * 1000, 0)::bigint
        from tasks where state = 'pending' order by id limit 1
      ),
      0
    )
    where not exists (select 1 from pending_ages where minute = date_trunc('minute', now()))
    on conflict (minute) do nothing`;
  return count > 0;
}

/**
 * An expression: the ages of the last 24 h of a range, a JSON list of PendingAge by time, null for none.
 *
 * @param range bounds in ms since 1970, null for none; what is yet to come has no ages
 */
export function pendingAges(
  sql: Sql,
  { from, until }: { readonly from: number | null; readonly until: number | null },
): postgres.PendingQuery<postgres.Row[]> {
  const time = (ms: number | null) => sql`to_timestamp(${ms}::double precision / 1000)`;
  const span = (at: postgres.PendingQuery<postgres.Row[]>) =>
    sql`date_bin('10 minutes', ${at}, timestamptz '1970-01-01 00:00Z')`;
  // A bound that is null is left out by greatest and least.
  return sql`(
    select json_agg(json_build_object('at', extract(epoch from at)::bigint * 1000, 'oldestMs', oldest_ms) order by at)
    from (
      select ${span(sql`minute`)} as at, max(oldest_ms) as oldest_ms
      from pending_ages
      where minute >= greatest(${time(from)}, ${span(sql`least(${time(until)}, now()) - interval '24 hours'`)})
        and minute < least(${time(until)}, now())
      group by 1
    ) as spans
  )`;
}
