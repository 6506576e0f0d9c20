/**
 * Pools of connections that can be given up: postgres.js over sockets that are opened here.
 *
 * A server that is gone without a word leaves sockets behind that say nothing for as long as TCP allows. `drop` ends them on this
 * side, and what was under way on them is rejected as on any lost connection. Called by connect.ts and notify.ts.
 */
import { Socket } from 'node:net';
import postgres from 'postgres';
import { MusterError } from '../machines/errors.ts';
import { ARRAY_TYPES } from './array-types.ts';

export type Sql = postgres.Sql;

/** What a pool of connections may have of its own. */
export interface PoolOptions {
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
  /** Connections stay open although nothing is asked on them. Default false: those above the first few go after a minute. */
  readonly isKept?: boolean;
  /** Receives what is sent by NOTIFY to channels that a connection listens to. */
  readonly onNotify?: (channel: string, payload: string) => void;
  /** A connection has ended. */
  readonly onClose?: () => void;
}

export interface Pool {
  readonly sql: Sql;
  /** Gives up every connection as it stands: statements under way fail as on a lost one, later ones go over new ones. */
  drop(): void;
  /** Waits up to `patienceS` seconds for the statements under way. */
  end(patienceS: number): Promise<void>;
}

export const CONNECT_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 15_000;
/** Connections above the first few are closed after a quiet minute. */
const IDLE_SECONDS = 60;
const LONGEST_BACKOFF_SECONDS = 1;

/** Opens nothing yet: connections are made when statements come. @throws MusterError `invalid_argument` for an unreadable URL */
export function openPool(options: PoolOptions): Pool {
  let sockets = new Sockets(0);
  let current = openSockets(options, sockets);
  const sql = new Proxy(current.sql, {
    apply: (_, self, args: unknown[]) => Reflect.apply(current.sql, self, args),
    get: (_, name) => Reflect.get(current.sql, name),
  });
  return {
    sql,
    drop() {
      const { end } = current;
      // Whole, since postgres.js 3.4 mixes up what it has to write when a socket is taken away from it.
      sockets = sockets.successor();
      current = openSockets(options, sockets);
      void end(0);
    },
    end: (patienceS) => current.end(patienceS),
  };
}

function openSockets(options: PoolOptions, sockets: Sockets): Omit<Pool, 'drop'> {
  if (!/^postgres(ql)?:\/\/[^/]/.test(options.url)) throw unreadableUrl();
  try {
    const sql = postgres(options.url, settingsOf(options, sockets)) as unknown as Sql;
    const end = async (patienceS: number) => {
      await sql.end({ timeout: patienceS });
      // postgres.js says goodbye and looks no further: a socket from which nobody reads that would stay.
      sockets.destroy();
    };
    return { sql, end };
  } catch {
    // The error of the parser would show the URL.
    throw unreadableUrl();
  }
}

function settingsOf(options: PoolOptions, sockets: Sockets) {
  const { log, onNotify = () => {}, onClose = () => {}, isKept = false } = options;
  return {
    max: options.maxConnections ?? 10,
    connect_timeout: (options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS) / 1000,
    ...(isKept ? { max_lifetime: null } : { idle_timeout: IDLE_SECONDS }),
    // Seconds. Short, because every waiting statement of a database that is away waits for it in turn.
    backoff: (retries: number) => Math.min(0.05 * 2 ** retries, LONGEST_BACKOFF_SECONDS),
    fetch_types: false,
    types: ARRAY_TYPES,
    onnotice: (notice: postgres.Notice) => log?.(`Postgres: ${notice['message']}`),
    onnotify: onNotify,
    onclose: onClose,
    socket: (place: Place) => sockets.open(place),
    connection: {
      application_name: options.applicationName ?? 'muster',
      // A plan made while the tables were empty must not be kept: tables grow from nothing to millions within the life of
      // a connection. Planning costs a fraction of a millisecond, and statements carry hundreds of rows.
      plan_cache_mode: 'force_custom_plan',
      // Compiling costs more than any statement here takes.
      jit: 'off',
    } as Record<string, string>,
  };
}

/** Where postgres.js wants to connect to: one path, or hosts that are tried in turn. */
interface Place {
  readonly path: string | false | undefined;
  readonly host: readonly string[];
  readonly port: readonly number[];
}

class Sockets {
  readonly #open = new Set<Socket>();
  #hostIndex: number;
  #latest: Socket | null = null;
  #isOver = false;

  constructor(hostIndex: number) {
    this.#hostIndex = hostIndex;
  }

  /** Begins with the next host, if there are several: with this one it has not gone well. */
  successor(): Sockets {
    return new Sockets(this.#hostIndex + 1);
  }

  /**
   * Returns a socket that is still connecting: what is written meanwhile waits in it, and its failure is told as an event.
   * postgres.js 3.4 never gives a connection back whose socket could not be made.
   */
  open({ path, host, port }: Place): Socket {
    for (const socket of this.#open) if (socket.destroyed) this.#open.delete(socket);
    // The last one has failed or has ended: the next host, if there are several.
    if (this.#latest?.destroyed === true) this.#hostIndex += 1;
    const socket = new Socket();
    this.#latest = socket;
    this.#open.add(socket);
    socket.once('connect', () => socket.setKeepAlive(true, KEEP_ALIVE_MS));
    const index = this.#hostIndex % host.length;
    const place = { host: host[index] as string, port: port[index] as number };
    // The host is what a certificate is compared with.
    Object.assign(socket, place);
    if (this.#isOver) socket.destroy();
    else if (path) socket.connect(path);
    else socket.connect(place);
    return socket;
  }

  destroy(): void {
    this.#isOver = true;
    for (const socket of this.#open) socket.destroy();
    this.#open.clear();
  }
}

function unreadableUrl(): MusterError {
  return new MusterError(
    'invalid_argument',
    'Cannot read the URL of the database; write it as postgres://user:password@host:5432/database, ' +
      'with special characters of the password percent-encoded',
  );
}
