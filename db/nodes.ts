/**
 * The statements about nodes and their sessions.
 *
 * The epoch of a node is the fencing number of its session: it rises with every new one, and whatever carries an older one
 * changes nothing (I6). Signs of life are written in batches, for all sessions of a supervisor at once. Two agents may have been
 * given one node id: the one whose session is alive keeps the node.
 */
import type postgres from 'postgres';
import type { NodeSnapshot } from '../machines/node-decide.ts';
import type { Sql } from './connect.ts';
import type { NodeRecord } from './records.ts';

export interface NodeSessionOpening {
  readonly nodeId: string;
  readonly bootId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly facts: unknown;
  readonly slots: number;
  readonly supervisorId: string;
}

/** When the session of a node counts as alive, so that an agent of another boot is not let in. */
export interface LivenessRule {
  /** Without a sign of life for this long it is dead, in ms. */
  readonly deadAfterMs: number;
  /** A session that the asking supervisor holds: it knows better than the database whether the agent is heard. */
  readonly own: { readonly epoch: number; readonly isHeard: boolean } | null;
}

/** Who holds a node. */
export interface NodeHolder {
  /** As its agent says; null if it does not. */
  readonly hostname: string | null;
  /** How long ago its last sign of life was written down, in ms. */
  readonly silentMs: number;
}

/** What became of the opening of a session. */
export interface NodeSessionOpened {
  /** Of the new session; 0 if none was opened. */
  readonly epoch: number;
  /** Who held the session before. */
  readonly previousSupervisorId: string | null;
  /** Another agent, because of which none was opened. */
  readonly holder: NodeHolder | null;
}

const DEFAULT_RULE: LivenessRule = { deadAfterMs: 15_000, own: null };

export interface NodeFilter {
  /** Every one of these labels, with this value. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly states?: readonly ('online' | 'unreachable' | 'offline')[];
  /** Of what operators wish; a node that was never drained is active. */
  readonly drainStates?: readonly ('active' | 'draining' | 'stopping' | 'drained')[];
}

interface NodeRow {
  id: string;
  epoch: number;
  boot_id: string;
  labels: Record<string, string>;
  server_labels: Record<string, string>;
  facts: unknown;
  slots: number;
  supervisor_id: string | null;
  created_ms: number;
  connected_ms: number | null;
  seen_ms: number | null;
  left_ms: number | null;
  is_alive: boolean;
  active: number;
  actor: NodeSnapshot | null;
}

/**
 * Opens the next session of a node, which is created if it is new.
 *
 * While a session of another boot is alive by the database's clock, nothing is changed and who holds the node is told. The same
 * boot is the same agent, and gets in at once.
 */
export async function openNodeSession(
  sql: Sql,
  o: NodeSessionOpening,
  rule: LivenessRule = DEFAULT_RULE,
): Promise<NodeSessionOpened> {
  const { epoch: ownEpoch, isHeard } = rule.own ?? { epoch: 0, isHeard: false };
  const [row] = await sql<{ epoch: number; previous_supervisor_id: string | null }[]>`
    insert into nodes as node (
      id, epoch, boot_id, labels, agent_labels, facts, slots, supervisor_id, connected_at, seen_at, left_at
    )
    values (
      ${o.nodeId}, 1, ${o.bootId}, ${JSON.stringify(o.labels)}::text::jsonb,
      ${JSON.stringify(o.labels)}::text::jsonb,
      ${JSON.stringify(o.facts ?? null)}::text::jsonb, ${o.slots}, ${o.supervisorId}, now(), now(), null
    )
    on conflict (id) do update
    set epoch = node.epoch + 1,
        boot_id = excluded.boot_id,
        labels = excluded.agent_labels || node.server_labels,
        agent_labels = excluded.agent_labels,
        facts = excluded.facts,
        slots = excluded.slots,
        supervisor_id = excluded.supervisor_id,
        -- Kept in the row, because only here is the value known that another session may have written a moment ago.
        previous_supervisor_id = node.supervisor_id,
        connected_at = excluded.connected_at,
        seen_at = excluded.seen_at,
        left_at = null
    where node.boot_id = excluded.boot_id
      or node.connected_at is null
      or not case
        when node.epoch = ${ownEpoch}::integer then ${isHeard}::boolean
        else ${isAlive(sql, rule.deadAfterMs, sql`node.seen_at`)}
      end
    returning epoch, previous_supervisor_id`;
  if (row !== undefined) {
    return { epoch: row.epoch, previousSupervisorId: row.previous_supervisor_id, holder: null };
  }
  return { epoch: 0, previousSupervisorId: null, holder: await readHolder(sql, o.nodeId) };
}

async function readHolder(sql: Sql, nodeId: string): Promise<NodeHolder> {
  const [row] = await sql<{ hostname: string | null; silent_ms: number | null }[]>`
    select facts ->> 'hostname' as hostname,
      (extract(epoch from now() - seen_at) * 1000)::double precision as silent_ms
    from nodes where id = ${nodeId}`;
  return { hostname: row?.hostname || null, silentMs: Math.max(row?.silent_ms ?? 0, 0) };
}

/** Writes down a sign of life of each session. Returns the nodes whose session is still this one. */
export async function touchNodes(
  sql: Sql,
  sessions: readonly { readonly nodeId: string; readonly epoch: number }[],
): Promise<Set<string>> {
  const rows = await sql<{ id: string }[]>`
    update nodes as n
    set seen_at = now()
    from unnest(
      ${sessions.map(({ nodeId }) => nodeId)}::text[],
      ${sessions.map(({ epoch }) => epoch)}::integer[]
    ) as session (node_id, epoch)
    where n.id = session.node_id and n.epoch = session.epoch
    returning n.id`;
  return new Set(rows.map((row) => row.id));
}

/** Closes a session, if it is still the node's last one. `isLeaving`: its agent said goodbye. */
export async function closeNodeSession(
  sql: Sql,
  nodeId: string,
  epoch: number,
  isLeaving: boolean,
): Promise<void> {
  await sql`
    update nodes
    set connected_at = null, left_at = case when ${isLeaving}::boolean then now() end
    where id = ${nodeId} and epoch = ${epoch}`;
}

/** Reads nodes by their ids, in the order of ids. Ids that are not there are left out. */
export async function readNodes(
  sql: Sql,
  ids: readonly string[],
  deadAfterMs: number,
): Promise<NodeRecord[]> {
  const rows = await sql<NodeRow[]>`
    select ${nodeRow(sql, deadAfterMs)} from nodes as n where n.id = any(${ids}::text[]) order by n.id`;
  return rows.map(toNodeRecord);
}

/**
 * Lists the nodes that match, in the order of ids.
 *
 * @param after only nodes with a larger id: the last one of the page before
 */
export async function listNodes(
  sql: Sql,
  filter: NodeFilter,
  limit: number,
  after: string | null,
  deadAfterMs: number,
): Promise<NodeRecord[]> {
  const { labels = {}, states = [], drainStates = [] } = filter;
  const alive = isAlive(sql, deadAfterMs);
  const rows = await sql<NodeRow[]>`
    select ${nodeRow(sql, deadAfterMs)}
    from nodes as n
    where n.id > ${after ?? ''}
      and n.labels @> ${JSON.stringify(labels)}::text::jsonb
      ${
        states.length === 0
          ? sql``
          : sql`
            and case when n.left_at is not null then 'offline' when ${alive} then 'online' else 'unreachable' end
              = any(${[...states]}::text[])`
      }
      ${
        drainStates.length === 0
          ? sql``
          : sql`
            and coalesce((select a.state from node_actors as a where a.node_id = n.id), 'active')
              = any(${[...drainStates]}::text[])`
      }
    order by n.id
    limit ${limit}`;
  return rows.map(toNodeRecord);
}

/** A node, as far as a selection looks at it. */
export interface NodeLabels {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Lists all nodes with their labels, by id. */
export async function listNodeLabels(sql: Sql): Promise<NodeLabels[]> {
  return await sql<NodeLabels[]>`select id, labels from nodes order by id`;
}

/** Lists those of `ids` that are nodes. */
export async function listNodeIds(sql: Sql, ids: readonly string[]): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select id from nodes where id = any(${ids}::text[])`;
  return rows.map((row) => row.id);
}

/** Lists those of `ids` that have been seen lately and have not left. */
export async function listAliveNodeIds(
  sql: Sql,
  ids: readonly string[],
  deadAfterMs: number,
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select n.id from nodes as n
    where n.id = any(${ids}::text[]) and n.left_at is null and ${isAlive(sql, deadAfterMs)}`;
  return rows.map((row) => row.id);
}

function isAlive(
  sql: Sql,
  deadAfterMs: number,
  seenAt: postgres.PendingQuery<postgres.Row[]> = sql`n.seen_at`,
): postgres.PendingQuery<postgres.Row[]> {
  return sql`
    coalesce(${seenAt} > now() - make_interval(secs => ${deadAfterMs}::double precision / 1000), false)`;
}

function nodeRow(sql: Sql, deadAfterMs: number): postgres.PendingQuery<postgres.Row[]> {
  return sql`
    n.id, n.epoch, n.boot_id, n.labels, n.server_labels, n.facts, n.slots, n.supervisor_id,
    (extract(epoch from n.created_at) * 1000)::double precision as created_ms,
    (extract(epoch from n.connected_at) * 1000)::double precision as connected_ms,
    (extract(epoch from n.seen_at) * 1000)::double precision as seen_ms,
    (extract(epoch from n.left_at) * 1000)::double precision as left_ms,
    ${isAlive(sql, deadAfterMs)} as is_alive,
    (select count(*)::integer from tasks as t where t.node_id = n.id and t.state = 'running') as active,
    (
      select json_build_object('path', a.state, 'context', a.context) from node_actors as a where a.node_id = n.id
    ) as actor`;
}

function toNodeRecord(row: NodeRow): NodeRecord {
  return {
    id: row.id,
    epoch: row.epoch,
    bootId: row.boot_id,
    labels: row.labels,
    serverLabels: row.server_labels,
    facts: row.facts,
    slots: row.slots,
    supervisorId: row.supervisor_id,
    createdAt: row.created_ms,
    connectedAt: row.connected_ms,
    seenAt: row.seen_ms,
    leftAt: row.left_ms,
    isAlive: row.is_alive,
    active: row.active,
    actor: row.actor,
    metrics: null,
  };
}
