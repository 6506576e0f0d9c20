/**
 * The statements about how often machines make their steps: one row for each minute and kind of step.
 *
 * Supervisors count in memory and add what they have counted every few seconds, all of it in one statement. Which edge of a diagram a
 * step has taken is not decided here.
 */
import type { Sql } from './connect.ts';

/** A step of a machine, as all steps of its kind are: from is empty for a creation. */
export interface StepKind {
  readonly machine: string;
  readonly from: string;
  readonly event: string;
  readonly to: string;
}

/** How often a step was made. */
export interface StepCount extends StepKind {
  readonly steps: number;
}

/** How often a step was made within a minute. */
export interface MinuteCount extends StepCount {
  /** Its begin, in ms since 1970. */
  readonly minuteAt: number;
}

interface StepRow {
  machine: string;
  from_path: string;
  event: string;
  to_path: string;
  steps: number;
}

/** Adds counts to those that are stored. Each minute and kind of step must be there once only. */
export async function addStepCounts(sql: Sql, counts: readonly MinuteCount[]): Promise<void> {
  await sql`
    insert into step_counts as stored (machine, minute, from_path, event, to_path, steps)
    select machine, to_timestamp(minute_ms / 1000), from_path, event, to_path, steps
    from unnest(
      ${counts.map(({ machine }) => machine)}::text[],
      ${counts.map(({ minuteAt }) => minuteAt)}::double precision[],
      ${counts.map(({ from }) => from)}::text[],
      ${counts.map(({ event }) => event)}::text[],
      ${counts.map(({ to }) => to)}::text[],
      ${counts.map(({ steps }) => steps)}::bigint[]
    ) as counted (machine, minute_ms, from_path, event, to_path, steps)
    -- In one order, so that two supervisors that add to the same rows cannot lock each other out.
    order by machine, minute_ms, from_path, event, to_path
    on conflict (machine, minute, from_path, event, to_path) do update
    set steps = stored.steps + excluded.steps`;
}

/** Reads how often each step of these machines was made in the last `windowMs`; the minute in which that begins counts as a whole. */
export async function readStepCounts(
  sql: Sql,
  machines: readonly string[],
  windowMs: number,
): Promise<StepCount[]> {
  const rows = await sql<StepRow[]>`
    select machine, from_path, event, to_path, sum(steps)::bigint as steps
    from step_counts
    where machine = any(${[...machines]}::text[])
      and minute >= date_trunc('minute', now() - make_interval(secs => ${windowMs}::double precision / 1000))
    group by machine, from_path, event, to_path
    order by machine, from_path, event, to_path`;
  return rows.map(({ machine, from_path: from, event, to_path: to, steps }) => ({
    machine,
    from,
    event,
    to,
    steps,
  }));
}

/** Deletes counts of minutes that are older than `keepMs`, at most `limit`. Returns how many. */
export async function deleteOldStepCounts(
  sql: Sql,
  keepMs: number,
  limit: number,
): Promise<number> {
  const { count } = await sql`
    delete from step_counts
    where ctid = any(array(
      select ctid from step_counts
      where minute < now() - make_interval(secs => ${keepMs}::double precision / 1000)
      order by minute
      limit ${limit}
      for update skip locked
    ))`;
  return count;
}
