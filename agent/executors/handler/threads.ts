/**
 * The threads of an agent: as many as calls are under way at once, started when they are needed and kept. Used by the executor.
 */
import type { Logger } from '../../../src/process/log.ts';
import { HandlerThread, type ThreadOptions } from './thread.ts';

export class Threads {
  readonly #options: ThreadOptions;
  readonly #log: Logger;
  /** The one that was used last is used first, so that a quiet agent has few warm threads. */
  readonly #idle: HandlerThread[] = [];
  readonly #all = new Set<HandlerThread>();
  #isClosed = false;

  constructor(options: ThreadOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
  }

  /** Returns a thread that nobody else has. @throws UnusableModule */
  async take(): Promise<HandlerThread> {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.isAlive) return idle;
    }
    const thread = await HandlerThread.start(this.#options);
    if (this.#isClosed) thread.terminate();
    thread.onIdleDeath = (why) => {
      this.#log.warn('a handler thread has died between two calls', { why });
      this.#forget(thread);
    };
    this.#all.add(thread);
    return thread;
  }

  /** Takes a thread back whose call is over. A dead one is forgotten. */
  giveBack(thread: HandlerThread): void {
    if (thread.isAlive) this.#idle.push(thread);
    else this.#forget(thread);
  }

  /** Ends all threads, and the calls that are under way. */
  close(): void {
    this.#isClosed = true;
    for (const thread of this.#all) thread.terminate();
    this.#all.clear();
    this.#idle.length = 0;
  }

  #forget(thread: HandlerThread): void {
    this.#all.delete(thread);
    const at = this.#idle.indexOf(thread);
    if (at >= 0) this.#idle.splice(at, 1);
  }
}
