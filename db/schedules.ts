/**
 * The statements about schedules, but for those that move them on (schedule-moves.ts). Called by the supervisor only.
 */
import type {
  ScheduleContext,
  ScheduleEvent,
  ScheduleInput,
} from '../machines/schedule-context.ts';
import type { ScheduleSnapshot } from '../machines/schedule-decide.ts';
import type { Sql } from './connect.ts';

/** A schedule as stored. `spec` and `draft` are opaque JSON here. Times are ms since 1970 by the database's clock. */
export interface ScheduleRecord {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly machineVersion: number;
  readonly snapshot: ScheduleSnapshot;
  readonly spec: unknown;
  readonly draft: unknown;
  readonly creator: string;
  /** When it is to be looked at; null for never, and while it waits for a task to end. */
  readonly wakeAt: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The first event of every schedule. */
export interface ScheduleCreated {
  readonly type: 'schedule.created';
  readonly at: number;
  readonly input: ScheduleInput;
}

export interface ScheduleTransition {
  readonly version: number;
  readonly event: ScheduleEvent | ScheduleCreated;
  /** Empty for the first. */
  readonly fromPath: string;
  readonly toPath: string;
  readonly at: number;
  readonly supervisorId: string;
}

/** What became of one due time. */
export interface FireRecord {
  readonly dueAt: number;
  readonly isManual: boolean;
  readonly taskId: string | null;
  readonly why: string;
  readonly at: number;
}

interface ScheduleRow {
  id: string;
  name: string;
  version: number;
  machine_version: number;
  state: string;
  context: ScheduleContext;
  spec: unknown;
  draft: unknown;
  creator: string;
  wake_ms: number | null;
  created_ms: number;
  updated_ms: number;
}

/** Creates a schedule with its first transition. Returns false if its name is taken. */
export async function insertSchedule(
  sql: Sql,
  record: ScheduleRecord,
  created: ScheduleTransition,
): Promise<boolean> {
  const rows = await sql`
    with stored as (
      insert into schedules (
        id, name, version, machine_version, state, context, spec, draft, creator, wake_at, created_at, updated_at
      )
      values (
        ${record.id}, ${record.name}, ${record.version}, ${record.machineVersion}, ${record.snapshot.path},
        ${JSON.stringify(record.snapshot.context)}::text::json, ${JSON.stringify(record.spec)}::text::json,
        ${JSON.stringify(record.draft)}::text::json, ${record.creator}, ${at(sql, record.wakeAt)},
        ${at(sql, record.createdAt)}, ${at(sql, record.updatedAt)}
      )
      on conflict (name) do nothing
      returning id
    ), begun as (
      ${insertTransition(sql, record.id, created)} from stored
    )
    select id from stored`;
  return rows.length === 1;
}

/** Reads schedules by their ids, in no order. Ids that are not there are left out. */
export async function readSchedules(sql: Sql, ids: readonly string[]): Promise<ScheduleRecord[]> {
  const rows = await sql<ScheduleRow[]>`
    select ${columns(sql)} from schedules as s where s.id = any(${[...ids]}::uuid[])`;
  return rows.map(toRecord);
}

export async function readScheduleByName(sql: Sql, name: string): Promise<ScheduleRecord | null> {
  const [row] = await sql<ScheduleRow[]>`
    select ${columns(sql)} from schedules as s where s.name = ${name}`;
  return row === undefined ? null : toRecord(row);
}

/** Lists schedules by name, after one. */
export async function listSchedules(
  sql: Sql,
  limit: number,
  after: string | null,
): Promise<ScheduleRecord[]> {
  const rows = await sql<ScheduleRow[]>`
    select ${columns(sql)} from schedules as s where s.name > ${after ?? ''} order by s.name limit ${limit}`;
  return rows.map(toRecord);
}

/** Lists schedules whose time has come by the database's clock, and says when the next one is due, in ms from now. */
export async function listDueSchedules(
  sql: Sql,
  limit: number,
): Promise<{ ids: string[]; nextInMs: number | null }> {
  const rows = await sql<{ id: string; in_ms: number }[]>`
    select id, (extract(epoch from wake_at - now()) * 1000)::double precision as in_ms
    from schedules
    where wake_at is not null
    order by wake_at
    limit ${limit + 1}`;
  const due = rows.slice(0, limit).filter((row) => row.in_ms <= 0);
  const next = rows[due.length];
  return {
    ids: due.map(({ id }) => id),
    nextInMs: next === undefined ? null : Math.max(0, next.in_ms),
  };
}

/** Deletes a schedule with its history. The tasks it has made stay. */
export async function deleteSchedule(sql: Sql, id: string): Promise<boolean> {
  const rows = await sql`
    with gone as (delete from schedules where id = ${id} returning id),
         history as (delete from schedule_transitions where schedule_id in (select id from gone)),
         base as (delete from schedule_bases where schedule_id in (select id from gone)),
         fires as (delete from schedule_fires where schedule_id in (select id from gone))
    select id from gone`;
  return rows.length === 1;
}

/** Lists what became of due times, the latest first, before one. */
export async function listFires(
  sql: Sql,
  scheduleId: string,
  limit: number,
  beforeDueAt: number | null,
): Promise<FireRecord[]> {
  const rows = await sql<
    { due_ms: number; is_manual: boolean; task_id: string | null; why: string; at_ms: number }[]
  >`
    select (extract(epoch from due_at) * 1000)::double precision as due_ms, is_manual, task_id, why,
           (extract(epoch from at) * 1000)::double precision as at_ms
    from schedule_fires
    where schedule_id = ${scheduleId} and (${beforeDueAt === null} or due_at < ${at(sql, beforeDueAt)})
    order by due_at desc
    limit ${limit}`;
  return rows.map((row) => ({
    dueAt: row.due_ms,
    isManual: row.is_manual,
    taskId: row.task_id,
    why: row.why,
    at: row.at_ms,
  }));
}

/** Lists the steps of a schedule after a version, in order. */
export async function listScheduleTransitions(
  sql: Sql,
  scheduleId: string,
  afterVersion: number,
  limit: number,
): Promise<ScheduleTransition[]> {
  const rows = await sql<
    {
      version: number;
      event: ScheduleTransition['event'];
      from_path: string;
      to_path: string;
      at_ms: number;
      supervisor_id: string;
    }[]
  >`
    select version, event, from_path, to_path, supervisor_id,
           (extract(epoch from at) * 1000)::double precision as at_ms
    from schedule_transitions
    where schedule_id = ${scheduleId} and version > ${afterVersion}
    order by version
    limit ${limit}`;
  return rows.map((row) => ({
    version: row.version,
    event: row.event,
    fromPath: row.from_path,
    toPath: row.to_path,
    at: row.at_ms,
    supervisorId: row.supervisor_id,
  }));
}

function insertTransition(sql: Sql, scheduleId: string, step: ScheduleTransition) {
  return sql`
    insert into schedule_transitions (schedule_id, version, event, from_path, to_path, at, supervisor_id)
    select ${scheduleId}::uuid, ${step.version}::integer, ${JSON.stringify(step.event)}::text::json, ${step.fromPath},
           ${step.toPath}, ${at(sql, step.at)}, ${step.supervisorId}`;
}

function at(sql: Sql, ms: number | null) {
  return sql`to_timestamp(${ms}::double precision / 1000)`;
}

function columns(sql: Sql) {
  return sql`
    s.id, s.name, s.version, s.machine_version, s.state, s.context, s.spec, s.draft, s.creator,
    (extract(epoch from s.wake_at) * 1000)::double precision as wake_ms,
    (extract(epoch from s.created_at) * 1000)::double precision as created_ms,
    (extract(epoch from s.updated_at) * 1000)::double precision as updated_ms`;
}

function toRecord(row: ScheduleRow): ScheduleRecord {
  return {
    id: row.id,
    name: row.name,
    version: row.version,
    machineVersion: row.machine_version,
    snapshot: { path: row.state, context: row.context },
    spec: row.spec,
    draft: row.draft,
    creator: row.creator,
    wakeAt: row.wake_ms,
    createdAt: row.created_ms,
    updatedAt: row.updated_ms,
  };
}
