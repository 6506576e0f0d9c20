/**
 * How batches of tasks, steps and ended attempts travel to Postgres.
 *
 * What every transition writes (snapshots and steps) travels as one array for each column, which Postgres takes apart in half the
 * time of a JSON document; snapshots and events, which are JSON anyway, as lines of one text, which needs no quoting. The rest
 * travels as one JSON document for each kind of row. Times are in ms since 1970, with names that end in `_ms`.
 */
import type postgres from 'postgres';
import { jsonLines } from './array-types.ts';
import type { Sql } from './connect.ts';
import type { TaskCreation, TaskUpdate, TransitionRecord } from './records.ts';
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
            // Children belong to the answer of their fan-out.
            task_ids: tasks.flatMap(({ record }) => (record.parentId === null ? [record.id] : [])),
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
  const columns = updates.map(({ snapshot }) => taskColumns(snapshot));
  return sql`
    unnest(
      ${updates.map(({ taskId }) => taskId)}::uuid[],
      ${updates.map(({ expectedVersion }) => expectedVersion)}::integer[],
      ${updates.map(({ transitions }) => transitions.length)}::integer[],
      ${updates.map(({ machineVersion }) => machineVersion)}::integer[],
      ${columns.map(({ state }) => state)}::text[],
      ${columns.map(({ substate }) => substate)}::text[],
      string_to_array(${jsonLines(updates.map(({ snapshot }) => snapshot.context))}::text, E'\\n'),
      ${columns.map(({ node_id }) => node_id)}::text[],
      ${columns.map(({ attempt }) => attempt)}::integer[],
      ${updates.map(({ wakeAt }) => wakeAt)}::double precision[],
      ${columns.map(({ queued_ms }) => queued_ms)}::double precision[],
      ${updates.map(({ transitions }) => transitions.at(-1)?.at ?? null)}::double precision[],
      ${columns.map(({ started_ms }) => started_ms)}::double precision[],
      ${columns.map(({ finished_ms }) => finished_ms)}::double precision[]
    ) as next (
      id, expected_version, steps, machine_version, state, substate, context, node_id, attempt, wake_ms, queued_ms, updated_ms,
      started_ms, finished_ms
    )`;
}

/** The steps of tasks, for the history. */
export function transitionRows(sql: Sql, steps: readonly TransitionRecord[]): Fragment {
  return sql`
    unnest(
      ${steps.map(({ taskId }) => taskId)}::uuid[],
      ${steps.map(({ version }) => version)}::integer[],
      string_to_array(${jsonLines(steps.map(({ event }) => event))}::text, E'\\n'),
      ${steps.map(({ fromPath }) => fromPath)}::text[],
      ${steps.map(({ toPath }) => toPath)}::text[],
      ${steps.map(({ at }) => at)}::double precision[],
      ${steps.map(({ attempt }) => attempt)}::integer[],
      ${steps.map(({ supervisorId }) => supervisorId)}::text[]
    ) as step (task_id, version, event, from_path, to_path, at_ms, attempt, supervisor_id)`;
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
