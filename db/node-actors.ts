/**
 * The statements about nodes as actors: what operators ask of them, and the end of a node. Called by the supervisor only.
 *
 * A node is an actor from its first drain on; before, it is what `createNode` gives. Every write carries the version that it expects
 * (I4, I6).
 */
import type { NodeContext, NodeEvent, NodeInput } from '../machines/node-context.ts';
import type { NodeSnapshot } from '../machines/node-decide.ts';
import type { Sql } from './connect.ts';

/** A node as an actor. Times are ms since 1970 by the database's clock. */
export interface NodeActorRecord {
  readonly nodeId: string;
  /** 0 for a node that has never been drained. */
  readonly version: number;
  readonly machineVersion: number;
  readonly snapshot: NodeSnapshot;
  readonly wakeAt: number | null;
  readonly updatedAt: number;
}

/** The first event of every node. */
export interface NodeCreated {
  readonly type: 'node.created';
  readonly at: number;
  readonly input: NodeInput;
}

export interface NodeTransition {
  readonly version: number;
  readonly event: NodeEvent | NodeCreated;
  /** Empty for the first. */
  readonly fromPath: string;
  readonly toPath: string;
  readonly at: number;
  readonly supervisorId: string;
}

interface NodeActorRow {
  id: string;
  created_ms: number;
  version: number | null;
  machine_version: number;
  state: string;
  context: NodeContext;
  wake_ms: number | null;
  updated_ms: number;
}

/**
 * Reads a node as an actor; null for an unknown one.
 *
 * @param fresh makes the snapshot of a node that has never been drained
 */
export async function readNodeActor(
  sql: Sql,
  nodeId: string,
  fresh: (input: NodeInput) => Pick<NodeActorRecord, 'machineVersion' | 'snapshot'>,
): Promise<NodeActorRecord | null> {
  const [row] = await sql<NodeActorRow[]>`
    select n.id, (extract(epoch from n.created_at) * 1000)::double precision as created_ms,
           a.version, a.machine_version, a.state, a.context,
           (extract(epoch from a.wake_at) * 1000)::double precision as wake_ms,
           (extract(epoch from a.updated_at) * 1000)::double precision as updated_ms
    from nodes as n left join node_actors as a on a.node_id = n.id
    where n.id = ${nodeId}`;
  if (row === undefined) return null;
  if (row.version === null) {
    const input = { id: row.id, createdAt: row.created_ms };
    return { nodeId, version: 0, ...fresh(input), wakeAt: null, updatedAt: row.created_ms };
  }
  return {
    nodeId,
    version: row.version,
    machineVersion: row.machine_version,
    snapshot: { path: row.state, context: row.context },
    wakeAt: row.wake_ms,
    updatedAt: row.updated_ms,
  };
}

/**
 * Moves a node to a new version. Returns false, and nothing is changed, if it has another one than the step before these, or if
 * it has been deleted.
 *
 * @param steps consecutive, up to the version of the record
 * @param news payload for the other supervisors
 */
export async function moveNodeActor(
  sql: Sql,
  record: NodeActorRecord,
  steps: readonly NodeTransition[],
  news: string,
): Promise<boolean> {
  const before = record.version - steps.length;
  const rows = await sql<{ node_id: string | null }[]>`
    with moved as (
      insert into node_actors as actor (node_id, version, machine_version, state, context, wake_at, updated_at)
      select n.id, ${record.version}::integer, ${record.machineVersion}::integer, ${record.snapshot.path}::text,
             ${JSON.stringify(record.snapshot.context)}::text::json,
             to_timestamp(${record.wakeAt}::double precision / 1000),
             to_timestamp(${record.updatedAt}::double precision / 1000)
      from nodes as n
      where n.id = ${record.nodeId}
        -- A row that is to be changed must be there already.
        and (${before === 0} or exists (select 1 from node_actors where node_id = n.id))
      on conflict (node_id) do update
      set version = excluded.version, machine_version = excluded.machine_version, state = excluded.state,
          context = excluded.context, wake_at = excluded.wake_at, updated_at = excluded.updated_at
      where actor.version = ${before}
      returning node_id
    ), recorded as (
      insert into node_transitions (node_id, version, event, from_path, to_path, at, supervisor_id)
      select moved.node_id, step.version, step.event::json, step.from_path, step.to_path,
             to_timestamp(step.at_ms / 1000), step.supervisor_id
      from moved, unnest(
        ${steps.map(({ version }) => version)}::integer[],
        ${steps.map(({ event }) => JSON.stringify(event))}::text[],
        ${steps.map(({ fromPath }) => fromPath)}::text[],
        ${steps.map(({ toPath }) => toPath)}::text[],
        ${steps.map(({ at }) => at)}::double precision[],
        ${steps.map(({ supervisorId }) => supervisorId)}::text[]
      ) as step (version, event, from_path, to_path, at_ms, supervisor_id)
    )
    select node_id, null as told from moved
    union all
    select null, pg_notify('muster', ${news}::text)::text where exists (select 1 from moved)`;
  return rows.some(({ node_id: nodeId }) => nodeId !== null);
}

/** A node whose drain is under way. */
export interface DrainingNode {
  readonly nodeId: string;
  /** The supervisor that holds its session; null when no session is alive. */
  readonly heldBy: string | null;
}

/**
 * Lists the nodes that are being drained, by id.
 *
 * @param which only this one, or those after one; an empty id for all
 */
export async function listDrainingNodes(
  sql: Sql,
  deadAfterMs: number,
  limit: number,
  which: { readonly nodeId: string } | { readonly after: string },
): Promise<DrainingNode[]> {
  return await sql<DrainingNode[]>`
    select n.id as "nodeId",
           case
             when n.left_at is null and n.seen_at > now() - make_interval(secs => ${deadAfterMs}::double precision / 1000)
             then n.supervisor_id
           end as "heldBy"
    from node_actors as a join nodes as n on n.id = a.node_id
    where a.state in ('draining', 'stopping')
      and ${'nodeId' in which ? sql`a.node_id = ${which.nodeId}` : sql`a.node_id > ${which.after}`}
    order by n.id
    limit ${limit}`;
}

/** Lists those of the nodes that take no tasks, as their operators wish. */
export async function listClosedNodes(sql: Sql, nodeIds: readonly string[]): Promise<string[]> {
  const rows = await sql<{ node_id: string }[]>`
    select node_id from node_actors where node_id = any(${[...nodeIds]}::text[]) and state <> 'active'`;
  return rows.map((row) => row.node_id);
}

/** Lists the steps of a node after a version, in order. */
export async function listNodeTransitions(
  sql: Sql,
  nodeId: string,
  afterVersion: number,
  limit: number,
): Promise<NodeTransition[]> {
  return await sql<NodeTransition[]>`
    select version, event, from_path as "fromPath", to_path as "toPath",
           (extract(epoch from at) * 1000)::double precision as at, supervisor_id as "supervisorId"
    from node_transitions
    where node_id = ${nodeId} and version > ${afterVersion}
    order by version
    limit ${limit}`;
}

/** Deletes a node that is gone: no agent connected, nothing bound to it that is not over. Its past tasks stay. */
export async function deleteNode(
  sql: Sql,
  nodeId: string,
  deadAfterMs: number,
): Promise<'deleted' | 'unknown' | 'connected' | 'has_tasks'> {
  const [row] = await sql<[{ outcome: 'deleted' | 'unknown' | 'connected' | 'has_tasks' }]>`
    select delete_node(${nodeId}, make_interval(secs => ${deadAfterMs}::double precision / 1000)) as outcome`;
  return row.outcome;
}
