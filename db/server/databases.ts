// What is asked of a whole server rather than of Muster's own database: who are you, and create, drop and close databases.
// Called by server.ts and by the databases of the tests. Every call opens one connection and closes it again.

import postgres from 'postgres';

/** What a server says about itself. */
export interface ServerFacts {
  /** For example `18.4`. */
  readonly version: string;
  readonly dataFolder: string;
}

/** The database every cluster has, used to talk to the server about the others. */
const MAINTENANCE_DATABASE = 'postgres';

/** Asks the server behind `url` for its version and data folder. The user must be a superuser. */
export async function readServerFacts(url: string): Promise<ServerFacts> {
  return await withServer(url, async (sql) => {
    const [row] = await sql<{ version: string; data_folder: string }[]>`
      select split_part(current_setting('server_version'), ' ', 1) as version,
             current_setting('data_directory')                     as data_folder`;
    return { version: row?.version ?? '', dataFolder: row?.data_folder ?? '' };
  });
}

/**
 * Creates `name` as a copy of `template`. A database of that name that is there already is left as it is.
 *
 * @param icuLocale by which it orders texts; only for a copy of template0. Default: as the template does
 */
export async function createDatabase(
  url: string,
  name: string,
  template = 'template1',
  icuLocale: string | null = null,
): Promise<void> {
  await withServer(url, async (sql) => {
    const [row] = await sql`select 1 from pg_database where datname = ${name}`;
    if (row === undefined) {
      const order = icuLocale === null ? '' : `locale_provider icu icu_locale '${icuLocale}'`;
      await sql`create database ${sql(name)} template ${sql(template)} ${sql.unsafe(order)}`;
    }
  });
}

/** Lets nobody connect to `name` any more, so that it can always be copied as a template. */
export async function closeDatabase(url: string, name: string): Promise<void> {
  await withServer(url, async (sql) => {
    await sql`alter database ${sql(name)} with allow_connections false`;
  });
}

/** Drops `name` if it is there, and ends the connections it has. */
export async function dropDatabase(url: string, name: string): Promise<void> {
  await withServer(url, async (sql) => {
    await sql`drop database if exists ${sql(name)} with (force)`;
  });
}

/** Lists the databases whose names start with `prefix`. */
export async function listDatabases(url: string, prefix: string): Promise<string[]> {
  return await withServer(url, async (sql) => {
    const rows = await sql<{ datname: string }[]>`
      select datname from pg_database where starts_with(datname, ${prefix}) order by datname`;
    return rows.map((row) => row.datname);
  });
}

/** Gives `url` with its database replaced by `name`. */
export function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(name)}`;
  return changed.href;
}

async function withServer<T>(url: string, use: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(withDatabase(url, MAINTENANCE_DATABASE), {
    max: 1,
    connect_timeout: 10,
    onnotice: () => {},
  });
  try {
    return await use(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
