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
  const ids = await candidates(
    sql,
    sql`select distinct task_id from output_pieces where true`,
    batch,
  );
  const [row] = await sql<[BatchRow]>`
    with sized as materialized (
      select t.id, (
        select sum(s.end_offset - s.missing_bytes) from output_streams as s where s.task_id = t.id and s.expired_at is null
      ) as bytes
      from tasks as t
      where t.id = any(${ids}::uuid[]) and ${isOver(sql, batch.keepMs)}
      order by t.id
      for no key update of t skip locked
    ), chosen as materialized (
      select id, bytes
      from (select id, bytes, sum(bytes) over (order by id) - bytes as before from sized) as summed
      where ${excessBytes}::double precision is null or before < ${excessBytes}::double precision
    ), gone as (
      delete from output_pieces where task_id = any(${ids}::uuid[]) and task_id in (select id from chosen)
      returning task_id, end_offset - start_offset as bytes
    ), marked as (
      update output_streams set expired_at = now() where task_id in (select id from chosen)
    )
    select count(distinct task_id) as tasks, coalesce(sum(bytes), 0)::bigint as bytes from gone`;
  return { ...row, nextAfter: nextAfter(ids, batch) };
}

/** Deletes the transitions and late reports of final tasks, oldest tasks first. */
export async function expireHistories(sql: Sql, batch: ExpiryBatch): Promise<ExpiredBatch> {
  const ids = await candidates(sql, sql`select task_id from transitions where version = 1`, batch);
  const [row] = await sql<[BatchRow]>`
    with chosen as materialized (
      select t.id from tasks as t
      where t.id = any(${ids}::uuid[]) and ${isOver(sql, batch.keepMs)}
      order by t.id
      for no key update of t skip locked
    ), gone as (
      delete from transitions where task_id = any(${ids}::uuid[]) and task_id in (select id from chosen)
      returning task_id
    ), late as (
      delete from late_reports where task_id in (select id from chosen)
    ), noted as (
      insert into expired_histories (task_id) select id from chosen on conflict do nothing
    )
    select count(distinct task_id) as tasks, 0 as bytes from gone`;
  return { ...row, nextAfter: nextAfter(ids, batch) };
}

/** The oldest tasks that may have something to lose. Their ids are given to the next statement, which then needs few partitions. */
async function candidates(sql: Sql, rows: Fragment, batch: ExpiryBatch): Promise<string[]> {
  const found = await sql<{ task_id: string }[]>`
    ${rows} and ${isPossible(sql, batch)} order by task_id limit ${batch.limit}`;
  return found.map((row) => row.task_id);
}

function nextAfter(ids: readonly string[], { limit }: ExpiryBatch): string | null {
  return ids.length < limit ? null : (ids.at(-1) ?? null);
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
    select coalesce(sum(end_offset - missing_bytes), 0)::bigint as bytes from output_streams as s
    where s.expired_at is null
      and not exists (
        select 1 from day_partitions as p
        where p.parent = 'output_pieces' and p.expired_at is not null and p.first_id <= s.task_id and p.end_id > s.task_id
      )`;
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
    where task_id = ${taskId} and attempt = ${attempt}
      and (expired_at is not null or is_day_expired('output_pieces', ${taskId}))`;
  const ends = { stdout: 0, stderr: 0, result: 0 };
  for (const { stream, end_offset: end } of rows) ends[stream] = end;
  return ends;
}

/** Tells whether the history of a task has been deleted because of its age. */
export async function isHistoryExpired(sql: Sql, taskId: string): Promise<boolean> {
  const [row] = await sql<[{ expired: boolean }]>`
    select is_day_expired('transitions', ${taskId})
      or exists (select 1 from expired_histories where task_id = ${taskId}) as expired`;
  return row.expired;
}
