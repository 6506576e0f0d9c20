/**
 * The statements about definitions of machines: each that ever ran is kept, once.
 *
 * A supervisor stores those that it runs when it starts. None is ever changed or deleted.
 */
import type { Sql } from './connect.ts';

/** A definition of a machine, as it is stored and shown. */
export interface MachineDefinition {
  /** The name of the machine: the id in the definition. */
  readonly machine: string;
  /** As the definition says; empty for a machine without versions. */
  readonly version: string;
  /** SHA-256 of the JSON, in hex. */
  readonly hash: string;
  /** The definition of XState, as JSON. */
  readonly json: string;
}

/** A definition that has run, and since when. */
export interface MachineVersion extends Omit<MachineDefinition, 'json'> {
  /** When a supervisor first ran it, in ms since 1970. */
  readonly firstSeenAt: number;
}

interface VersionRow {
  machine: string;
  version: string;
  hash: string;
  first_seen_ms: number;
}

/** Keeps the definitions that are not kept yet. Returns how many were new. */
export async function storeMachineVersions(
  sql: Sql,
  definitions: readonly MachineDefinition[],
): Promise<number> {
  const { count } = await sql`
    insert into machine_versions (machine, version, hash, definition)
    select machine, version, hash, definition::json
    from unnest(
      ${definitions.map(({ machine }) => machine)}::text[],
      ${definitions.map(({ version }) => version)}::text[],
      ${definitions.map(({ hash }) => hash)}::text[],
      ${definitions.map(({ json }) => json)}::text[]
    ) as running (machine, version, hash, definition)
    -- In one order, so that supervisors that start at once cannot lock each other out.
    order by machine, hash
    on conflict (machine, hash) do nothing`;
  return count;
}

/** Lists the definitions of a machine, or of all (null): by name, the one that was seen last first. */
export async function listMachineVersions(
  sql: Sql,
  machine: string | null,
): Promise<MachineVersion[]> {
  const rows = await sql<VersionRow[]>`
    select machine, version, hash, (extract(epoch from first_seen_at) * 1000)::double precision as first_seen_ms
    from machine_versions
    where ${machine}::text is null or machine = ${machine}
    order by machine, first_seen_at desc, hash`;
  return rows.map(({ first_seen_ms: firstSeenAt, ...version }) => ({ ...version, firstSeenAt }));
}

/** Reads the JSON of a definition, or null if there is none of this hash. */
export async function readMachineDefinition(
  sql: Sql,
  machine: string,
  hash: string,
): Promise<string | null> {
  const [row] = await sql<[{ definition: string }?]>`
    select definition::text from machine_versions where machine = ${machine} and hash = ${hash}`;
  return row?.definition ?? null;
}
