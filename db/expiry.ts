/**
 * The statements that let output and history go before their tasks, and say afterwards that they were there.
 *
 * Called by the retention service, in batches, on every supervisor. Only final tasks lose anything, and no child of what is not
 * final. Each statement takes its tasks first and passes over those that another one has: what it leaves is found by the next run.
 */
import type postgres from 'postgres';
import type { Sql } from './connect.ts';
import type { OutputStreamName } from './records.ts';

type Fragment = postgres.PendingQuery<postgres.Row[]>;

/** What a batch did, and the id to go on after: null when there is nothing more. */
export interface ExpiredBatch {
  readonly tasks: number;
  readonly bytes: number;
  readonly nextAfter: string | null;
}

interface BatchRow {
  tasks: number;
  bytes: number;
  seen: number;
  last: string | null;
}

/** Which tasks, the oldest first. */
export interface ExpiryBatch {
  /** Only those that finished more than so many ms ago; null for any. */
  readonly keepMs: number | null;
  /** Tasks that are looked at. */
  readonly limit: number;
  /** Only tasks with a larger id; null for the first batch. */
  readonly after: string | null;
}

/**
 * Deletes the stored output of final tasks, oldest tasks first.
 *
 * @param excessBytes no more than it takes to get rid of so many bytes; null for no such bound
 */
export async function expireOutput(
  sql: Sql,
  batch: ExpiryBatch,
  excessBytes: number | null = null,
): Promise<ExpiredBatch> {
  const [row] = await sql<[BatchRow]>`
    with candidates as materialized (
      select distinct task_id as id from output_pieces
      where ${isPossible(sql, batch)}
      order by id
      limit ${batch.limit}
    ), sized as materialized (
      select t.id, (
        select sum(s.end_offset) from output_streams as s where s.task_id = t.id and s.expired_at is null
      ) as bytes
      from tasks as t
      where t.id in (select id from candidates) and ${isOver(sql, batch.keepMs)}
      order by t.id
      for no key update of t skip locked
    ), chosen as materialized (
      select id, bytes
      from (select id, bytes, sum(bytes) over (order by id) - bytes as before from sized) as summed
      where ${excessBytes}::double precision is null or before < ${excessBytes}::double precision
    ), gone as (
      delete from output_pieces where task_id in (select id from chosen)
    ), marked as (
      update output_streams set expired_at = now() where task_id in (select id from chosen)
    )
    select (select count(*) from chosen) as tasks, (select coalesce(sum(bytes), 0)::bigint from chosen) as bytes,
           (select count(*) from candidates) as seen, (select id from candidates order by id desc limit 1) as last`;
  return toBatch(row, batch);
}

/** Deletes the transitions and late reports of final tasks, oldest tasks first. */
export async function expireHistories(sql: Sql, batch: ExpiryBatch): Promise<ExpiredBatch> {
  const [row] = await sql<[BatchRow]>`
    with candidates as materialized (
      select task_id as id from transitions
      where version = 1 and ${isPossible(sql, batch)}
      order by id
      limit ${batch.limit}
    ), chosen as materialized (
      select t.id from tasks as t
      where t.id in (select id from candidates) and ${isOver(sql, batch.keepMs)}
      order by t.id
      for no key update of t skip locked
    ), gone as (
      delete from transitions where task_id in (select id from chosen)
    ), late as (
      delete from late_reports where task_id in (select id from chosen)
    ), noted as (
      insert into expired_histories (task_id) select id from chosen on conflict do nothing
    )
    select (select count(*) from chosen) as tasks, 0 as bytes,
           (select count(*) from candidates) as seen, (select id from candidates order by id desc limit 1) as last`;
  return toBatch(row, batch);
}

function toBatch({ tasks, bytes, seen, last }: BatchRow, { limit }: ExpiryBatch): ExpiredBatch {
  return { tasks, bytes, nextAfter: seen < limit ? null : last };
}

/** A range of ids, which begin with the time of creation, that is before the end. The second is for clocks that differ. */
function isPossible(sql: Sql, { keepMs, after }: ExpiryBatch): Fragment {
  const id = sql`task_id`;
  return sql`
    ${id} > ${after ?? '00000000-0000-0000-0000-000000000000'}
    ${
      keepMs === null
        ? sql``
        : sql`
          and ${id} <= (
            lpad(to_hex((extract(epoch from now()) * 1000 - ${keepMs}::double precision + 1000)::bigint), 12, '0')
            || repeat('f', 20)
          )::uuid`
    }`;
}

function isOver(sql: Sql, keepMs: number | null): Fragment {
  return sql`
    t.state not in ('pending', 'running')
    ${keepMs === null ? sql`` : sql`and t.finished_at < now() - make_interval(secs => ${keepMs}::double precision / 1000)`}
    and not exists (
      select 1 from tasks as parent where parent.id = t.parent_id and parent.state in ('pending', 'running')
    )`;
}

/** Returns how many bytes of output are stored, of all tasks. Reads every stream once. */
export async function readOutputBytes(sql: Sql): Promise<number> {
  const [row] = await sql<[{ bytes: number }]>`
    select coalesce(sum(end_offset), 0)::bigint as bytes from output_streams where expired_at is null`;
  return row.bytes;
}

/** Returns where the streams of an attempt ended whose output has expired; 0 for a stream that has not. */
export async function readExpiredOutput(
  sql: Sql,
  taskId: string,
  attempt: number,
): Promise<Readonly<Record<OutputStreamName, number>>> {
  const rows = await sql<{ stream: OutputStreamName; end_offset: number }[]>`
    select stream, end_offset from output_streams
    where task_id = ${taskId} and attempt = ${attempt} and expired_at is not null`;
  const ends = { stdout: 0, stderr: 0 };
  for (const { stream, end_offset: end } of rows) ends[stream] = end;
  return ends;
}

/** Tells whether the history of a task has been deleted because of its age. */
export async function isHistoryExpired(sql: Sql, taskId: string): Promise<boolean> {
  const rows = await sql`select 1 from expired_histories where task_id = ${taskId}`;
  return rows.length > 0;
}
