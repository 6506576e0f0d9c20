/**
 * The statements that keep the histories of schedules short: what is old goes, and a snapshot stands for it.
 *
 * Called by the supervisor's retention. The last of each schedule stay, however old they are.
 */
import type { ScheduleContext } from '../machines/schedule-context.ts';
import type { ScheduleSnapshot } from '../machines/schedule-decide.ts';
import type { Sql } from './connect.ts';

/** How many steps and fires of each schedule stay, whatever their age. */
export const KEPT_OF_EACH = 100;

/** The snapshot that the history of a schedule begins with. */
export interface ScheduleBase {
  /** Of the last step that has gone. */
  readonly version: number;
  readonly machineVersion: number;
  readonly snapshot: ScheduleSnapshot;
}

/** Lists schedules, after one, whose oldest step is older than `keepMs` and not among the last. */
export async function listPrunableSchedules(
  sql: Sql,
  keepMs: number,
  limit: number,
  after: string | null,
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select s.id
    from schedules as s
    cross join lateral (
      select version, at from schedule_transitions where schedule_id = s.id order by version limit 1
    ) as oldest
    where s.id > ${after ?? '00000000-0000-0000-0000-000000000000'}
      and oldest.version <= s.version - ${KEPT_OF_EACH}
      and oldest.at < ${longAgo(sql, keepMs)}
    order by s.id
    limit ${limit}`;
  return rows.map(({ id }) => id);
}

/** Returns the last version that may go, 0 for none, among the `limit` oldest steps. */
export async function readPrunableVersion(
  sql: Sql,
  id: string,
  keepMs: number,
  limit: number,
): Promise<number> {
  const [row] = await sql<[{ version: number }]>`
    select coalesce(max(version), 0) as version
    from (
      select version, at from schedule_transitions where schedule_id = ${id} order by version limit ${limit}
    ) as oldest
    where at < ${longAgo(sql, keepMs)}
      and version <= (select version from schedules where id = ${id}) - ${KEPT_OF_EACH}`;
  return row.version;
}

/** Reads what the history of a schedule begins with; null if it begins with its creation. */
export async function readScheduleBase(sql: Sql, id: string): Promise<ScheduleBase | null> {
  const [row] = await sql<
    { version: number; machine_version: number; state: string; context: ScheduleContext }[]
  >`select version, machine_version, state, context from schedule_bases where schedule_id = ${id}`;
  if (row === undefined) return null;
  const snapshot = { path: row.state, context: row.context };
  return { version: row.version, machineVersion: row.machine_version, snapshot };
}

/**
 * Puts a snapshot in the place of all steps up to its version. Returns how many went: none if the schedule is gone, or begins
 * later already.
 */
export async function pruneScheduleHistory(
  sql: Sql,
  id: string,
  { version, machineVersion, snapshot }: ScheduleBase,
): Promise<number> {
  const [row] = await sql<[{ n: number }]>`
    with known as materialized (
      -- Deleting the schedule waits for this, or the other way round.
      select id from schedules where id = ${id} for key share
    ), based as (
      insert into schedule_bases as base (schedule_id, version, machine_version, state, context)
      select id, ${version}, ${machineVersion}, ${snapshot.path}, ${JSON.stringify(snapshot.context)}::text::json
      from known
      on conflict (schedule_id) do update
      set version = excluded.version, machine_version = excluded.machine_version, state = excluded.state,
          context = excluded.context
      where base.version < excluded.version
      returning schedule_id
    ), gone as (
      delete from schedule_transitions
      where schedule_id in (select schedule_id from based) and version <= ${version}
      returning 1
    )
    select count(*) as n from gone`;
  return row.n;
}

/** Deletes fires whose due times are more than `keepMs` ago, but for the last of each schedule. Returns how many. */
export async function deleteOldFires(sql: Sql, keepMs: number, limit: number): Promise<number> {
  const { count } = await sql`
    with old as materialized (
      select fire.schedule_id, fire.due_at
      from schedules as s
      cross join lateral (
        select due_at from schedule_fires where schedule_id = s.id order by due_at desc offset ${KEPT_OF_EACH - 1} limit 1
      ) as kept
      cross join lateral (
        select schedule_id, due_at from schedule_fires
        where schedule_id = s.id and due_at < least(kept.due_at, ${longAgo(sql, keepMs)})
        order by due_at
        limit ${limit}
      ) as fire
      limit ${limit}
    )
    delete from schedule_fires as f using old where f.schedule_id = old.schedule_id and f.due_at = old.due_at`;
  return count;
}

function longAgo(sql: Sql, keepMs: number) {
  return sql`now() - make_interval(secs => ${keepMs}::double precision / 1000)`;
}
