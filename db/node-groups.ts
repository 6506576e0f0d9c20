/**
 * The statements about groups of nodes: a tree of names, and which nodes are in each.
 *
 * A group includes the nodes of all groups below it. That the tree has no cycle is kept by save_node_group.
 */
import type { Sql } from './connect.ts';

/** The most groups there can be. */
export const NODE_GROUPS_MAX = 1_000;

export interface NodeGroupRecord {
  readonly name: string;
  /** Null at the top of the tree. */
  readonly parent: string | null;
  readonly description: string;
  /** Nodes that are in this group itself, by id. */
  readonly nodeIds: readonly string[];
  /** Nodes in it and in the groups below it, each counted once. */
  readonly totalNodes: number;
  /** ms since 1970. */
  readonly createdAt: number;
}

export interface NodeGroupDraft {
  readonly name: string;
  /** Undefined leaves what is; empty is the top of the tree. */
  readonly parent?: string | undefined;
  /** Undefined leaves what is. */
  readonly description?: string | undefined;
}

export type SavedNodeGroup =
  | 'saved'
  | 'exists'
  | 'unknown'
  | 'unknown_parent'
  | 'cycle'
  | 'too_many';

interface NodeGroupRow {
  name: string;
  parent: string | null;
  description: string;
  node_ids: string[];
  total_nodes: number;
  created_ms: number;
}

/** Creates a group, or changes the one that is there. Nothing is changed unless it returns `saved`. */
export async function saveNodeGroup(
  sql: Sql,
  { name, parent, description }: NodeGroupDraft,
  isNew: boolean,
): Promise<SavedNodeGroup> {
  const [row] = await sql<[{ outcome: SavedNodeGroup }]>`
    select save_node_group(
      ${name}, ${parent ?? null}::text, ${description ?? null}::text, ${isNew}, ${NODE_GROUPS_MAX}
    ) as outcome`;
  return row.outcome;
}

/** Deletes a group that has no groups below it. */
export async function deleteNodeGroup(
  sql: Sql,
  name: string,
): Promise<'deleted' | 'has_children' | 'unknown'> {
  const [row] = await sql<[{ outcome: 'deleted' | 'has_children' | 'unknown' }]>`
    select delete_node_group(${name}) as outcome`;
  return row.outcome;
}

/** Lists groups by name: all, or those of `names` that exist. */
export async function listNodeGroups(
  sql: Sql,
  names: readonly string[] | null,
): Promise<NodeGroupRecord[]> {
  const rows = await sql<NodeGroupRow[]>`
    with recursive included as (
      select g.name as top, g.name from node_groups as g
      ${names === null ? sql`` : sql`where g.name = any(${[...names]}::text[])`}
      union
      select i.top, g.name from node_groups as g join included as i on g.parent = i.name
    ),
    totals as (
      select i.top, count(distinct m.node_id)::integer as nodes
      from included as i join node_group_members as m on m.group_name = i.name
      group by i.top
    )
    select g.name, g.parent, g.description, coalesce(t.nodes, 0) as total_nodes,
      (
        select coalesce(json_agg(m.node_id order by m.node_id), '[]')
        from node_group_members as m where m.group_name = g.name
      ) as node_ids,
      (extract(epoch from g.created_at) * 1000)::double precision as created_ms
    from node_groups as g
    left join totals as t on t.top = g.name
    where g.name in (select top from included)
    order by g.name`;
  return rows.map((row) => ({
    name: row.name,
    parent: row.parent,
    description: row.description,
    nodeIds: row.node_ids,
    totalNodes: row.total_nodes,
    createdAt: row.created_ms,
  }));
}

/** Lists the names of all groups. */
export async function listNodeGroupNames(sql: Sql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`select name from node_groups order by name`;
  return rows.map((row) => row.name);
}

/** Lists the nodes of each group, those of the groups below it included. A group that is not there has no entry. */
export async function listGroupNodeIds(
  sql: Sql,
  names: readonly string[],
): Promise<Map<string, string[]>> {
  const rows = await sql<{ top: string; node_ids: string[] }[]>`
    with recursive included as (
      select g.name as top, g.name from node_groups as g where g.name = any(${[...names]}::text[])
      union
      select i.top, g.name from node_groups as g join included as i on g.parent = i.name
    )
    select i.top, coalesce(json_agg(distinct m.node_id) filter (where m.node_id is not null), '[]') as node_ids
    from included as i
    left join node_group_members as m on m.group_name = i.name
    group by i.top`;
  return new Map(rows.map((row) => [row.top, row.node_ids]));
}

/** Puts nodes into a group; those that are in it stay. A node or group that is gone is left out. Returns how many are new. */
export async function addNodesToGroup(
  sql: Sql,
  name: string,
  nodeIds: readonly string[],
): Promise<number> {
  const rows = await sql`
    with held_group as (select name from node_groups where name = ${name} for key share),
    held_nodes as (select id from nodes where id = any(${[...nodeIds]}::text[]) order by id for key share)
    insert into node_group_members (group_name, node_id)
    select g.name, n.id from held_group as g cross join held_nodes as n
    on conflict do nothing`;
  return rows.count;
}

/** Takes nodes out of a group, not out of those below it. Returns how many were in it. */
export async function removeNodesFromGroup(
  sql: Sql,
  name: string,
  nodeIds: readonly string[],
): Promise<number> {
  const rows = await sql`
    delete from node_group_members where group_name = ${name} and node_id = any(${[...nodeIds]}::text[])`;
  return rows.count;
}
