/**
 * Keeps a long call going while its supervisor restarts.
 *
 * `run`, `task logs`, `task watch` and `task wait` hand their call to `Reconnect.run`, which calls it again after each lost
 * connection, with backoff and full jitter; the call itself remembers how far it has come. It says so once, and gives up
 * when nothing has come for ten minutes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectError } from '@connectrpc/connect';
import type { Connection } from './connection.ts';
import { asConnectError, isConnectionLost, isUnreachable } from './explain.ts';
import { CliFault } from './fault.ts';
import { note } from './sink.ts';

const INITIAL_MS = 200;
const MAX_MS = 5000;
const GIVE_UP_AFTER_MS = 10 * 60_000;

/** What differs in tests. */
export interface ReconnectParts {
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly sleep: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  readonly say: (message: string) => Promise<void>;
}

const REAL: ReconnectParts = {
  nowMs: () => performance.now(),
  random: Math.random,
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  },
  say: note,
};

/** Calls again what a lost connection has broken. One per command, so that it says so once. */
export class Reconnect {
  readonly #connection: Pick<Connection, 'explain' | 'url'>;
  readonly #parts: ReconnectParts;
  #wasConnected = false;
  #hasSaid = false;
  #failures = 0;
  #silentSinceMs: number | undefined;

  constructor(connection: Pick<Connection, 'explain' | 'url'>, parts: ReconnectParts = REAL) {
    this.#connection = connection;
    this.#parts = parts;
  }

  /** To be called whenever the supervisor has answered something. */
  readonly progressed = (): void => {
    this.#wasConnected = true;
    this.#failures = 0;
    this.#silentSinceMs = undefined;
  };

  /**
   * Calls `call` until it returns. It is called again when the connection is lost, not when the supervisor refuses, and not
   * when there was nobody at the address from the beginning.
   *
   * @param signal ends the waiting between two calls
   * @throws ConnectError what the supervisor refused
   * @throws CliFault when it has been away for too long
   */
  async run<Result>(call: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    for (;;) {
      try {
        const result = await call();
        this.progressed();
        return result;
      } catch (error) {
        signal?.throwIfAborted();
        const lost = asConnectError(error);
        if (lost === undefined || !isConnectionLost(lost)) throw error;
        if (isUnreachable(lost) && !this.#wasConnected) throw error;
        await this.#wait(lost, signal);
      }
    }
  }

  async #wait(lost: ConnectError, signal: AbortSignal | undefined): Promise<void> {
    const nowMs = this.#parts.nowMs();
    this.#silentSinceMs ??= nowMs;
    if (nowMs - this.#silentSinceMs > GIVE_UP_AFTER_MS) {
      throw new CliFault(`gave up after 10 minutes: ${this.#connection.explain(lost)}`, {
        cause: lost,
      });
    }
    if (!this.#hasSaid) {
      this.#hasSaid = true;
      await this.#parts.say(`${lostSentence(lost, this.#connection)}; connecting again`);
    }
    const bound = Math.min(MAX_MS, INITIAL_MS * 2 ** Math.min(this.#failures, 16));
    this.#failures += 1;
    await this.#parts.sleep(bound * this.#parts.random(), signal);
  }
}

function lostSentence(lost: ConnectError, connection: Pick<Connection, 'explain' | 'url'>): string {
  return isUnreachable(lost)
    ? `lost the connection to the supervisor at ${connection.url}`
    : connection.explain(lost);
}
