/**
 * The threads of an agent: started when calls wait for one, and kept. Used by the handler executor.
 *
 * A call waits a moment for a thread that becomes free before others are started. Where threads do become free, there are only as
 * many as processors, and one more whenever a call has waited for long: short calls, however many, share a few warm threads, and
 * slow ones have one each. There are never more than calls at once, and those are bounded by the slots.
 */
import { availableParallelism } from 'node:os';
import type { Clock, Timer } from '../../../src/process/clock.ts';
import type { Logger } from '../../../src/process/log.ts';
import { HandlerThread, type ThreadOptions } from './thread.ts';

/** Starting a thread takes several times as long. */
const PATIENCE_MS = 20;
const LONG_MS = 100;

interface Waiter {
  /** Monotonic. */
  readonly since: number;
  resolve(thread: HandlerThread): void;
  reject(cause: unknown): void;
}

export interface ThreadsOptions extends ThreadOptions {
  readonly clock: Clock;
  readonly log: Logger;
}

export class Threads {
  readonly #options: ThreadsOptions;
  /** The one that was used last is used first. */
  readonly #idle: HandlerThread[] = [];
  readonly #all = new Set<HandlerThread>();
  readonly #waiters: Waiter[] = [];
  #starting = 0;
  /** Since the last look. */
  #hasGivenBack = false;
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(options: ThreadsOptions) {
    this.#options = options;
  }

  /** Returns a thread that nobody else has. @throws UnusableModule */
  async take(): Promise<HandlerThread> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    return await new Promise<HandlerThread>((resolve, reject) => {
      const { clock } = this.#options;
      this.#waiters.push({ since: clock.monotonic(), resolve, reject });
      if (this.#all.size + this.#starting === 0) void this.#start();
      this.#timer ??= clock.after(PATIENCE_MS, () => this.#grow());
    });
  }

  /** Takes a thread back whose call is over. A dead one is forgotten. */
  giveBack(thread: HandlerThread): void {
    if (!thread.isAlive) {
      this.#all.delete(thread);
      // Whoever waits may have counted on it.
      if (this.#waiters.length > this.#starting) void this.#start();
      return;
    }
    this.#hasGivenBack = true;
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#idle.push(thread);
    else waiter.resolve(thread);
  }

  /** Ends all threads, and the calls that are under way. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const thread of this.#all) thread.terminate();
    this.#all.clear();
    this.#idle.length = 0;
  }

  /** Starts threads for calls that still wait, and looks again while there are any. */
  #grow(): void {
    const { clock } = this.#options;
    this.#timer = null;
    const [first] = this.#waiters;
    if (first === undefined) return;
    const missing = this.#waiters.length - this.#starting;
    const threads = this.#all.size + this.#starting;
    const room = this.#hasGivenBack ? availableParallelism() - threads : missing;
    const isLong = clock.monotonic() - first.since >= LONG_MS;
    const count = Math.min(missing, Math.max(room, isLong ? 1 : 0));
    for (let number = 0; number < count; number += 1) void this.#start();
    this.#hasGivenBack = false;
    this.#timer = clock.after(PATIENCE_MS, () => this.#grow());
  }

  async #start(): Promise<void> {
    this.#starting += 1;
    try {
      const thread = await HandlerThread.start(this.#options);
      if (this.#isClosed) thread.terminate();
      thread.onIdleDeath = (why) => this.#forgetIdle(thread, why);
      this.#all.add(thread);
      this.giveBack(thread);
    } catch (cause) {
      this.#waiters.shift()?.reject(cause);
    } finally {
      this.#starting -= 1;
    }
  }

  #forgetIdle(thread: HandlerThread, why: string): void {
    this.#options.log.warn('a handler thread has died between two calls', { why });
    this.#all.delete(thread);
    const at = this.#idle.indexOf(thread);
    if (at >= 0) this.#idle.splice(at, 1);
  }
}
