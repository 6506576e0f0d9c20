/**
 * Brings the schema of a database up to date, file by file. Called once by each supervisor when it starts.
 *
 * The files in migrations/ are the schema; an applied one is never changed, a change is the next file. Several supervisors may
 * start at once: each file is applied under a lock, in one transaction with the note that it was. A database that a newer program
 * has migrated is refused, because this one does not know what its tables mean.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { MusterError } from '../machines/errors.ts';
import type { Sql } from './connect.ts';

/** One file of the schema. */
export interface Migration {
  /** From 1, without gaps. */
  readonly version: number;
  /** The name of the file. */
  readonly name: string;
  readonly text: string;
  /** SHA-256 of the text, in hex. */
  readonly checksum: string;
}

/** All migrations of this program, in order. */
export const MIGRATIONS: readonly Migration[] = readMigrations();

/**
 * Whoever comes second waits here and then sees what the first one did. Given back with the transaction. The key is any number
 * that no other program on the same database uses: "muster" in ASCII.
 */
const TAKE_LOCK = `select pg_advisory_xact_lock(${0x6d7573746572})`;

/** The code of our own error: another process has applied the migration. */
const OVERTAKEN = 'MU001';

interface AppliedRow {
  version: number;
  name: string;
  checksum: string;
}

/**
 * Applies the migrations that the database does not have yet. Safe to call from several processes at once.
 *
 * @returns the version before and after; 0 is an empty database
 * @throws MusterError `snapshot_too_new` if a newer program has migrated the database, `internal` if an applied file was changed
 */
export async function migrate(
  sql: Sql,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<{ from: number; to: number }> {
  await sql.unsafe(`
    ${TAKE_LOCK};
    create table if not exists migrations (
      version integer constraint migrations_pkey primary key,
      name text not null,
      checksum text not null,
      applied_at timestamptz not null default now()
    );`);
  let from: number | null = null;
  for (;;) {
    const { before, after } = await applyNext(sql, migrations);
    from ??= before;
    if (before === after) return { from, to: after };
  }
}

/** Applies the first migration that is missing, unless another process is faster. */
async function applyNext(
  sql: Sql,
  migrations: readonly Migration[],
): Promise<{ before: number; after: number }> {
  const applied = await sql<AppliedRow[]>`
    select version, name, checksum from migrations order by version`;
  const before = applied.at(-1)?.version ?? 0;
  checkApplied(applied, migrations);
  const next = migrations.find(({ version }) => version === before + 1);
  if (next === undefined) return { before, after: before };
  // Several commands in one message are one transaction.
  await sql
    .unsafe(`
    ${TAKE_LOCK};
    do $$ begin
      if (select coalesce(max(version), 0) from migrations) <> ${before} then
        raise exception 'overtaken' using errcode = '${OVERTAKEN}';
      end if;
    end $$;
    ${next.text};
    insert into migrations (version, name, checksum)
    values (${next.version}, ${quote(next.name)}, ${quote(next.checksum)});`)
    .catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== OVERTAKEN) throw error;
    });
  return { before, after: next.version };
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function checkApplied(applied: readonly AppliedRow[], migrations: readonly Migration[]): void {
  const newest = migrations.at(-1)?.version ?? 0;
  const found = applied.at(-1)?.version ?? 0;
  if (found > newest) {
    throw new MusterError(
      'snapshot_too_new',
      `Cannot use this database: its schema has version ${found}, and this program knows up to ${newest}; ` +
        'use the newer Muster that migrated it, or another database',
    );
  }
  for (const row of applied) {
    const migration = migrations.find(({ version }) => version === row.version);
    if (migration !== undefined && migration.checksum !== row.checksum) {
      throw new MusterError(
        'internal',
        `Cannot migrate the database: ${row.name} was changed after it had been applied; ` +
          'restore the file, and put the change into a new one',
      );
    }
  }
}

function readMigrations(): Migration[] {
  const folder = new URL('./migrations/', import.meta.url);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name, index) => {
      if (!/^\d{4}_[a-z0-9_]+\.sql$/.test(name) || Number(name.slice(0, 4)) !== index + 1) {
        throw new MusterError('internal', `Migration ${name} has no number or the wrong one`);
      }
      // A checkout on another system may have other line ends; they mean the same.
      const text = readFileSync(new URL(name, folder), 'utf8').replaceAll('\r\n', '\n');
      const checksum = createHash('sha256').update(text).digest('hex');
      return { version: index + 1, name, text, checksum };
    });
}
