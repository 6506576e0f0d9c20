/**
 * The database's clock, the one that decides. Read by each supervisor to correct its own.
 */
import type { Sql } from './connect.ts';

/** Reads the time of the database server, ms since 1970, with fractions. */
export async function readDatabaseTime(sql: Sql): Promise<number> {
  const [row] = await sql<[{ now_ms: number }]>`
    select (extract(epoch from clock_timestamp()) * 1000)::double precision as now_ms`;
  return row.now_ms;
}
