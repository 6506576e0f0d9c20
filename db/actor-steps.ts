/**
 * The statements that read the committed steps of all schedules and nodes together. Called by the supervisor's followers.
 *
 * What is new is found by versions, not by times: a step and the version of its actor become visible at once, and versions have no
 * gaps (I4), so that nothing is lost however late a commit is. Both tables of actors are small and read whole.
 */
import type { Sql } from './connect.ts';
import type { NodeTransition } from './node-actors.ts';
import type { ScheduleTransition } from './schedules.ts';

type ActorKind = 'schedule' | 'node';

/** Which actor, and how far it is. */
export interface ActorVersion {
  readonly kind: ActorKind;
  /** Another one for a node that was deleted and has come again. */
  readonly key: string;
  readonly id: string;
  readonly version: number;
}

export interface ActorStep {
  readonly kind: ActorKind;
  readonly key: string;
  readonly id: string;
  /** Of a schedule its name, of a node its id. */
  readonly name: string;
  readonly transition: ScheduleTransition | NodeTransition;
}

interface StepRow {
  kind: ActorKind;
  key: string;
  id: string;
  name: string;
  version: number;
  event: ScheduleTransition['event'] | NodeTransition['event'];
  from_path: string;
  to_path: string;
  at_ms: number;
  supervisor_id: string;
}

/** Lists every schedule and every node that has been drained once, with the version it has now. */
export async function listActorVersions(sql: Sql): Promise<ActorVersion[]> {
  return await sql<ActorVersion[]>`
    select 'schedule' as kind, s.id::text as key, s.id::text as id, s.version from schedules as s
    union all
    select 'node', ${nodeKey(sql)}, n.id, a.version from node_actors as a join nodes as n on n.id = a.node_id`;
}

/** Lists steps of actors after the versions given, the earliest first; those of each actor in order and without gap. */
export async function listActorSteps(
  sql: Sql,
  after: readonly ActorVersion[],
  limit: number,
): Promise<ActorStep[]> {
  const schedules = after.filter(({ kind }) => kind === 'schedule');
  const nodes = after.filter(({ kind }) => kind === 'node');
  const rows = await sql<StepRow[]>`
    select * from (
      (
        select 'schedule' as kind, s.id::text as key, s.id::text as id, s.name, ${columns(sql)}
        from unnest(
          ${schedules.map(({ id }) => id)}::uuid[],
          ${schedules.map(({ version }) => version)}::integer[]
        ) as after (id, version)
        join schedules as s on s.id = after.id
        cross join lateral (
          select * from schedule_transitions
          where schedule_id = s.id and version > after.version
          order by version
          limit ${limit}
        ) as t
      ) union all (
        select 'node', ${nodeKey(sql)}, n.id, n.id, ${columns(sql)}
        from unnest(
          ${nodes.map(({ id }) => id)}::text[],
          ${nodes.map(({ key }) => key)}::text[],
          ${nodes.map(({ version }) => version)}::integer[]
        ) as after (id, key, version)
        join nodes as n on n.id = after.id and ${nodeKey(sql)} = after.key
        cross join lateral (
          select * from node_transitions
          where node_id = n.id and version > after.version
          order by version
          limit ${limit}
        ) as t
      )
    ) as step
    order by at_ms, key, version
    limit ${limit}`;
  return rows.map(toStep);
}

/**
 * Lists the newest steps of all schedules and the newest of all nodes, the earliest of them first.
 *
 * @param limit of each kind, so that a schedule that fires each second hides no drain
 */
export async function listNewestActorSteps(sql: Sql, limit: number): Promise<ActorStep[]> {
  // The newest steps are steps of the actors that changed last.
  const rows = await sql<StepRow[]>`
    select * from (
      (
        select 'schedule' as kind, s.id::text as key, s.id::text as id, s.name, ${columns(sql)}
        from (select id, name from schedules order by updated_at desc limit ${limit}) as s
        cross join lateral (
          select * from schedule_transitions where schedule_id = s.id order by version desc limit ${limit}
        ) as t
        order by t.at desc, t.version desc
        limit ${limit}
      ) union all (
        select 'node', ${nodeKey(sql)}, n.id, n.id, ${columns(sql)}
        from (select node_id from node_actors order by updated_at desc limit ${limit}) as a
        join nodes as n on n.id = a.node_id
        cross join lateral (
          select * from node_transitions where node_id = n.id order by version desc limit ${limit}
        ) as t
        order by t.at desc, t.version desc
        limit ${limit}
      )
    ) as step
    order by at_ms, key, version`;
  return rows.map(toStep);
}

function nodeKey(sql: Sql) {
  return sql`n.id || '@' || (extract(epoch from n.created_at) * 1000)::bigint`;
}

function columns(sql: Sql) {
  return sql`
    t.version, t.event, t.from_path, t.to_path, (extract(epoch from t.at) * 1000)::double precision as at_ms, t.supervisor_id`;
}

function toStep({ kind, key, id, name, ...row }: StepRow): ActorStep {
  const { version, event, from_path: fromPath, to_path: toPath, at_ms: at } = row;
  const common = { version, fromPath, toPath, at, supervisorId: row.supervisor_id };
  const transition = { ...common, event } as ScheduleTransition | NodeTransition;
  return { kind, key, id, name, transition };
}
