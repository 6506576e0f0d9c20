/**
 * The statements about measurements of hosts: one row for each node and minute.
 *
 * A supervisor writes those of all its sessions in one statement, once a minute. What a session with an older epoch says is not
 * written (I6).
 */
import type { Sql } from './connect.ts';

/** One measurement. Finite, 0 or more; bytes are whole numbers. */
export interface HostMetrics {
  readonly load1: number;
  readonly load5: number;
  readonly load15: number;
  /** Of all cores, 0 to 1. */
  readonly cpuShare: number;
  readonly memoryUsed: number;
  readonly memoryTotal: number;
  readonly diskUsed: number;
  /** 0 for not known. */
  readonly diskTotal: number;
}

/** A measurement and when it came, in ms since 1970. */
export interface NodeMetrics extends HostMetrics {
  readonly at: number;
}

/** What one session has told. */
export interface SessionMetrics {
  readonly nodeId: string;
  readonly epoch: number;
  readonly metrics: HostMetrics;
}

/** Points of one answer: a day of minutes and a little more. */
export const MAX_METRIC_POINTS = 1_500;

interface MetricsRow {
  node_id: string;
  at_ms: number;
  load1: number;
  load5: number;
  load15: number;
  cpu_share: number;
  memory_used: number;
  memory_total: number;
  disk_used: number;
  disk_total: number;
}

/** Writes the point of this minute of each session that is still its node's last; a second one replaces the first. Returns how many. */
export async function storeNodeMetrics(
  sql: Sql,
  sessions: readonly SessionMetrics[],
): Promise<number> {
  const column = (read: (metrics: HostMetrics) => number) =>
    sessions.map(({ metrics }) => read(metrics));
  const { count } = await sql`
    insert into node_metrics (
      node_id, at, load1, load5, load15, cpu_share, memory_used, memory_total, disk_used, disk_total
    )
    select n.id, date_trunc('minute', now()), p.load1, p.load5, p.load15, p.cpu_share,
      p.memory_used, p.memory_total, p.disk_used, p.disk_total
    from unnest(
      ${sessions.map(({ nodeId }) => nodeId)}::text[],
      ${sessions.map(({ epoch }) => epoch)}::integer[],
      ${column((one) => one.load1)}::double precision[],
      ${column((one) => one.load5)}::double precision[],
      ${column((one) => one.load15)}::double precision[],
      ${column((one) => one.cpuShare)}::double precision[],
      ${column((one) => one.memoryUsed)}::bigint[],
      ${column((one) => one.memoryTotal)}::bigint[],
      ${column((one) => one.diskUsed)}::bigint[],
      ${column((one) => one.diskTotal)}::bigint[]
    ) as p (
      node_id, epoch, load1, load5, load15, cpu_share, memory_used, memory_total, disk_used, disk_total
    )
    join nodes as n on n.id = p.node_id and n.epoch = p.epoch
    -- In one order, so that two supervisors that write the same nodes cannot lock each other out.
    order by n.id
    on conflict (node_id, at) do update
    set load1 = excluded.load1, load5 = excluded.load5, load15 = excluded.load15,
      cpu_share = excluded.cpu_share,
      memory_used = excluded.memory_used, memory_total = excluded.memory_total,
      disk_used = excluded.disk_used, disk_total = excluded.disk_total`;
  return count;
}

/** Reads the points of a node in a range of time, both ends included, the oldest first; the newest where there are too many. */
export async function readNodeMetrics(
  sql: Sql,
  nodeId: string,
  from: number,
  until: number,
): Promise<NodeMetrics[]> {
  const rows = await sql<MetricsRow[]>`
    select ${columns(sql)} from node_metrics as m
    where m.node_id = ${nodeId}
      and m.at between to_timestamp(${from}::double precision / 1000)
        and to_timestamp(${until}::double precision / 1000)
    order by m.at desc
    limit ${MAX_METRIC_POINTS}`;
  return rows.map(toNodeMetrics).reverse();
}

/** Reads the newest point of each node; nodes without one are left out. */
export async function readNewestMetrics(
  sql: Sql,
  nodeIds: readonly string[],
): Promise<Map<string, NodeMetrics>> {
  const rows = await sql<MetricsRow[]>`
    select m.* from unnest(${[...nodeIds]}::text[]) as wanted (node_id)
    cross join lateral (
      select ${columns(sql)} from node_metrics as m
      where m.node_id = wanted.node_id
      order by m.at desc
      limit 1
    ) as m`;
  return new Map(rows.map((row) => [row.node_id, toNodeMetrics(row)]));
}

/** Deletes points that are older than `keepMs`, at most `limit`. Returns how many. */
export async function deleteOldNodeMetrics(
  sql: Sql,
  keepMs: number,
  limit: number,
): Promise<number> {
  const { count } = await sql`
    delete from node_metrics
    where (node_id, at) in (
      select node_id, at from node_metrics
      where at < now() - make_interval(secs => ${keepMs}::double precision / 1000)
      order by at, node_id
      limit ${limit}
      for update skip locked
    )`;
  return count;
}

function columns(sql: Sql) {
  return sql`
    m.node_id, (extract(epoch from m.at) * 1000)::double precision as at_ms,
    m.load1::double precision, m.load5::double precision, m.load15::double precision,
    m.cpu_share::double precision, m.memory_used, m.memory_total, m.disk_used, m.disk_total`;
}

function toNodeMetrics(row: MetricsRow): NodeMetrics {
  return {
    at: row.at_ms,
    load1: row.load1,
    load5: row.load5,
    load15: row.load15,
    cpuShare: row.cpu_share,
    memoryUsed: row.memory_used,
    memoryTotal: row.memory_total,
    diskUsed: row.disk_used,
    diskTotal: row.disk_total,
  };
}
