/**
 * The threads of an agent: started when calls wait for one, and kept. Used by the handler executor.
 *
 * A call waits a moment for a thread that becomes free before another is started: short calls, however many, share a few warm
 * threads, and slow ones have one each. There are never more than calls at once, and those are bounded by the slots.
 */
import type { Clock, Timer } from '../../../src/process/clock.ts';
import type { Logger } from '../../../src/process/log.ts';
import { HandlerThread, type ThreadOptions } from './thread.ts';

/** Starting a thread takes several times as long. */
const PATIENCE_MS = 20;

interface Waiter {
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
      this.#waiters.push({ resolve, reject });
      if (this.#all.size === 0) this.#grow();
      else this.#timer ??= this.#options.clock.after(PATIENCE_MS, () => this.#grow());
    });
  }

  /** Takes a thread back whose call is over. A dead one is forgotten. */
  giveBack(thread: HandlerThread): void {
    if (!thread.isAlive) {
      this.#all.delete(thread);
      // Whoever waits may have counted on it.
      if (this.#waiters.length > 0) this.#grow();
      return;
    }
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

  /** Starts a thread for each call that still waits. */
  #grow(): void {
    this.#timer?.cancel();
    this.#timer = null;
    while (this.#starting < this.#waiters.length) void this.#start();
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
