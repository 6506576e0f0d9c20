/**
 * One call of a handler, in the words of process groups: SIGTERM fires its signal, SIGKILL terminates its thread.
 *
 * A call that returns has exit code 0, one that throws has 1, and one whose thread was terminated ends as by SIGKILL. Its output and
 * its result go to `output` as they come. Made by the handler executor.
 */
import { Buffer } from 'node:buffer';
import type { Clock } from '../../../src/process/clock.ts';
import type { AttemptProgress } from '../../attempt-record.ts';
import type { MemoryOutput } from '../../output-source.ts';
import type { ExitRecord, ProcessGroup } from '../executor.ts';
import type { CallEnd, CallMessage, FromCall } from './messages.ts';
import type { CallListener, HandlerThread } from './thread.ts';

export interface HandlerCallOptions {
  readonly thread: HandlerThread;
  readonly message: Omit<CallMessage, 'kind' | 'call'>;
  readonly output: MemoryOutput;
  readonly clock: Clock;
  readonly onProgress: (progress: AttemptProgress) => void;
  /** The thread is free, or dead. */
  readonly onEnded: () => void;
}

export class HandlerCall implements ProcessGroup, CallListener {
  readonly pid = process.pid;
  readonly ended: Promise<void>;
  /** Why the thread has died of itself; null otherwise. */
  broken: string | null = null;
  readonly #options: HandlerCallOptions;
  readonly #end: () => void;
  #exit: ExitRecord | null = null;

  constructor(options: HandlerCallOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
    options.thread.call(options.message, this);
  }

  hasEnded(): boolean {
    return this.#exit !== null;
  }

  isEmpty(): boolean {
    return this.hasEnded();
  }

  signal(name: 'SIGTERM' | 'SIGKILL'): void {
    if (this.#exit !== null) return;
    if (name === 'SIGTERM') this.#options.thread.abort();
    else this.#options.thread.terminate();
  }

  readExit(): ExitRecord | null {
    return this.#exit;
  }

  said(said: FromCall): void {
    const { output, onProgress } = this.#options;
    switch (said.kind) {
      case 'output':
        output.append(said.stream, Buffer.from(said.content as string));
        break;
      case 'dropped':
        output.setDropped(said.stdout, said.stderr);
        break;
      case 'progress':
        onProgress({ fraction: said.fraction, message: said.message });
        break;
      case 'ended':
        this.#returned(said.end);
    }
  }

  died(why: string | null): void {
    this.broken = why;
    if (why === null) this.#finish({ exitCode: 137, signal: 'SIGKILL' });
    else this.#finish({ exitCode: 1, signal: null, failure: why });
  }

  #returned(end: CallEnd): void {
    if (end.isDone) {
      if (end.resultJson !== '') this.#options.output.append('result', Buffer.from(end.resultJson));
      this.#finish({ exitCode: 0, signal: null });
    } else {
      this.#finish({ exitCode: 1, signal: null, failure: end.failure });
    }
  }

  #finish(exit: Omit<ExitRecord, 'exitedAt'>): void {
    const { clock, onEnded } = this.#options;
    this.#exit = { ...exit, exitedAt: clock.now() };
    onEnded();
    this.#end();
  }
}
