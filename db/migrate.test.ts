// The schema arrives once, whole and unchanged, however many supervisors start at once.

import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { connectDatabase } from './connect.ts';
import type { Database } from './connect.ts';
import { MIGRATIONS, migrate } from './migrate.ts';
import type { Migration } from './migrate.ts';
import { dumpSchema } from './schema-dump.ts';

let test: TestDatabase;
let databases: Database[];

beforeEach(async () => {
  test = await createTestDatabase({ template: 'empty' });
  databases = [];
});

afterEach(async () => {
  await Promise.all(databases.map((database) => database.close()));
  await test.drop();
});

async function connect(): Promise<Database['sql']> {
  const database = await connectDatabase({ url: test.url, maxConnections: 2 });
  databases.push(database);
  return database.sql;
}

const newest = MIGRATIONS.length;

const following = (text: string, checksum = 'x'): Migration[] => [
  ...MIGRATIONS,
  { version: newest + 1, name: `000${newest + 1}_next.sql`, text, checksum },
];

describe('migrate', () => {
  it('makes the schema of db/schema.sql, the same on every version of Postgres', async () => {
    const sql = await connect();
    expect(await migrate(sql)).toEqual({ from: 0, to: newest });
    expect(await migrate(sql)).toEqual({ from: newest, to: newest });
    const file = readFileSync(new URL('./schema.sql', import.meta.url), 'utf8');
    expect(await dumpSchema(sql)).toBe(file);
  });

  it('applies each file once when many supervisors start at once', async () => {
    const next = following('create table next (a integer); insert into next values (1)');
    const connections = await Promise.all(Array.from({ length: 8 }, connect));
    const results = await Promise.all(connections.map((sql) => migrate(sql, next)));
    expect(results.every(({ to }) => to === newest + 1)).toBe(true);
    expect(results.filter(({ from }) => from === 0).length).toBeGreaterThan(0);
    const sql = await connect();
    expect(await sql`select * from next`).toEqual([{ a: 1 }]);
    const rows = await sql<{ version: number }[]>`select version from migrations order by version`;
    expect(rows.map((row) => row.version)).toEqual(next.map((migration) => migration.version));
  });

  it('goes on from an older version, and leaves nothing of a file that fails', async () => {
    const sql = await connect();
    await migrate(sql);
    const broken = following('create table half (a integer); select nothing');
    await expect(migrate(sql, broken)).rejects.toThrow('"nothing" does not exist');
    expect(await sql`select to_regclass('half') as half`).toEqual([{ half: null }]);
    const good = following('create table whole (a integer)');
    expect(await migrate(sql, good)).toEqual({ from: newest, to: newest + 1 });
  });

  it('refuses a database that a newer program has migrated, and leaves it as it is', async () => {
    const sql = await connect();
    await migrate(sql, following('create table next (a integer)'));
    await expect(migrate(sql)).rejects.toMatchObject({
      kind: 'snapshot_too_new',
      message:
        `Cannot use this database: its schema has version ${newest + 1}, and this program knows up to ${newest}; ` +
        'use the newer Muster that migrated it, or another database',
    });
    expect(await sql`select count(*)::integer as n from next`).toEqual([{ n: 0 }]);
  });

  it('refuses a file that was changed after it had been applied', async () => {
    const sql = await connect();
    await migrate(sql, following('create table next (a integer)'));
    const edited = following('create table next (a text)', 'y');
    await expect(migrate(sql, edited)).rejects.toThrow(
      `Cannot migrate the database: 000${newest + 1}_next.sql was changed after it had been applied`,
    );
  });
});
