/**
 * The statements about workers: what agents say of them, and what is asked of them.
 *
 * What is said is written in batches for many sessions at once, fenced by the epoch (I6). What is asked is a number and a word in
 * the row; whoever holds the session of the node sends it until the agent has taken it on.
 */
import type postgres from 'postgres';
import type { Sql } from './connect.ts';

export type WorkerState = 'starting' | 'idle' | 'busy' | 'backing_off' | 'crashed' | 'stopped';
export type WorkerOperation = 'start' | 'stop' | 'restart';
export type KeepPolicy = 'always' | 'on-failure' | 'never';

/** Where a worker stands, as its agent says. Times are ms since 1970 by the clock of the host. */
export interface WorkerReport {
  /** Unique on its node. */
  readonly name: string;
  readonly kind: 'slot' | 'kept';
  readonly state: WorkerState;
  readonly since: number | null;
  /** Of a busy slot. */
  readonly taskId: string | null;
  readonly attempt: number;
  readonly failures: number;
  readonly nextStartAt: number | null;
  readonly pid: number | null;
  readonly why: string;
  readonly command: string;
  readonly keepPolicy: KeepPolicy | null;
  /** What a busy worker does when its work has ended. */
  readonly asked: 'stop' | 'restart' | null;
  /** The last operation that it has taken on; 0 for none. */
  readonly operatedSeq: number;
}

/** A worker as stored. */
export interface WorkerRecord extends WorkerReport {
  readonly nodeId: string;
  /** Asked for and not taken on by the agent yet. */
  readonly pending: WorkerOperation | null;
  /** Its node is connected. */
  readonly isConnected: boolean;
}

/** What one session says of its workers. */
export interface SessionWorkerReports {
  readonly nodeId: string;
  readonly epoch: number;
  /** These are all; what else is stored is gone. */
  readonly isWhole: boolean;
  /** Each name once. */
  readonly workers: readonly WorkerReport[];
}

/** An operation that the agent has not taken on yet. */
export interface PendingOperation {
  readonly nodeId: string;
  readonly worker: string;
  readonly operation: WorkerOperation;
  readonly seq: number;
}

export interface WorkerFilter {
  readonly nodeId?: string;
  readonly states?: readonly WorkerState[];
}

/** The order of lists: the last one of a page. */
export interface WorkerKey {
  readonly nodeId: string;
  readonly name: string;
}

interface WorkerRow {
  node_id: string;
  name: string;
  kind: 'slot' | 'kept';
  state: WorkerState;
  since_ms: number | null;
  task_id: string | null;
  attempt: number;
  failures: number;
  next_start_ms: number | null;
  pid: number | null;
  why: string;
  command: string;
  keep_policy: KeepPolicy | null;
  asked: 'stop' | 'restart' | null;
  operated_seq: number;
  pending: WorkerOperation | null;
  is_connected: boolean;
}

interface PendingRow {
  node_id: string;
  name: string;
  operation: WorkerOperation;
  operation_seq: number;
}

/**
 * Stores what sessions say of their workers; what a session says that is not its node's last one is left out.
 *
 * @param sessions each node once
 * @returns the operations that these workers have not taken on
 */
export async function saveWorkers(
  sql: Sql,
  sessions: readonly SessionWorkerReports[],
): Promise<PendingOperation[]> {
  const told = sessions.flatMap(({ nodeId, epoch, workers }) =>
    workers.map((worker) => ({ ...worker, nodeId, epoch })),
  );
  const whole = sessions
    .filter(({ isWhole }) => isWhole)
    .map(({ nodeId, epoch, workers }) => ({
      nodeId,
      epoch,
      names: workers.map((one) => one.name),
    }));
  const rows = await sql<(PendingRow & { is_pending: boolean })[]>`
    with gone as (
      delete from workers as w
      using jsonb_to_recordset(${JSON.stringify(whole)}::text::jsonb) as s ("nodeId" text, epoch integer, names jsonb)
        join nodes as n on n.id = s."nodeId" and n.epoch = s.epoch
      where w.node_id = s."nodeId" and w.epoch <= s.epoch and not s.names ? w.name
    )
    insert into workers as w (
      node_id, name, kind, epoch, state, since, task_id, attempt, failures, next_start_at, pid, why, command,
      keep_policy, asked, operation_seq, operated_seq
    )
    select
      t."nodeId", t.name, t.kind, t.epoch, t.state, ${timeOf(sql, 't.since')}, t."taskId", t.attempt, t.failures,
      ${timeOf(sql, 't."nextStartAt"')}, t.pid, t.why, t.command, t."keepPolicy", t.asked, t."operatedSeq", t."operatedSeq"
    from jsonb_to_recordset(${JSON.stringify(told)}::text::jsonb) as t (
      "nodeId" text, epoch integer, name text, kind text, state text, since double precision, "taskId" uuid,
      attempt integer, failures integer, "nextStartAt" double precision, pid integer, why text, command text,
      "keepPolicy" text, asked text, "operatedSeq" integer
    )
    join nodes as n on n.id = t."nodeId" and n.epoch = t.epoch
    order by t."nodeId", t.name
    on conflict (node_id, name) do update
    set kind = excluded.kind,
        epoch = excluded.epoch,
        state = excluded.state,
        since = excluded.since,
        task_id = excluded.task_id,
        attempt = excluded.attempt,
        failures = excluded.failures,
        next_start_at = excluded.next_start_at,
        pid = excluded.pid,
        why = excluded.why,
        command = excluded.command,
        keep_policy = excluded.keep_policy,
        asked = excluded.asked,
        -- A restored database may know less than the agent: the next number must be a new one all the same.
        operation_seq = greatest(w.operation_seq, excluded.operated_seq),
        operated_seq = excluded.operated_seq
      where w.epoch <= excluded.epoch
    returning node_id, name, operation, operation_seq, operation_seq > operated_seq as is_pending`;
  return rows.filter((row) => row.is_pending && row.operation !== null).map(toPending);
}

/** Lists the operations that workers of these nodes have not taken on. */
export async function listPendingOperations(
  sql: Sql,
  nodeIds: readonly string[],
): Promise<PendingOperation[]> {
  const rows = await sql<PendingRow[]>`
    select node_id, name, operation, operation_seq
    from workers
    where node_id = any(${nodeIds}::text[]) and operation_seq > operated_seq and operation is not null`;
  return rows.map(toPending);
}

/** Asks for an operation. Returns false if there is no such worker. */
export async function operateWorker(
  sql: Sql,
  { nodeId, name }: WorkerKey,
  operation: WorkerOperation,
): Promise<boolean> {
  const rows = await sql`
    update workers
    set operation = ${operation}, operation_seq = operation_seq + 1
    where node_id = ${nodeId} and name = ${name}
    returning name`;
  return rows.length === 1;
}

/**
 * Lists workers by node and name.
 *
 * @param after only those behind this one
 */
export async function listWorkers(
  sql: Sql,
  { nodeId, states = [] }: WorkerFilter,
  limit: number,
  after: WorkerKey | null,
  deadAfterMs: number,
): Promise<WorkerRecord[]> {
  const rows = await sql<WorkerRow[]>`
    select
      w.node_id, w.name, w.kind, w.state, w.task_id, w.attempt, w.failures, w.pid, w.why, w.command, w.keep_policy,
      w.asked, w.operated_seq,
      (extract(epoch from w.since) * 1000)::double precision as since_ms,
      (extract(epoch from w.next_start_at) * 1000)::double precision as next_start_ms,
      case when w.operation_seq > w.operated_seq then w.operation end as pending,
      n.left_at is null
        and coalesce(n.seen_at > now() - make_interval(secs => ${deadAfterMs}::double precision / 1000), false)
        as is_connected
    from workers as w
    join nodes as n on n.id = w.node_id
    where (w.node_id, w.name) > (${after?.nodeId ?? ''}, ${after?.name ?? ''})
      ${nodeId === undefined ? sql`` : sql`and w.node_id = ${nodeId}`}
      ${states.length === 0 ? sql`` : sql`and w.state = any(${[...states]}::text[])`}
    order by w.node_id, w.name
    limit ${limit}`;
  return rows.map(toWorkerRecord);
}

/** Counts the slots of each of these nodes that take no attempts until something is done about them; none is left out. */
export async function countUnusableSlots(
  sql: Sql,
  nodeIds: readonly string[],
): Promise<Map<string, number>> {
  const rows = await sql<{ node_id: string; count: number }[]>`
    select node_id, count(*)::integer as count
    from workers
    where node_id = any(${nodeIds}::text[]) and kind = 'slot' and state in ('backing_off', 'crashed', 'stopped')
    group by node_id`;
  return new Map(rows.map((row) => [row.node_id, row.count]));
}

function timeOf(sql: Sql, column: string): postgres.PendingQuery<postgres.Row[]> {
  return sql`to_timestamp(${sql.unsafe(column)} / 1000)`;
}

function toPending(row: PendingRow): PendingOperation {
  const { node_id: nodeId, name: worker, operation, operation_seq: seq } = row;
  return { nodeId, worker, operation, seq };
}

function toWorkerRecord(row: WorkerRow): WorkerRecord {
  return {
    nodeId: row.node_id,
    name: row.name,
    kind: row.kind,
    state: row.state,
    since: row.since_ms,
    taskId: row.task_id,
    attempt: row.attempt,
    failures: row.failures,
    nextStartAt: row.next_start_ms,
    pid: row.pid,
    why: row.why,
    command: row.command,
    keepPolicy: row.keep_policy,
    asked: row.asked,
    operatedSeq: row.operated_seq,
    pending: row.pending,
    isConnected: row.is_connected,
  };
}
