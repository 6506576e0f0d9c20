/**
 * Opens the connections to Postgres and says in one sentence why that failed. Called once by each process that needs them.
 *
 * Every statement of db/ goes through the `Sql` made here: it knows how arrays, big integers and bytes travel, without asking
 * the server for its types first. No message shows the URL, because the URL holds the password.
 *
 * Never `sql.begin` or `sql.reserve`: in postgres.js 3.4 a connection that is lost within a transaction ends the process, or runs
 * what is left of the transaction inside another one (its issues 1133, 1216). Every function of db/ is one statement.
 */
import { MusterError } from '../machines/errors.ts';
import { CONNECT_TIMEOUT_MS, openPool } from './connections.ts';
import type { Pool, PoolOptions, Sql } from './connections.ts';
import { classifyFailure } from './failures.ts';
import { SilenceWatch } from './silence.ts';

export type { Sql } from './connections.ts';

export interface Database {
  readonly sql: Sql;
  /**
   * Resolves when it can be written to. One that is read-only has its connections given up, so that the next ones may lead to
   * another server. Rejects with whatever the connection gives.
   */
  probe(): Promise<void>;
  /**
   * Looks for connections that have died without a word; to be called each second. A statement that has had no answer for 5 s
   * has the server asked, on a new connection and for 10 s at most, whether it is at work on it. If it is not, or says nothing, all
   * connections are given up: their statements fail as a lost connection does. Returns whether that was so.
   */
  loseSilent(): Promise<boolean>;
  /** Opens connections apart from those of `sql`, to the same database. */
  openPool(more: Omit<PoolOptions, 'url'>): Pool;
  /** Waits for the statements under way, up to 5 s. */
  close(): Promise<void>;
}

export interface DatabaseOptions
  extends Pick<
    PoolOptions,
    'url' | 'maxConnections' | 'connectTimeoutMs' | 'applicationName' | 'log'
  > {
  /** How long the server may take to say what it works at, when it is asked because of a silence. Default 10,000. */
  readonly answerTimeoutMs?: number;
}

const OLDEST_SERVER_VERSION = 15;
const ANSWER_MS = 10_000;

/**
 * Connects and checks that the server is one that Muster can use.
 *
 * @throws MusterError `unavailable` if the server cannot be reached or is starting, `invalid_argument` if trying again will not help
 */
export async function connectDatabase(options: DatabaseOptions): Promise<Database> {
  const pool = openPool(options);
  const { sql } = pool;
  try {
    const major = await readMajorVersion(sql, options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS);
    if (major < OLDEST_SERVER_VERSION) {
      throw new MusterError(
        'invalid_argument',
        `Cannot use ${place(sql)}: it is PostgreSQL ${major}; use PostgreSQL ${OLDEST_SERVER_VERSION} or newer`,
      );
    }
  } catch (error) {
    await pool.end(0).catch(() => {});
    throw error instanceof MusterError ? error : describeFailure(sql, error);
  }
  const openMore = (more: Omit<PoolOptions, 'url'>) => openPool({ ...options, ...more });
  const openFresh = () => openMore({ maxConnections: 1, connectTimeoutMs: ANSWER_MS });
  const watch = new SilenceWatch({
    pool,
    openFresh,
    answerMs: options.answerTimeoutMs ?? ANSWER_MS,
  });
  return {
    sql: watch.sql,
    async probe() {
      if (!(await isReadOnly(watch.sql))) return;
      pool.drop();
      throw Object.assign(new Error('the database is read-only'), { code: '25006' });
    },
    loseSilent: () => watch.look(),
    openPool: openMore,
    close: () => pool.end(5),
  };
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

async function isReadOnly(sql: Sql): Promise<boolean> {
  const [row] = await sql<[{ is_read_only: boolean }]>`
    select pg_is_in_recovery() or current_setting('transaction_read_only')::boolean as is_read_only`;
  return row.is_read_only;
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
