/**
 * Writes db/schema.sql: what the migrations make of an empty database, for people to read and for reviews to compare.
 *
 * `node db/schema-dump.ts` writes the file, `--check` compares and fails if it is out of date; `npm run ok` does the latter. Both
 * start a PostgreSQL of their own and remove it. The text is made by our own queries over the catalogs, so that it is the same on
 * every supported version of PostgreSQL.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectDatabase } from './connect.ts';
import type { Sql } from './connect.ts';
import { migrate } from './migrate.ts';
import { startPostgresServer } from './server/server.ts';

const SCHEMA_FILE = new URL('./schema.sql', import.meta.url);
const HEADER = `-- The schema that the files in migrations/ add up to. Made by \`node db/schema-dump.ts\`; do not edit.
`;

interface DumpedTable {
  readonly name: string;
  readonly options: string | null;
  readonly partitioned: string | null;
  readonly columns: readonly string[];
  readonly constraints: readonly string[];
  readonly indexes: readonly string[];
}

/** Returns the schema of a migrated database as SQL, the same for every version of PostgreSQL. */
export async function dumpSchema(sql: Sql): Promise<string> {
  const tables = await sql<DumpedTable[]>`
    select c.relname as name,
           (select string_agg(o, ', ' order by o) from unnest(c.reloptions) as o) as options,
           pg_get_partkeydef(c.oid) as partitioned,
           to_json(array(
             select concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
                              case when a.attidentity = 'a' then 'generated always as identity' end,
                              case when a.attnotnull then 'not null' end,
                              'default ' || pg_get_expr(d.adbin, d.adrelid))
             from pg_attribute as a
             left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
             where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
             order by a.attnum
           )) as columns,
           to_json(array(
             select 'constraint ' || conname || ' ' || pg_get_constraintdef(k.oid)
             from pg_constraint as k
             -- PostgreSQL 18 lists what is "not null" here as well.
             where k.conrelid = c.oid and k.contype <> 'n'
             order by k.contype desc, conname
           )) as constraints,
           to_json(array(
             select pg_get_indexdef(i.indexrelid)
             from pg_index as i
             where i.indrelid = c.oid
               and not exists (select 1 from pg_constraint as k where k.conindid = i.indexrelid)
             order by pg_get_indexdef(i.indexrelid)
           )) as indexes
    from pg_class as c
    where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = current_schema()::regnamespace
    order by c.relname`;
  const sequences = await sql<{ name: string }[]>`
    select relname as name from pg_class as c
    where relkind = 'S' and relnamespace = current_schema()::regnamespace
      -- Those of identities belong to their columns.
      and not exists (select 1 from pg_depend where objid = c.oid and deptype = 'i')
    order by relname`;
  const functions = await sql<{ text: string }[]>`
    select pg_get_functiondef(oid) as text from pg_proc
    where pronamespace = current_schema()::regnamespace
    order by proname`;
  const texts = functions.map(({ text }) => `\n${text.replace(' public.', ' ').trimEnd()};\n`);
  const made = sequences.map(({ name }) => `\ncreate sequence ${name};\n`);
  return [HEADER, ...made, ...tables.map(tableText), ...texts].join('');
}

function tableText(table: DumpedTable): string {
  const { name, options, partitioned, columns, constraints, indexes } = table;
  const lines = [...columns, ...constraints].map((line) => `  ${line}`).join(',\n');
  const parts = partitioned === null ? '' : `\npartition by ${partitioned}`;
  const settings = options === null ? parts : `${parts}\nwith (${options})`;
  const definitions = indexes.map((index) => `${index.replaceAll(' public.', ' ')};\n`).join('');
  return `\ncreate table ${name} (\n${lines}\n)${settings};\n${definitions}`;
}

async function dumpFresh(): Promise<string> {
  const folder = join(tmpdir(), `muster-schema-${randomBytes(6).toString('hex')}`);
  const server = await startPostgresServer({ folder, settings: { fsync: 'off' } });
  try {
    const database = await connectDatabase({ url: server.url, maxConnections: 1 });
    try {
      await migrate(database.sql);
      return await dumpSchema(database.sql);
    } finally {
      await database.close();
    }
  } finally {
    await server.stop('immediate');
    for (const path of [server.home, server.folder]) rmSync(path, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const found = await dumpFresh();
  if (process.argv[2] !== '--check') {
    writeFileSync(SCHEMA_FILE, found);
  } else if (readFileSync(SCHEMA_FILE, 'utf8') !== found) {
    process.stderr.write('db/schema.sql is not what the migrations make: node db/schema-dump.ts\n');
    process.exitCode = 1;
  }
}
