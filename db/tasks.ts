/**
 * The statements about tasks: what is created, moved, read and deleted. Called by the supervisor only.
 *
 * Every write of a task carries the version that it expects (I4, I6), and its history is written in the same statement (I3).
 * How a row is made and read stands in task-row.ts, how a batch travels in task-batch.ts; lists by a filter are
 * made in task-lists.ts.
 */
import type postgres from 'postgres';
import { isFinalPath } from '../machines/decide.ts';
import { MusterError } from '../machines/errors.ts';
import type { Sql } from './connect.ts';
import type { CreationResult, TaskCreation, TaskRecord, TaskUpdate } from './records.ts';
import {
  attemptRows,
  creationRows,
  requestRows,
  specRows,
  transitionRows,
  updateRows,
} from './task-batch.ts';
import { taskRow, toTaskRecord } from './task-row.ts';
import type { TaskRow } from './task-row.ts';

interface AnswerRow {
  creator: string | null;
  request_id: string;
  digest: string;
  task_ids: string[];
  repeats: number;
}

/**
 * Creates tasks with their specs, labels, first transitions and requests, in one statement.
 *
 * A creation whose request is known creates nothing and is answered with what that request created, also when both are in the
 * same batch or under way at the same time. A task whose id is there already is left as it is: ids are made once, so the same
 * batch can be sent again by a caller that does not know whether it was committed.
 *
 * @param news payload for the other supervisors; empty for none
 */
export async function insertTasks(
  sql: Sql,
  creations: readonly TaskCreation[],
  news: string,
): Promise<CreationResult[]> {
  const free = creations.flatMap(({ request }, ordinal) => (request === null ? [ordinal] : []));
  const answers = await sql<AnswerRow[]>`
    with claims as (
      -- The first of equal requests in this batch. One order for all, so that two batches cannot wait for each other.
      select distinct on (creator, request_id) *
      from ${requestRows(sql, creations)}
      order by creator, request_id, ordinal
    ), answers as (
      insert into requests as known (creator, request_id, digest, task_ids)
      select creator, request_id, digest, task_ids from claims
      -- An update, because "do nothing" does not return a row that was committed after this statement began.
      on conflict (creator, request_id) do update set repeats = known.repeats + 1
      returning creator, request_id, digest, task_ids, repeats
    ), created as (
      select ordinal from claims join answers using (creator, request_id) where repeats = 0
      union all
      select unnest(${free}::integer[])
    ), fresh as materialized (
      select * from ${creationRows(sql, creations)} where ordinal in (select ordinal from created)
    ), ${storeFresh(sql, creations)}
    select creator, request_id, digest, array_to_json(task_ids) as task_ids, repeats from answers
    union all
    select null, pg_notify('muster', ${news}::text)::text, null, null, null where ${news}::text <> ''`;
  return toResults(creations, answers);
}

/**
 * The part of a statement that stores the tasks of a CTE `fresh`, which selects from `creationRows` those that are to be created, with
 * their labels, specs and first transitions.
 */
export function storeFresh(
  sql: Sql,
  creations: readonly TaskCreation[],
): postgres.PendingQuery<postgres.Row[]> {
  const firsts = creations.flatMap(({ tasks }) => tasks.map(({ transition }) => transition));
  return sql`
    stored as (
      insert into tasks (
        id, version, machine_version, state, substate, context, name, type, labels, creator, parent_id, schedule_id, spec_id,
        priority, target_node_id, node_id, attempt, wake_at, queued_at, created_at, updated_at, started_at, finished_at
      )
      select
        id, version, machine_version, state, substate, context, name, type, labels, creator, parent_id, schedule_id, spec_id,
        priority, target_node_id, node_id, attempt, to_timestamp(wake_ms / 1000), to_timestamp(queued_ms / 1000),
        to_timestamp(created_ms / 1000), to_timestamp(updated_ms / 1000), to_timestamp(started_ms / 1000),
        to_timestamp(finished_ms / 1000)
      from fresh
      on conflict (id) do nothing
    ), labelled as (
      insert into task_labels (key, value, task_id)
      select label.key, label.value, fresh.id from fresh, jsonb_each_text(fresh.labels) as label
      union all
      -- What else never changes about a task is found as its labels are.
      select '@creator', creator, id from fresh
      union all
      select '@type', type, id from fresh
      union all
      select '@top', '', id from fresh where parent_id is null
      union all
      select case when parent_id is null then '@name' else '@child' end, lower(name), id from fresh
      on conflict do nothing
    ), named as (
      insert into task_names (name)
      select distinct lower(name) from fresh
      -- Most names are there: not even a lock is taken on them. deleteUnusedNames leaves those that were used within a day.
      where not exists (
        select 1 from task_names as n where n.name = lower(fresh.name) and n.used_at > now() - interval '1 hour'
      )
      -- One order for all, so that two batches cannot wait for each other.
      order by 1
      on conflict (name) do update set used_at = excluded.used_at
    ), specified as (
      insert into specs (id, content)
      select id, coalesce(content, 'null') from ${specRows(sql, creations)}
      where id in (select spec_id from fresh)
      -- One order for all, so that two batches cannot wait for each other.
      order by id
      -- A retry shares a spec. The empty update locks it, so that deleteTask sees this task before it removes the spec.
      on conflict (id) do update set id = excluded.id
    ), recorded as (
      insert into transitions (task_id, version, event, from_path, to_path, at, attempt, supervisor_id)
      select task_id, version, event::json, from_path, to_path, to_timestamp(at_ms / 1000), attempt, supervisor_id
      from ${transitionRows(sql, firsts)}
      where task_id in (select id from fresh)
      on conflict (task_id, version) do nothing
    )`;
}

/** The first creation of a fresh request is the one that created its tasks. */
function toResults(
  creations: readonly TaskCreation[],
  answers: readonly AnswerRow[],
): CreationResult[] {
  const keyOf = (creator: string | null, requestId: string) => JSON.stringify([creator, requestId]);
  const byKey = new Map(answers.map((row) => [keyOf(row.creator, row.request_id), row]));
  const seen = new Set<string>();
  return creations.map(({ request }) => {
    if (request === null) return { kind: 'created' };
    const key = keyOf(request.creator, request.requestId);
    const answer = byKey.get(key);
    if (answer === undefined) throw new MusterError('internal', `The request ${key} has no answer`);
    const isFirst = !seen.has(key);
    seen.add(key);
    if (isFirst && answer.repeats === 0) return { kind: 'created' };
    return { kind: 'repeated', digest: answer.digest, taskIds: answer.task_ids };
  });
}

/**
 * Moves tasks to their next snapshots and writes down the steps and the attempts that ended, in one statement.
 *
 * An update whose task has another version than expected, or is gone, changes nothing; the others pass (I4).
 *
 * @param updates at most one for each task
 * @param news payload for the other supervisors; empty for none
 * @returns the ids of the tasks that passed
 */
export async function updateTasks(
  sql: Sql,
  updates: readonly TaskUpdate[],
  news: string,
): Promise<Set<string>> {
  if (new Set(updates.map(({ taskId }) => taskId)).size !== updates.length) {
    throw new MusterError('internal', 'Cannot commit a batch with two updates of one task');
  }
  // One order for all supervisors, so that two batches with the same tasks do not wait for each other.
  const sorted = updates.toSorted((a, b) => (a.taskId < b.taskId ? -1 : 1));
  const steps = sorted.flatMap(({ transitions }) => transitions);
  const ends = sorted.filter(isEnd).map(({ taskId }) => taskId);
  const rows = await sql<{ id: string | null }[]>`
    with passed as (
      update tasks as t
      set version = next.expected_version + next.steps,
          machine_version = next.machine_version,
          state = next.state,
          substate = next.substate,
          context = next.context::json,
          node_id = next.node_id,
          attempt = next.attempt,
          wake_at = to_timestamp(next.wake_ms / 1000),
          queued_at = to_timestamp(next.queued_ms / 1000),
          updated_at = to_timestamp(next.updated_ms / 1000),
          started_at = to_timestamp(next.started_ms / 1000),
          finished_at = to_timestamp(next.finished_ms / 1000)
      from ${updateRows(sql, sorted)}
      where t.id = next.id and t.version = next.expected_version
      returning t.id, t.type, t.state, t.node_id, t.created_at, t.started_at, t.finished_at
    ), counted as (
      -- For the statistics: each task once, when it leaves its last live state.
      insert into task_ends (created_at, type, state, node_id, waiting_ms, running_ms)
      select created_at, type, state, coalesce(node_id, ''),
             extract(epoch from started_at - created_at) * 1000,
             extract(epoch from finished_at - started_at) * 1000
      from passed
      where id = any(${ends}::uuid[])
    ), recorded as (
      insert into transitions (task_id, version, event, from_path, to_path, at, attempt, supervisor_id)
      select task_id, version, event::json, from_path, to_path, to_timestamp(at_ms / 1000), attempt, supervisor_id
      from ${transitionRows(sql, steps)}
      where task_id in (select id from passed)
    ), ended as (
      insert into attempts (
        task_id, number, node_id, outcome, exit_code, signal, message, dispatched_at, ended_at, accepted_host_at,
        started_host_at, exited_host_at, stdout_bytes, stderr_bytes, dropped_bytes
      )
      select
        "taskId", number, "nodeId", outcome, "exitCode", signal, message, to_timestamp("dispatchedAt" / 1000),
        to_timestamp("endedAt" / 1000), to_timestamp("acceptedHostAt" / 1000), to_timestamp("startedHostAt" / 1000),
        to_timestamp("exitedHostAt" / 1000), "stdoutBytes", "stderrBytes", "droppedBytes"
      from ${attemptRows(sql, updates)}
      where "taskId" in (select id from passed)
    )
    select id, null as told from passed
    union all
    select null, pg_notify('muster', ${news}::text)::text where ${news}::text <> ''`;
  return new Set(rows.flatMap(({ id }) => (id === null ? [] : [id])));
}

/** An upgrade of a final task is none. */
function isEnd({ snapshot, transitions }: TaskUpdate): boolean {
  return isFinalPath(snapshot.path) && !isFinalPath(transitions[0]?.fromPath ?? '');
}

/** Reads tasks by their ids, in no order. Ids that are not there are left out. */
export async function readTasks(sql: Sql, ids: readonly string[]): Promise<TaskRecord[]> {
  const rows = await sql<TaskRow[]>`
    select ${taskRow(sql)} from tasks as t where t.id = any(${ids}::uuid[])`;
  return rows.map(toTaskRecord);
}

/** Reads those of the tasks that have another version than the one known, in no order. Ids that are not there are left out. */
export async function readChangedTasks(
  sql: Sql,
  known: readonly (readonly [id: string, version: number])[],
): Promise<TaskRecord[]> {
  const rows = await sql<TaskRow[]>`
    select ${taskRow(sql)}
    from unnest(${known.map(([id]) => id)}::uuid[], ${known.map(([, version]) => version)}::integer[]) as known (id, version)
    join tasks as t on t.id = known.id and t.version <> known.version`;
  return rows.map(toTaskRecord);
}

/**
 * Lists queued tasks in the order in which they are to be dispatched: by priority, then by age.
 *
 * @param o.nodeIds queues of nodes and of sets; see `queueOf`
 * @param o.perNode how many of those in each of `nodeIds`
 * @param o.any how many of those that any node may take
 */
export async function listQueuedTasks(
  sql: Sql,
  o: { readonly nodeIds: readonly string[]; readonly perNode: number; readonly any: number },
): Promise<TaskRecord[]> {
  const rows = await sql<TaskRow[]>`
    select ${taskRow(sql)}
    from (
      select bound.*
      from unnest(${[...new Set(o.nodeIds)]}::text[]) as node (id)
      cross join lateral (
        select * from tasks
        where substate = 'queued' and target_node_id = node.id
        order by priority desc, queued_at, id
        limit ${o.perNode}
      ) as bound
      union all
      (
        select * from tasks
        where substate = 'queued' and target_node_id is null
        order by priority desc, queued_at, id
        limit ${o.any}
      )
    ) as t
    order by t.priority desc, t.queued_at, t.id`;
  return rows.map(toTaskRecord);
}

/** A task whose time has come. */
export interface DueTask {
  readonly id: string;
  /** It is queued, and does not want to wait for its node, which is away. */
  readonly isOffline: boolean;
  /** Whom it waits for, for people. */
  readonly who: string;
}

/**
 * Lists tasks whose time has come by the database's clock, the longest overdue first. Queued ones are left out while their node is there:
 * they have a time only because their policy is not to wait for one that is away.
 *
 * @param deadAfterMs silence after which a node is away; null when silence means nothing, and only a goodbye counts
 * @returns also when the next one is due that is not in the list, in ms from now: 0 if it is due already, null if there is none
 */
export async function listDueTasks(
  sql: Sql,
  limit: number,
  deadAfterMs: number | null,
): Promise<{ tasks: DueTask[]; nextWakeInMs: number | null }> {
  const rows = await sql<(DueTask & { wake_in_ms: number })[]>`
    select t.id, t.substate = 'queued' as "isOffline", 
           case
             when t.target_node_id is null then 'every node is'
             when t.target_node_id like '#%' then 'each of its nodes is'
             else 'node ' || t.target_node_id || ' is'
           end as who,
           (extract(epoch from t.wake_at - now()) * 1000)::double precision as wake_in_ms
    from tasks as t
    where t.wake_at is not null and (t.substate <> 'queued' or ${isTargetAway(sql, deadAfterMs)})
    order by t.wake_at
    limit ${limit + 1}`;
  const due = rows.slice(0, limit).filter((row) => row.wake_in_ms <= 0);
  const next = rows[due.length];
  return {
    tasks: due.map(({ id, isOffline, who }) => ({ id, isOffline, who })),
    nextWakeInMs: next === undefined ? null : Math.max(0, next.wake_in_ms),
  };
}

/** Tells of a row of `tasks as t` whether no node is there that it may run on. */
function isTargetAway(sql: Sql, deadAfterMs: number | null): postgres.PendingQuery<postgres.Row[]> {
  return sql`
    not exists (
      select 1 from nodes as n
      where (
          n.id = t.target_node_id or t.target_node_id is null
          or t.target_node_id like '#%' and n.id in (
            select unnest(s.node_ids) from node_sets as s where s.id = substr(t.target_node_id, 2)
          )
        )
        and n.left_at is null
        and (
          ${deadAfterMs}::double precision is null
          or n.seen_at > now() - make_interval(secs => ${deadAfterMs}::double precision / 1000)
        )
    )`;
}

/** Lists the tasks in running.* whose attempts are assigned to these nodes. */
export async function listRunningTasks(
  sql: Sql,
  nodeIds: readonly string[],
): Promise<TaskRecord[]> {
  const rows = await sql<TaskRow[]>`
    select ${taskRow(sql)} from tasks as t where t.state = 'running' and t.node_id = any(${nodeIds}::text[])`;
  return rows.map(toTaskRecord);
}

/** Lists running tasks, not yet unreachable, whose node has been silent for `deadAfterMs`, with the epoch of their session. */
export async function listStrandedTasks(
  sql: Sql,
  deadAfterMs: number,
  limit: number,
): Promise<{ taskId: string; nodeId: string; epoch: number }[]> {
  return await sql<{ taskId: string; nodeId: string; epoch: number }[]>`
    select t.id as "taskId", n.id as "nodeId", (t.context -> 'current' ->> 'epoch')::integer as epoch
    from nodes as n
    join tasks as t on t.node_id = n.id and t.state = 'running' and t.substate <> 'unreachable'
    where n.seen_at < now() - make_interval(secs => ${deadAfterMs}::double precision / 1000)
    limit ${limit}`;
}

/** Deletes a final task with everything that belongs to it alone. The answer to the request that created it is kept. */
export async function deleteTask(
  sql: Sql,
  id: string,
): Promise<'deleted' | 'not_final' | 'unknown'> {
  const [row] = await sql<[{ outcome: 'deleted' | 'not_final' | 'unknown' }]>`
    select delete_task(${id}) as outcome`;
  return row.outcome;
}
