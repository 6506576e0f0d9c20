/**
 * A durable PostgreSQL for one benchmark, with the same settings as that of `muster up`, in a folder that goes with it.
 */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectDatabase } from '../db/connect.ts';
import type { Database } from '../db/connect.ts';
import { migrate } from '../db/migrate.ts';
import { startPostgresServer } from '../db/server/server.ts';

/** A running server with Muster's schema. */
export interface BenchDatabase {
  readonly url: string;
  /** For example `18.4`. */
  readonly version: string;
  /** Of the postmaster. */
  readonly pid: number;
  readonly database: Database;
  /** Stops the server and removes its folders. */
  stop(): Promise<void>;
}

/** Starts a server with fsync, migrated and empty. */
export async function startDatabase(): Promise<BenchDatabase> {
  // Not mkdtemp: its mode 0700 would shut out the user as whom PostgreSQL runs when this runs as root.
  const folder = join(tmpdir(), `muster-bench-${randomBytes(6).toString('hex')}`);
  const server = await startPostgresServer({ folder });
  const stopServer = async () => {
    await server.stop('immediate');
    await rm(server.home, { recursive: true, force: true });
    await rm(server.folder, { recursive: true, force: true });
  };
  try {
    const database = await connectDatabase({ url: server.url, applicationName: 'muster bench' });
    await migrate(database.sql);
    return {
      url: server.url,
      version: server.version,
      pid: server.pid,
      database,
      async stop() {
        await database.close();
        await stopServer();
      },
    };
  } catch (error) {
    await stopServer();
    throw error;
  }
}

/** Bytes of write-ahead log so far. */
export async function readWalBytes({ sql }: Database): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`
    select (pg_current_wal_insert_lsn() - '0/0')::double precision as bytes`;
  return row?.bytes ?? 0;
}
