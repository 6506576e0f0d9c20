/**
 * The statements about partitions by day, which transitions and output are kept in. Called by the retention service.
 *
 * Days are made ahead. A day goes as a whole once all that belongs to it is old enough; what holds it up stays, and the rest of
 * that day goes task by task (expiry.ts, retention.ts).
 */
import type { Sql } from './connect.ts';

/** The tables that are kept by day. */
export type DailyTable = 'transitions' | 'output_pieces';

/** Makes the partitions of today and of the next `daysAhead` days. Returns how many were missing. */
export async function makeDays(sql: Sql, table: DailyTable, daysAhead: number): Promise<number> {
  const [row] = await sql<[{ n: number }]>`select make_days(${table}, ${daysAhead}) as n`;
  return row.n;
}

/**
 * Drops the days whose tasks have all been final for more than `keepMs`, with no parent that is not. A day that somebody reads just
 * now is left for the next time. Returns how many were dropped.
 */
export async function expireDays(sql: Sql, table: DailyTable, keepMs: number): Promise<number> {
  const [row] = await sql<[{ n: number }]>`select expire_days(${table}, ${keepMs}) as n`;
  return row.n;
}
