/**
 * Opens the connections to Postgres and says in one sentence why that failed. Called once by each process that needs them.
 *
 * Every statement of db/ goes through the `Sql` made here: it knows how arrays, big integers and bytes travel, without asking
 * the server for its types first. No message shows the URL, because the URL holds the password.
 *
 * Never `sql.begin` or `sql.reserve`: in postgres.js 3.4 a connection that is lost within a transaction ends the process, or runs
 * what is left of the transaction inside another one (its issues 1133, 1216). Every function of db/ is one statement.
 */
import postgres from 'postgres';
import { MusterError } from '../machines/errors.ts';
import { ARRAY_TYPES } from './array-types.ts';
import { classifyFailure } from './failures.ts';

export type Sql = postgres.Sql;

export interface Database {
  readonly sql: Sql;
  /** Waits for the statements under way, up to 5 s. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** postgres://user:password@host:port/database */
  readonly url: string;
  /** Default 10. */
  readonly maxConnections?: number;
  /** How long to wait for the first answer. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** What pg_stat_activity shows. Default muster. */
  readonly applicationName?: string;
  /** Receives the server's notices; default: they are dropped. */
  readonly log?: (line: string) => void;
}

const OLDEST_SERVER_VERSION = 15;
const CONNECT_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_SECONDS = 15;
/** Connections above the first few are closed after a quiet minute. */
const IDLE_SECONDS = 60;
const LONGEST_BACKOFF_SECONDS = 1;

/**
 * Connects and checks that the server is one that Muster can use.
 *
 * @throws MusterError `unavailable` if the server cannot be reached or is starting, `invalid_argument` if trying again will not help
 */
export async function connectDatabase(options: DatabaseOptions): Promise<Database> {
  const sql = openConnections(options);
  try {
    const major = await readMajorVersion(sql, options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS);
    if (major < OLDEST_SERVER_VERSION) {
      throw new MusterError(
        'invalid_argument',
        `Cannot use ${place(sql)}: it is PostgreSQL ${major}; use PostgreSQL ${OLDEST_SERVER_VERSION} or newer`,
      );
    }
  } catch (error) {
    await sql.end({ timeout: 0 }).catch(() => {});
    throw error instanceof MusterError ? error : describeFailure(sql, error);
  }
  return { sql, close: () => sql.end({ timeout: 5 }) };
}

/** Gives up by itself: postgres.js tries for ever while a proxy accepts connections and closes them. */
async function readMajorVersion(sql: Sql, timeoutMs: number): Promise<number> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(Object.assign(new Error('no answer in time'), { code: 'CONNECT_TIMEOUT' }));
  }, timeoutMs);
  try {
    const version = sql<[{ major: number }]>`
      select current_setting('server_version_num')::integer / 10000 as major`;
    const [row] = await Promise.race([version, timeout]);
    return row.major;
  } finally {
    clearTimeout(timer);
  }
}

function openConnections(options: DatabaseOptions): Sql {
  const { log } = options;
  if (!/^postgres(ql)?:\/\/[^/]/.test(options.url)) throw unreadableUrl();
  try {
    return postgres(options.url, {
      max: options.maxConnections ?? 10,
      connect_timeout: (options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS) / 1000,
      keep_alive: KEEP_ALIVE_SECONDS,
      idle_timeout: IDLE_SECONDS,
      // Seconds. Short, because every waiting statement of a database that is away waits for it in turn.
      backoff: (retries) => Math.min(0.05 * 2 ** retries, LONGEST_BACKOFF_SECONDS),
      fetch_types: false,
      types: ARRAY_TYPES,
      onnotice: (notice) => log?.(`Postgres: ${notice['message']}`),
      connection: {
        application_name: options.applicationName ?? 'muster',
        // A plan made while the tables were empty must not be kept: tables grow from nothing to millions within the life of
        // a connection. Planning costs a fraction of a millisecond, and statements carry hundreds of rows.
        plan_cache_mode: 'force_custom_plan',
        // Compiling costs more than any statement here takes.
        jit: 'off',
      } as Record<string, string>,
    }) as unknown as Sql;
  } catch {
    // The error of the parser would show the URL.
    throw unreadableUrl();
  }
}

function unreadableUrl(): MusterError {
  return new MusterError(
    'invalid_argument',
    'Cannot read the URL of the database; write it as postgres://user:password@host:5432/database, ' +
      'with special characters of the password percent-encoded',
  );
}

function place(sql: Sql): string {
  const { host, port, database } = sql.options;
  return `the database "${database}" at ${host.map((name, index) => `${name}:${port[index]}`).join(', ')}`;
}

function describeFailure(sql: Sql, error: unknown): MusterError {
  const cannot = `Cannot connect to ${place(sql)}`;
  const { code, message } = error as { code?: string; message?: string };
  const failure = (kind: 'invalid_argument' | 'unavailable', what: string) =>
    new MusterError(kind, `${cannot}: ${what}`, { cause: error });
  switch (code) {
    case '28P01':
    case '28000':
      return failure(
        'invalid_argument',
        `the server refused user "${sql.options.user}" with this password; check both`,
      );
    case '3D000':
      return failure('invalid_argument', 'it does not exist; create it first (createdb)');
    case '42501':
      return failure('invalid_argument', `user "${sql.options.user}" may not connect to it`);
    case '53300':
      return failure(
        'unavailable',
        'all connections of the server are taken; raise max_connections',
      );
    case '57P03':
      return failure('unavailable', 'the server is starting or stopping; try again in a moment');
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return failure('unavailable', 'this host name is not known; check the name and the DNS');
    case 'CONNECT_TIMEOUT':
      return failure(
        'unavailable',
        'no answer came in time; check the address and the firewall, and whether it is PostgreSQL',
      );
    default:
      break;
  }
  if (classifyFailure(error) === 'connection_lost') {
    return failure(
      'unavailable',
      `nothing answers there (${code}); start PostgreSQL or check the address`,
    );
  }
  return failure('invalid_argument', message ?? String(error));
}
