/**
 * The statements about the children of fan-outs: counted, and listed for what is to be done with them. Called by the supervisor only.
 *
 * Children are ordinary tasks, held until their fan-out releases them in the order of their ids. All of this follows from their
 * rows, so that it can be asked again at any time.
 */
import type { ChildCounts } from '../machines/fan-out-context.ts';
import type { Sql } from './connect.ts';

/** Before every id. */
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** The children of a fan-out as they stand. */
export interface ChildrenCount {
  readonly counts: ChildCounts;
  /** The last of the held children behind the cursor that there is room for; null for none. */
  readonly releaseUntil: string | null;
}

/**
 * Counts the children of a fan-out, and finds how far it may go on.
 *
 * @param cursor children up to this id count as active also while they are held: they are released
 * @param maxParallel active ones at once, at most
 */
export async function countChildren(
  sql: Sql,
  parentId: string,
  cursor: string | null,
  maxParallel: number,
): Promise<ChildrenCount> {
  const [row] = await sql<[Required<ChildCounts> & { release_until: string | null }]>`
    with children as (
      select id, state, state = 'pending' and substate = 'held' and id > ${cursor ?? FIRST_ID} as is_held,
             case when state = 'cancelled' then context ->> 'reason' = 'skipped' end as is_skipped
      from tasks
      where parent_id = ${parentId}
    ), counts as (
      select count(*) filter (where is_held)::integer as held,
             count(*) filter (where state in ('pending', 'running') and not is_held)::integer as active,
             count(*) filter (where state = 'completed')::integer as completed,
             count(*) filter (where state = 'failed')::integer as failed,
             count(*) filter (where state = 'timeout')::integer as timeout,
             count(*) filter (where state = 'cancelled' and not is_skipped)::integer as cancelled,
             count(*) filter (where state = 'cancelled' and is_skipped)::integer as skipped
      from children
    )
    select counts.*, (
      select next.id
      from (
        select id from children where is_held order by id limit greatest(${maxParallel}::integer - counts.active, 0)
      ) as next
      order by next.id desc
      limit 1
    ) as release_until
    from counts`;
  const { release_until: releaseUntil, skipped, ...counts } = row;
  return { counts: skipped === 0 ? counts : { ...counts, skipped }, releaseUntil };
}

/** Lists children that are released and still held, the first ones first. */
export async function listReleasedChildren(
  sql: Sql,
  parentId: string,
  cursor: string,
  limit: number,
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from tasks
    where parent_id = ${parentId} and id <= ${cursor} and state = 'pending' and substate = 'held'
    order by id
    limit ${limit}`;
  return rows.map(({ id }) => id);
}

/** Lists children that nobody has asked to stop yet: those without an attempt, and with `isAll` everything that is not final. */
export async function listChildrenToStop(
  sql: Sql,
  parentId: string,
  isAll: boolean,
  limit: number,
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from tasks
    where parent_id = ${parentId} and state in ('pending', 'running') and substate <> 'stopping'
      and (context ->> 'stopCause') is null
      and (${isAll} or attempt = 0)
    order by id
    limit ${limit}`;
  return rows.map(({ id }) => id);
}

/** Lists the fan-outs that are under way, by id, after one. */
export async function listRunningFanOuts(
  sql: Sql,
  after: string | null,
  limit: number,
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from tasks
    where state = 'running' and type = 'fan_out' and id > ${after ?? FIRST_ID}
    order by id
    limit ${limit}`;
  return rows.map(({ id }) => id);
}

/** Lists the nodes of a fan-out's children in the order of the children; with `isUnfinishedOnly` of those that have not completed. */
export async function listChildNodes(
  sql: Sql,
  parentId: string,
  isUnfinishedOnly: boolean,
): Promise<string[]> {
  const rows = await sql<{ node_id: string }[]>`
    select target_node_id as node_id from tasks
    where parent_id = ${parentId} and (state <> 'completed' or not ${isUnfinishedOnly})
    order by id`;
  return rows.map((row) => row.node_id);
}

/** Lists children by their ids, in order, after one. */
export async function listChildIds(
  sql: Sql,
  parentId: string,
  after: string | null,
  limit: number,
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from tasks where parent_id = ${parentId} and id > ${after ?? FIRST_ID} order by id limit ${limit}`;
  return rows.map(({ id }) => id);
}
