/**
 * The statements about the history of tasks: committed steps, and reports that came too late to be one.
 *
 * Steps are written by insertTasks and updateTasks, in the commit that makes them true (I3, I4). Nothing here changes one.
 */
import type { TaskEvent } from '../machines/task-events.ts';
import type { Sql } from './connect.ts';
import type { LateReportRecord, TaskCreated, TransitionRecord } from './records.ts';

interface TransitionRow {
  task_id: string;
  version: number;
  event: TaskEvent | TaskCreated;
  from_path: string;
  to_path: string;
  at_ms: number;
  attempt: number;
  supervisor_id: string;
}

interface LateReportRow {
  task_id: string;
  attempt: number;
  event: TaskEvent;
  why: string;
  at_ms: number;
}

/** Lists the steps of a task after `afterVersion`, in order. */
export async function listTransitions(
  sql: Sql,
  taskId: string,
  afterVersion: number,
  limit: number,
): Promise<TransitionRecord[]> {
  const rows = await sql<TransitionRow[]>`
    select task_id, version, event, from_path, to_path, attempt, supervisor_id,
           (extract(epoch from at) * 1000)::double precision as at_ms
    from transitions
    where task_id = ${taskId} and version > ${afterVersion}
    order by version
    limit ${limit}`;
  return rows.map(toTransition);
}

/** Reads one step, or null if the task has none of this version. */
export async function readTransition(
  sql: Sql,
  taskId: string,
  version: number,
): Promise<TransitionRecord | null> {
  const [found = null] = await listTransitions(sql, taskId, version - 1, 1);
  return found?.version === version ? found : null;
}

/** Writes down reports that changed nothing (I6). Those of deleted tasks are dropped. */
export async function insertLateReports(
  sql: Sql,
  rows: readonly LateReportRecord[],
  supervisorId: string,
): Promise<void> {
  const taskIds = [...new Set(rows.map(({ taskId }) => taskId))].sort();
  await sql`
    with known as materialized (
      -- A share of each task, so that deleteTask waits for these rows or they for it.
      select id from tasks where id = any(${taskIds}::uuid[]) order by id for key share
    )
    insert into late_reports (task_id, attempt, event, why, at, supervisor_id)
    select "taskId", attempt, event, why, to_timestamp(at / 1000), ${supervisorId}
    from rows from (
      json_to_recordset(${JSON.stringify(rows)}::text::json)
        as ("taskId" uuid, attempt integer, event json, why text, at double precision)
    ) with ordinality as report ("taskId", attempt, event, why, at, place)
    where "taskId" in (select id from known)
    -- Their ids count in the order in which they came.
    order by place`;
}

/** Lists the late reports of a task in the order they came. */
export async function listLateReports(
  sql: Sql,
  taskId: string,
  limit: number,
): Promise<LateReportRecord[]> {
  const rows = await sql<LateReportRow[]>`
    select task_id, attempt, event, why, (extract(epoch from at) * 1000)::double precision as at_ms
    from late_reports
    where task_id = ${taskId}
    order by id
    limit ${limit}`;
  return rows.map((row) => ({
    taskId: row.task_id,
    attempt: row.attempt,
    event: row.event,
    why: row.why,
    at: row.at_ms,
  }));
}

function toTransition(row: TransitionRow): TransitionRecord {
  return {
    taskId: row.task_id,
    version: row.version,
    event: row.event,
    fromPath: row.from_path,
    toPath: row.to_path,
    at: row.at_ms,
    attempt: row.attempt,
    supervisorId: row.supervisor_id,
  };
}
