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

/** The first ones of a task are kept. An agent that tells them for ever does not fill the database. */
export const MAX_LATE_REPORTS = 200;

/**
 * Writes down reports that changed nothing (I6), at most MAX_LATE_REPORTS for a task. Those of deleted tasks are dropped, and so is
 * what a node says of attempts that were never its own. Where several supervisors write at once, a task may have a few more.
 */
export async function insertLateReports(
  sql: Sql,
  rows: readonly LateReportRecord[],
  supervisorId: string,
): Promise<void> {
  const taskIds = [...new Set(rows.map(({ taskId }) => taskId))].sort();
  await sql`
    with known as materialized (
      -- A share of each task, so that deleteTask waits for these rows or they for it.
      select id, attempt, context -> 'current' ->> 'nodeId' as node_id
      from tasks where id = any(${taskIds}::uuid[]) order by id for key share
    ), own as (
      select report.*, row_number() over (partition by report.task_id order by report.place) as nth
      from rows from (
        json_to_recordset(${JSON.stringify(rows)}::text::json)
          as ("taskId" uuid, attempt integer, event json, why text, at double precision)
      ) with ordinality as report (task_id, attempt, event, why, at, place)
      join known on known.id = report.task_id
      where report.event ->> 'nodeId' is null
        or (known.attempt = report.attempt and known.node_id = report.event ->> 'nodeId')
        or exists (
          select from attempts as ended
          where ended.task_id = report.task_id and ended.number = report.attempt
            and ended.node_id = report.event ->> 'nodeId'
        )
    )
    insert into late_reports (task_id, attempt, event, why, at, supervisor_id)
    select task_id, attempt, event, why, to_timestamp(at / 1000), ${supervisorId}
    from own
    where nth + (select count(*) from late_reports as kept where kept.task_id = own.task_id) <= ${MAX_LATE_REPORTS}
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
