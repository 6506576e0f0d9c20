/**
 * News between supervisors, by NOTIFY on one channel. Sent inside insertTasks and updateTasks, one message for each commit.
 *
 * A message can be lost: when the connection that listens breaks, nothing is kept for it. So news only say where to look, and the
 * listener is told when it has to look everywhere. A connection that nothing is asked on can be dead for long without anybody knowing: it
 * is asked to listen again every few seconds, which does nothing on one that does, and tells one that is dead.
 */
import type { Database, Sql } from './connect.ts';
import type { Pool } from './connections.ts';

const CHANNEL = 'muster';
/** How long the server may take for it, and the pause between two times. */
const LISTEN_MS = 5_000;
const INTERVAL_MS = 5_000;
/** After a time that has failed. */
const RETRY_MS = 500;

export interface Listening {
  stop(): Promise<void>;
}

export interface ListenOptions {
  readonly onNews: (payload: string) => void;
  /** Called when it hears again after a loss: messages in between are lost. */
  readonly onGap: () => void;
  /** How long the server may take to say that it listens, and between two times that it is asked. Default 5,000. */
  readonly intervalMs?: number;
}

/** Listens on a connection of its own, which is opened again whenever it is lost. Rejects if the first one cannot be had. */
export async function listen(
  database: Pick<Database, 'openPool'>,
  options: ListenOptions,
): Promise<Listening> {
  const listener = new Listener(database, options);
  try {
    await listener.listen();
  } catch (error) {
    await listener.stop();
    throw error;
  }
  return listener;
}

class Listener implements Listening {
  readonly #options: ListenOptions;
  readonly #pool: Pool;
  #timer: NodeJS.Timeout | undefined;
  #isListening = false;
  #isAsking = false;
  #isStopped = false;

  constructor(database: Pick<Database, 'openPool'>, options: ListenOptions) {
    this.#options = options;
    this.#pool = database.openPool({
      maxConnections: 1,
      isKept: true,
      connectTimeoutMs: options.intervalMs ?? LISTEN_MS,
      onNotify: (channel, payload) => {
        if (channel === CHANNEL && !this.#isStopped) options.onNews(payload);
      },
      onClose: () => {
        this.#isListening = false;
        this.#arm(0);
      },
    });
  }

  async listen(): Promise<void> {
    this.#isAsking = true;
    try {
      await this.#within(this.#pool.sql`listen ${this.#pool.sql(CHANNEL)}`);
      this.#isListening = true;
    } catch (error) {
      // It is dead, or leads to a server that cannot notify, such as a standby.
      this.#isListening = false;
      this.#pool.drop();
      throw error;
    } finally {
      this.#isAsking = false;
      this.#arm(this.#isListening ? (this.#options.intervalMs ?? INTERVAL_MS) : RETRY_MS);
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#pool.end(0);
  }

  #arm(inMs: number): void {
    // One that is asked now is asked again afterwards.
    if (this.#isStopped || this.#isAsking) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#again(), inMs);
    this.#timer.unref();
  }

  async #again(): Promise<void> {
    const hasHeard = this.#isListening;
    try {
      await this.listen();
      if (!hasHeard && !this.#isStopped) this.#options.onGap();
    } catch {
      // It is asked again soon. Whether the database answers is watched by others.
    }
  }

  async #within(answer: Promise<unknown>): Promise<void> {
    const { promise: silence, reject } = Promise.withResolvers<never>();
    const giveUp = () => reject(new Error('no answer'));
    const timer = setTimeout(giveUp, this.#options.intervalMs ?? LISTEN_MS);
    try {
      await Promise.race([answer, silence]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Sends news to every supervisor that listens, by a statement of its own. Group commits carry theirs themselves. */
export async function notify(sql: Sql, news: string): Promise<void> {
  await sql`select pg_notify(${CHANNEL}, ${news})`;
}
