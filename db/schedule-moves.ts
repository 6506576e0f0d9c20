/**
 * The statements that move schedules on, many in one. Called by the supervisor's store.
 *
 * Every move carries the version that it expects. A fire is part of one: the schedule moves on, the due time is written down and the
 * task is created, or none of it (I10).
 */
import type { Sql } from './connect.ts';
import type { TaskCreation } from './records.ts';
import type { FireRecord, ScheduleRecord, ScheduleTransition } from './schedules.ts';
import { creationRows } from './task-batch.ts';
import { storeFresh } from './tasks.ts';

/** One step of a schedule, and what it brings about. */
export interface ScheduleUpdate {
  readonly record: ScheduleRecord;
  readonly transition: ScheduleTransition;
  readonly fire: FireRecord | null;
  /** The task that the fire makes. */
  readonly creation: TaskCreation | null;
  /** Its spec and its draft are to be written as well. Default: they stay. */
  readonly isRevised?: boolean;
}

/** A schedule that can fire when a task is over. */
export interface ScheduleWait {
  readonly id: string;
  readonly version: number;
  readonly taskId: string;
}

/**
 * Moves schedules by one version each, writes down their fires and creates their tasks. Nothing is changed of one that has another
 * version than the one before; of two moves of one schedule at most one passes.
 *
 * @param news payload for the other supervisors; empty for none
 * @returns for each move whether it passed
 */
export async function moveSchedules(
  sql: Sql,
  updates: readonly ScheduleUpdate[],
  news: string,
): Promise<boolean[]> {
  const none: TaskCreation = { request: null, tasks: [] };
  const creations = updates.map(({ creation }) => creation ?? none);
  const rows = await sql<{ ordinal: number | null }[]>`
    with next as materialized (
      select * from ${moveRows(sql, updates)}
    ), locked as materialized (
      -- One order for all supervisors, so that two batches with the same schedules cannot wait for each other.
      select s.id from schedules as s
      where s.id in (select id from next)
      order by s.id
      for update
    ), claimed as (
      update schedules as s
      set version = next.version, machine_version = next.machine_version, state = next.state, context = next.context,
          spec = coalesce(next.spec, s.spec), draft = coalesce(next.draft, s.draft),
          wake_at = to_timestamp(next.wake_ms / 1000), waits_for = null, updated_at = to_timestamp(next.updated_ms / 1000)
      from next, locked
      where s.id = locked.id and s.id = next.id and s.version = next.version - 1
      returning next.ordinal
    ), moved as (
      insert into schedule_transitions (schedule_id, version, event, from_path, to_path, at, supervisor_id)
      select id, version, event, from_path, to_path, to_timestamp(at_ms / 1000), supervisor_id
      from next where ordinal in (select ordinal from claimed)
    ), fired as (
      insert into schedule_fires (schedule_id, due_at, is_manual, task_id, why, at)
      select id, to_timestamp(due_ms / 1000), is_manual, task_id, why, to_timestamp(fired_ms / 1000)
      from next where due_ms is not null and ordinal in (select ordinal from claimed)
    ), fresh as materialized (
      select * from ${creationRows(sql, creations)} where ordinal in (select ordinal from claimed)
    ), ${storeFresh(sql, creations)}
    select ordinal, null as told from claimed
    union all
    select null, pg_notify('muster', ${news}::text)::text where ${news}::text <> '' and exists (select 1 from claimed)`;
  const passed = new Set(rows.map(({ ordinal }) => ordinal));
  return updates.map((_, ordinal) => passed.has(ordinal));
}

function moveRows(sql: Sql, updates: readonly ScheduleUpdate[]) {
  const moves = updates.map(({ record, transition, fire, isRevised = false }, ordinal) => ({
    ordinal,
    id: record.id,
    version: record.version,
    machine_version: record.machineVersion,
    state: record.snapshot.path,
    context: record.snapshot.context,
    spec: isRevised ? record.spec : null,
    draft: isRevised ? record.draft : null,
    wake_ms: record.wakeAt,
    updated_ms: record.updatedAt,
    event: transition.event,
    from_path: transition.fromPath,
    to_path: transition.toPath,
    at_ms: transition.at,
    supervisor_id: transition.supervisorId,
    due_ms: fire?.dueAt ?? null,
    is_manual: fire?.isManual ?? false,
    task_id: fire?.taskId ?? null,
    why: fire?.why ?? '',
    fired_ms: fire?.at ?? null,
  }));
  return sql`
    json_to_recordset(${JSON.stringify(moves)}::text::json) as move (
      ordinal integer, id uuid, version integer, machine_version integer, state text, context json, spec json, draft json,
      wake_ms double precision, updated_ms double precision, event json, from_path text, to_path text, at_ms double precision,
      supervisor_id text, due_ms double precision, is_manual boolean, task_id uuid, why text, fired_ms double precision
    )`;
}

/** Puts schedules aside until a task each is over; one that has another version by now is left as it is. */
export async function putSchedulesAside(sql: Sql, waits: readonly ScheduleWait[]): Promise<void> {
  await sql`
    update schedules as s
    set waits_for = wait.task_id, wake_at = null
    from unnest(
      ${waits.map(({ id }) => id)}::uuid[],
      ${waits.map(({ version }) => version)}::integer[],
      ${waits.map(({ taskId }) => taskId)}::uuid[]
    ) as wait (id, version, task_id)
    where s.id = wait.id and s.version = wait.version`;
}

/** Lists schedules that were put aside and whose tasks are over, or gone. */
export async function listReleasedSchedules(sql: Sql, limit: number): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select s.id
    from schedules as s left join tasks as t on t.id = s.waits_for
    where s.waits_for is not null and s.wake_at is null
      and (t.id is null or t.state not in ('pending', 'running'))
    limit ${limit}`;
  return rows.map(({ id }) => id);
}
