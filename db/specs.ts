/**
 * The statements about specs: what tasks do, as opaque JSON. Written by insertTasks, removed by deleteTask.
 */
import type { Sql } from './connect.ts';

/** Reads specs by their ids. Ids that are not there are left out. */
export async function readSpecs(
  sql: Sql,
  specIds: readonly string[],
): Promise<Map<string, unknown>> {
  const rows = await sql<{ id: string; content: unknown }[]>`
    select id, content from specs where id = any(${specIds}::uuid[])`;
  return new Map(rows.map((row) => [row.id, row.content]));
}
