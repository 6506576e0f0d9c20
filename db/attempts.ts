/**
 * The statements about attempts that are over. Written by updateTasks, in the same commit as the transition that ended them.
 */
import type { AttemptOutcome, EndedAttempt } from '../machines/task-context.ts';
import type { Sql } from './connect.ts';

interface AttemptRow {
  number: number;
  node_id: string;
  outcome: AttemptOutcome;
  exit_code: number | null;
  signal: string | null;
  message: string;
  dispatched_ms: number;
  ended_ms: number;
  accepted_host_ms: number | null;
  started_host_ms: number | null;
  exited_host_ms: number | null;
  stdout_bytes: number;
  stderr_bytes: number;
  dropped_bytes: number;
}

/**
 * Lists the attempts of a task that are over, first to last. What is not stored of their output counts as dropped: over the cap, or
 * lost with the database, in a gap or at the end.
 */
export async function listAttempts(sql: Sql, taskId: string): Promise<EndedAttempt[]> {
  const rows = await sql<AttemptRow[]>`
    select number, node_id, outcome, exit_code, signal, message,
           (extract(epoch from dispatched_at) * 1000)::double precision as dispatched_ms,
           (extract(epoch from ended_at) * 1000)::double precision as ended_ms,
           (extract(epoch from accepted_host_at) * 1000)::double precision as accepted_host_ms,
           (extract(epoch from started_host_at) * 1000)::double precision as started_host_ms,
           (extract(epoch from exited_host_at) * 1000)::double precision as exited_host_ms,
           stdout_bytes, stderr_bytes,
           dropped_bytes + greatest(
             missing,
             case when exited_host_at is null then 0 else stdout_bytes + stderr_bytes - dropped_bytes - stored end
           ) as dropped_bytes
    from attempts as a, lateral (
      select coalesce(sum(missing_bytes), 0)::bigint as missing,
             coalesce(sum(end_offset - missing_bytes), 0)::bigint as stored
      from output_streams as s
      where s.task_id = a.task_id and s.attempt = a.number and s.stream <> 'result'
    ) as output
    where task_id = ${taskId}
    order by number`;
  return rows.map((row) => ({
    number: row.number,
    nodeId: row.node_id,
    outcome: row.outcome,
    exitCode: row.exit_code,
    signal: row.signal,
    message: row.message,
    dispatchedAt: row.dispatched_ms,
    endedAt: row.ended_ms,
    acceptedHostAt: row.accepted_host_ms,
    startedHostAt: row.started_host_ms,
    exitedHostAt: row.exited_host_ms,
    stdoutBytes: row.stdout_bytes,
    stderrBytes: row.stderr_bytes,
    droppedBytes: row.dropped_bytes,
  }));
}
