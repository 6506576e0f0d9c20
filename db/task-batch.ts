/**
 * How batches of tasks, steps and ended attempts travel to Postgres: as one JSON document for each kind of row.
 *
 * `json_to_recordset` takes them apart again. Snapshots and events are JSON anyway; inside a document they need no quoting, which
 * costs less on both sides than one array for each column. Times are in ms since 1970, with names that end in `_ms`.
 */
import type postgres from 'postgres';
import type { Sql } from './connect.ts';
import type { TaskCreation, TaskUpdate } from './records.ts';
import { taskColumns } from './task-row.ts';

type Fragment = postgres.PendingQuery<postgres.Row[]>;

/** The requests of creations, with their place in the batch. */
export function requestRows(sql: Sql, creations: readonly TaskCreation[]): Fragment {
  const requests = creations.flatMap(({ request, tasks }, ordinal) =>
    request === null
      ? []
      : [
          {
            ordinal,
            creator: request.creator,
            request_id: request.requestId,
            digest: request.digest,
            task_ids: tasks.map(({ record }) => record.id),
          },
        ],
  );
  return sql`
    json_to_recordset(${JSON.stringify(requests)}::text::json)
      as request (ordinal integer, creator text, request_id text, digest text, task_ids uuid[])`;
}

/** The tasks of creations, each with the place of its creation in the batch. */
export function creationRows(sql: Sql, creations: readonly TaskCreation[]): Fragment {
  const tasks = creations.flatMap((creation, ordinal) =>
    creation.tasks.map(({ record, wakeAt }) => ({
      ordinal,
      id: record.id,
      version: record.version,
      machine_version: record.machineVersion,
      context: record.snapshot.context,
      name: record.name,
      type: record.type,
      labels: record.labels,
      creator: record.creator,
      parent_id: record.parentId,
      schedule_id: record.scheduleId,
      spec_id: record.specId,
      wake_ms: wakeAt,
      created_ms: record.createdAt,
      updated_ms: record.updatedAt,
      ...taskColumns(record.snapshot),
    })),
  );
  return sql`
    json_to_recordset(${JSON.stringify(tasks)}::text::json) as task (
      ordinal integer, id uuid, version integer, machine_version integer, state text, substate text, context json, name text,
      type text, labels jsonb, creator text, parent_id uuid, schedule_id uuid, spec_id uuid, priority integer,
      target_node_id text, node_id text, attempt integer, wake_ms double precision, queued_ms double precision,
      created_ms double precision, updated_ms double precision, started_ms double precision, finished_ms double precision
    )`;
}

/** The specs of creations, each once. */
export function specRows(sql: Sql, creations: readonly TaskCreation[]): Fragment {
  const specs = new Map(
    creations.flatMap(({ tasks }) => tasks.map(({ record, spec }) => [record.specId, spec])),
  );
  const rows = [...specs].map(([id, content]) => ({ id, content }));
  return sql`
    json_to_recordset(${JSON.stringify(rows)}::text::json) as spec (id uuid, content json)`;
}

/** The next snapshots of tasks. */
export function updateRows(sql: Sql, updates: readonly TaskUpdate[]): Fragment {
  const rows = updates.map((update) => ({
    id: update.taskId,
    expected_version: update.expectedVersion,
    steps: update.transitions.length,
    machine_version: update.machineVersion,
    context: update.snapshot.context,
    wake_ms: update.wakeAt,
    updated_ms: update.transitions.at(-1)?.at,
    ...taskColumns(update.snapshot),
  }));
  return sql`
    json_to_recordset(${JSON.stringify(rows)}::text::json) as next (
      id uuid, expected_version integer, steps integer, machine_version integer, state text, substate text, context json,
      node_id text, attempt integer, wake_ms double precision, queued_ms double precision, updated_ms double precision,
      started_ms double precision, finished_ms double precision
    )`;
}

/** The steps of tasks, for the history. */
export function transitionRows(
  sql: Sql,
  steps: readonly TaskUpdate['transitions'][number][],
): Fragment {
  return sql`
    json_to_recordset(${JSON.stringify(steps)}::text::json) as step (
      "taskId" uuid, version integer, event json, "fromPath" text, "toPath" text, at double precision, attempt integer,
      "supervisorId" text
    )`;
}

/** Attempts that are over. */
export function attemptRows(sql: Sql, updates: readonly TaskUpdate[]): Fragment {
  const attempts = updates.flatMap(({ taskId, endedAttempts }) =>
    endedAttempts.map((attempt) => ({ taskId, ...attempt })),
  );
  return sql`
    json_to_recordset(${JSON.stringify(attempts)}::text::json) as attempt (
      "taskId" uuid, number integer, "nodeId" text, outcome text, "exitCode" integer, signal text, message text,
      "dispatchedAt" double precision, "endedAt" double precision, "acceptedHostAt" double precision,
      "startedHostAt" double precision, "exitedHostAt" double precision, "stdoutBytes" bigint, "stderrBytes" bigint,
      "droppedBytes" bigint
    )`;
}
