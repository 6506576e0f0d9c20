/**
 * The statements about sets of nodes of which any one may take a task. Called by the supervisor only.
 *
 * A set is what a selection came to, kept once for all tasks that have the same; its members never change. Tasks that wait for a node of it
 * wait in a queue of their own, named by `queueOf`.
 */
import type { Sql } from './connect.ts';

/** Keeps a set, or marks it as used again. */
export async function saveNodeSet(sql: Sql, id: string, nodeIds: readonly string[]): Promise<void> {
  await sql`
    insert into node_sets (id, node_ids) values (${id}, ${[...nodeIds]}::text[])
    on conflict (id) do update set used_at = now()`;
}

/** Reads the members of sets. Unknown ones are left out. */
export async function readNodeSets(
  sql: Sql,
  ids: readonly string[],
): Promise<Map<string, readonly string[]>> {
  const rows = await sql<{ id: string; node_ids: string[] }[]>`
    select id, array_to_json(node_ids) as node_ids from node_sets where id = any(${[...ids]}::text[])`;
  return new Map(rows.map((row) => [row.id, row.node_ids]));
}

/**
 * Lists the sets for which tasks are queued, by id, after one; an empty id for the first. One step of the index for each, however many
 * tasks there are.
 */
export async function listQueuedNodeSets(
  sql: Sql,
  after: string,
  limit: number,
): Promise<string[]> {
  const rows = await sql<{ queue: string }[]>`
    with recursive queues as (
      (
        select target_node_id as queue from tasks
        where substate = 'queued' and target_node_id like '#%' and target_node_id > ${`#${after}`}
        order by target_node_id
        limit 1
      )
      union all
      select (
        select target_node_id from tasks
        where substate = 'queued' and target_node_id like '#%' and target_node_id > queues.queue
        order by target_node_id
        limit 1
      )
      from queues
      where queues.queue is not null
    )
    select queue from queues where queue is not null limit ${limit}`;
  return rows.map(({ queue }) => queue.slice(1));
}

/** Deletes sets that no task has any more and that no task was created for within the last day. Returns how many. */
export async function deleteUnusedNodeSets(sql: Sql, limit: number): Promise<number> {
  const { count } = await sql`
    delete from node_sets where id in (
      select s.id from node_sets as s
      where s.used_at < now() - interval '1 day'
        and not exists (
          select 1 from tasks as t where t.target_node_id = '#' || s.id and t.target_node_id like '#%'
        )
      limit ${limit}
    )`;
  return count;
}
