/**
 * One worker thread with the handlers of a module, as the agent sees it. Made by Threads.
 *
 *   starting ──ready──▶ idle ⇄ calling ──terminate, exit, out of memory──▶ dead
 *
 * A thread carries out one call at a time. Whatever ends it ends the call that is under way, and nothing else.
 */
import { Worker } from 'node:worker_threads';
import type { CallMessage, FromCall, FromThread, ThreadData, ToThread } from './messages.ts';

/** How long a module may take until it is loaded. */
const LOAD_PATIENCE_MS = 30_000;
const OUT_OF_MEMORY = 'ERR_WORKER_OUT_OF_MEMORY';

export interface ThreadOptions {
  /** URL of the module. */
  readonly module: string;
  /** Heap of one thread. Deno stops one that needs more without a word, and its call ends at the deadline. */
  readonly memoryMiB: number;
  /** What handlers get of the agent's environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Something was said outside of a call. */
  readonly onStray: (text: string) => void;
}

export interface CallListener {
  said(said: FromCall): void;
  /** The thread is gone, and the call with it. `why` is null if it was terminated by the agent. */
  died(why: string | null): void;
}

/** The module cannot be loaded: the message completes `the handlers module …`. */
export class UnusableModule extends Error {}

export class HandlerThread {
  isAlive = true;
  /** Called once, if it dies between two calls. */
  onIdleDeath: (why: string) => void = () => {};
  readonly #options: ThreadOptions;
  readonly #worker: Worker;
  readonly #ready = Promise.withResolvers<readonly string[]>();
  #names: readonly string[] | null = null;
  #calls = 0;
  #listener: CallListener | null = null;
  #isTerminated = false;
  #error: Error | null = null;

  private constructor(options: ThreadOptions) {
    this.#options = options;
    const workerData: ThreadData = { module: options.module };
    this.#worker = new Worker(new URL('./thread-main.ts', import.meta.url), {
      workerData,
      env: options.environment,
      resourceLimits: { maxOldGenerationSizeMb: options.memoryMiB },
    });
    // Once and for all: after removeAllListeners a worker of Node delivers no more messages.
    this.#worker.on('message', (message: FromThread) => this.#hear(message));
    this.#worker.on('error', (error: Error) => (this.#error = error));
    this.#worker.on('exit', (code) => this.#died(code));
  }

  /** Starts a thread and loads the module in it. @throws UnusableModule */
  static async start(options: ThreadOptions): Promise<HandlerThread> {
    const thread = new HandlerThread(options);
    const timer = setTimeout(
      () => thread.#refuse(`is not loaded after ${LOAD_PATIENCE_MS / 1000} s`),
      LOAD_PATIENCE_MS,
    );
    try {
      thread.#names = await thread.#ready.promise;
      return thread;
    } catch (cause) {
      thread.terminate();
      throw cause;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The handlers of the module. */
  get names(): readonly string[] {
    return this.#names ?? [];
  }

  /** Begins a call. There must be none under way. */
  call(message: Omit<CallMessage, 'kind' | 'call'>, listener: CallListener): void {
    this.#calls += 1;
    this.#listener = listener;
    this.#post({ kind: 'call', call: this.#calls, ...message });
  }

  /** Fires the signal of the call under way. */
  abort(): void {
    this.#post({ kind: 'abort', call: this.#calls });
  }

  /** Ends the thread, whatever it does. */
  terminate(): void {
    this.#isTerminated = true;
    void this.#worker.terminate();
  }

  #post(message: ToThread): void {
    // A message to a thread that has died goes nowhere; its exit tells.
    this.#worker.postMessage(message);
  }

  #refuse(why: string): void {
    this.#ready.reject(new UnusableModule(why));
  }

  #hear(message: FromThread): void {
    switch (message.kind) {
      case 'ready':
        this.#ready.resolve(message.names);
        break;
      case 'unusable':
        this.#refuse(`cannot be loaded: ${message.why}`);
        break;
      case 'stray':
        this.#options.onStray(message.text);
        break;
      case 'call':
        if (message.call === this.#calls) this.#hearCall(message.said);
    }
  }

  #hearCall(said: FromCall): void {
    const listener = this.#listener;
    if (said.kind === 'ended') this.#listener = null;
    listener?.said(said);
  }

  #died(code: number): void {
    this.isAlive = false;
    const why =
      this.#error === null
        ? `the thread was ended with code ${code}, by process.exit for example`
        : this.#reasonOf(this.#error);
    if (this.#names === null) this.#refuse(`cannot be loaded: ${why}`);
    const listener = this.#listener;
    this.#listener = null;
    if (listener !== null) listener.died(this.#isTerminated ? null : why);
    else if (!this.#isTerminated) this.onIdleDeath(why);
  }

  #reasonOf(error: Error): string {
    return (error as NodeJS.ErrnoException).code === OUT_OF_MEMORY
      ? `the handler needed more than ${this.#options.memoryMiB} MiB of memory, and its thread was ended`
      : `the thread was ended by what nobody caught: ${error.message}`;
  }
}
