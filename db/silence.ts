/**
 * Finds connections that have died without a word: the host is gone, or a firewall has forgotten them.
 *
 * Nothing tells a long statement from a dead connection but the server. So when a statement has had no answer for a while, the server
 * is asked on a new connection whether it is at work on it. What it works on may take as long as it takes. Where the server does not
 * answer, or has long been done, nothing will ever come: all connections are given up, and their statements fail as lost.
 */
import postgres from 'postgres';
import type { Pool, Sql } from './connections.ts';

/** A statement of postgres.js, as far as it is looked at here. */
interface Statement {
  handler: (statement: Statement) => void;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
  /** The backend that it was sent to; null while it waits for a connection. */
  readonly state: { readonly pid: number | null } | null;
}

interface Waiting {
  /** Looks during which it has had no answer. */
  looks: number;
  /** In a row, for which the server said that it does nothing for it. */
  idleLooks: number;
}

/** Looks without an answer after which the server is asked. */
const PATIENT_LOOKS = 5;
/** Nothing came for as long as it was waited for: from here, from postgres.js, from the system. */
const SILENT_CODES: ReadonlySet<string> = new Set(['ETIMEDOUT', 'CONNECT_TIMEOUT']);
const NOBODY: ReadonlySet<number> = new Set();
/** An answer may be on its way here when the server says that it is done: it is asked again. */
const IDLE_LOOKS = 3;

export interface SilenceOptions {
  readonly pool: Pool;
  /** Opens a pool with a connection that nothing has happened to. */
  readonly openFresh: () => Pool;
  /** How long the server may take to say what it works at. */
  readonly answerMs: number;
}

export class SilenceWatch {
  readonly #options: SilenceOptions;
  readonly #waiting = new Map<Statement, Waiting>();
  /** What everybody sends statements through. */
  readonly sql: Sql;
  #isLooking = false;

  constructor(options: SilenceOptions) {
    this.#options = options;
    this.sql = new Proxy(options.pool.sql, {
      apply: (target, self, args: unknown[]) => {
        const made: unknown = Reflect.apply(target as never, self, args);
        if (isStatement(made)) this.#follow(made);
        return made;
      },
    });
  }

  /** Looks once; to be called each second. Returns whether connections were given up. */
  async look(): Promise<boolean> {
    if (this.#isLooking) return false;
    this.#isLooking = true;
    try {
      const suspects = this.#suspects();
      if (suspects.length === 0 || !(await this.#areLost(suspects))) return false;
      this.#options.pool.drop();
      return true;
    } finally {
      this.#isLooking = false;
    }
  }

  /** From the moment on at which it is sent; a part of another statement never is. */
  #follow(statement: Statement): void {
    const { handler, resolve, reject } = statement;
    statement.handler = (sent) => {
      this.#waiting.set(statement, { looks: 0, idleLooks: 0 });
      handler(sent);
    };
    statement.resolve = (result) => {
      this.#waiting.delete(statement);
      resolve(result);
    };
    statement.reject = (error) => {
      this.#waiting.delete(statement);
      reject(error);
    };
  }

  #suspects(): Statement[] {
    const suspects: Statement[] = [];
    for (const [statement, waiting] of this.#waiting) {
      // One that has no connection yet waits for others, or for a connection, which has a bound of its own.
      if (typeof statement.state?.pid !== 'number') continue;
      waiting.looks += 1;
      if (waiting.looks > PATIENT_LOOKS) suspects.push(statement);
    }
    return suspects;
  }

  async #areLost(suspects: readonly Statement[]): Promise<boolean> {
    const pids = new Set(suspects.map((statement) => statement.state?.pid as number));
    const atWork = await this.#askServer([...pids]);
    if (atWork === 'silence') return suspects.some((statement) => this.#waiting.has(statement));
    let areLost = false;
    for (const statement of suspects) {
      const waiting = this.#waiting.get(statement);
      if (waiting === undefined) continue;
      const isAtWork = atWork === 'hidden' || atWork.has(statement.state?.pid as number);
      waiting.idleLooks = isAtWork ? 0 : waiting.idleLooks + 1;
      areLost ||= waiting.idleLooks >= IDLE_LOOKS;
    }
    return areLost;
  }

  /** Which of these backends do something; `hidden` where that cannot be told, though there is a server. */
  async #askServer(pids: readonly number[]): Promise<ReadonlySet<number> | 'silence' | 'hidden'> {
    const fresh = this.#options.openFresh();
    const answer = fresh.sql<{ self: number; pids: number[] }[]>`
      select pg_backend_pid() as self,
             array_to_json(array(
               select pid from pg_stat_activity
               where pid = any(${pids}::integer[]) and state not like 'idle%'
                 -- In the middle of a statement of which the rest never came.
                 and wait_event is distinct from 'ClientRead'
             )) as pids`;
    try {
      const rows = await within(answer, this.#options.answerMs);
      const [row] = rows;
      // Behind a pooler the numbers of backends mean nothing to the server.
      return row?.self === rows.state.pid ? new Set(row.pids) : 'hidden';
    } catch (error) {
      // A refusal, such as for too many connections, comes from a server that is there.
      if (error instanceof postgres.PostgresError) return 'hidden';
      // A name that is not known or a port that is closed may be so for a moment only.
      return SILENT_CODES.has((error as { code?: string }).code ?? '') ? 'silence' : NOBODY;
    } finally {
      void fresh.end(0);
    }
  }
}

/** In two halves: after a pause of this process, what has come meanwhile is read before the second one is over. */
async function within<T>(answer: Promise<T>, ms: number): Promise<T> {
  const { promise: silence, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }));
  let timer = setTimeout(() => (timer = setTimeout(giveUp, ms / 2)), ms / 2);
  try {
    return await Promise.race([answer, silence]);
  } finally {
    clearTimeout(timer);
    answer.catch(() => {});
  }
}

function isStatement(made: unknown): made is Statement {
  const { handler, resolve, reject } = made as Partial<Statement>;
  return [handler, resolve, reject].every((one) => typeof one === 'function');
}
