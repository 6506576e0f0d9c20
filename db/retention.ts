/**
 * The statements that delete what has been kept long enough. Called by the retention service.
 *
 * The database's clock decides what is old. Each statement deletes one batch; several supervisors may run them at once: they take
 * the rows in the same order, and whoever comes second finds them gone.
 */
import type { Sql } from './connect.ts';

/**
 * Deletes final tasks that finished more than `keepMs` ago, oldest first, with everything that belongs to them alone.
 *
 * A task is kept while its parent is not final: the parent's state follows from its children.
 *
 * @param after only tasks with a larger id; null for the first batch
 * @returns how many were deleted here, and the id to go on after: null when nothing more is old enough
 */
export async function deleteOldTasks(
  sql: Sql,
  keepMs: number,
  limit: number,
  after: string | null,
): Promise<{ deleted: number; nextAfter: string | null }> {
  const rows = await sql<{ id: string; outcome: string }[]>`
    with old as materialized (
      select t.id from tasks as t
      where t.id > ${after ?? '00000000-0000-0000-0000-000000000000'}
        -- An id begins with the time of creation, which is before the end: a range of the primary key. Made apart from the row's
        -- times, by clocks that may differ by a little, hence the second.
        and t.id <= (
          lpad(to_hex((extract(epoch from now()) * 1000 - ${keepMs}::double precision + 1000)::bigint), 12, '0')
          || repeat('f', 20)
        )::uuid
        and t.state not in ('pending', 'running')
        and t.finished_at < now() - make_interval(secs => ${keepMs}::double precision / 1000)
        and not exists (
          select 1 from tasks as parent
          where parent.id = t.parent_id and parent.state in ('pending', 'running')
        )
      order by t.id
      limit ${limit}
    )
    select id, delete_task(id) as outcome from old`;
  const last = rows.length < limit ? null : rows.at(-1);
  return {
    deleted: rows.filter(({ outcome }) => outcome === 'deleted').length,
    nextAfter: last?.id ?? null,
  };
}

/**
 * Deletes names that no task has any more and that no task was created with within the last day, in the order of their keys.
 *
 * @param limit names that are looked at
 * @param after only names behind this one; null for the first batch
 * @returns how many were deleted, and the name to go on after: null when that was the last batch
 */
export async function deleteUnusedNames(
  sql: Sql,
  limit: number,
  after: string | null,
): Promise<{ deleted: number; nextAfter: string | null }> {
  const [row] = await sql<[{ deleted: number; looked_at: number; last: string | null }]>`
    with batch as materialized (
      select name from task_names
      where ${after === null ? sql`true` : sql`name > ${after}`}
      order by name
      limit ${limit}
    ), gone as (
      delete from task_names as n
      where n.name in (select name from batch)
        -- A task that is just being created with it has made this younger, or found it younger than an hour.
        and n.used_at < now() - interval '1 day'
        and not exists (select 1 from task_labels as l where l.key = '@name' and l.value = n.name)
        and not exists (select 1 from task_labels as l where l.key = '@child' and l.value = n.name)
      returning 1
    )
    select (select count(*)::integer from gone) as deleted, count(*)::integer as looked_at, max(name) as last from batch`;
  return { deleted: row.deleted, nextAfter: row.looked_at < limit ? null : row.last };
}

/** Deletes requests older than `keepMs`: the same request id creates new tasks from then on. Returns how many were deleted. */
export async function deleteOldRequests(sql: Sql, keepMs: number, limit: number): Promise<number> {
  const { count } = await sql`
    delete from requests
    where (creator, request_id) in (
      select creator, request_id from requests
      where created_at < now() - make_interval(secs => ${keepMs}::double precision / 1000)
      order by creator, request_id
      limit ${limit}
      -- A request that is being repeated is left for the next time.
      for update skip locked
    )`;
  return count;
}
