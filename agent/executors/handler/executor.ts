/**
 * The handler executor: calls a function of the module that the agent was started with, in a thread of the agent.
 *
 * Nothing of a call is on disk but its row in the journal. It cannot outlive the agent: after a restart it is gone, is reported
 * lost, and is never called again under its number (I2). Its output and result wait in memory until they are acknowledged.
 */
import { basename } from 'node:path';
import type { StartAttempt } from '../../../proto/gen/muster/v1/agent_service_pb.ts';
import type { Clock } from '../../../src/process/clock.ts';
import type { Logger } from '../../../src/process/log.ts';
import { policyOf } from '../../attempt-policy.ts';
import { type AttemptKey, type AttemptProgress, nameOf } from '../../attempt-record.ts';
import { MemoryOutput, type OutputSource } from '../../output-source.ts';
import type { Executor, FoundGroup, StartResult } from '../executor.ts';
import { HandlerCall } from './call.ts';
import { MAX_JSON_BYTES } from './messages.ts';
import { UnusableModule } from './thread.ts';
import { Threads } from './threads.ts';

/** More names than anybody reads in one sentence. */
const MAX_NAMED = 20;

export interface HandlerExecutorOptions {
  readonly nodeId: string;
  /** URL of the module; null for an agent without handlers. */
  readonly module: string | null;
  /** Heap of one thread. */
  readonly memoryMiB: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Logger;
}

export type ProgressListener = (key: AttemptKey, progress: AttemptProgress) => void;

export class HandlerExecutor implements Executor {
  /** Called with what handlers say of their progress. */
  onProgress: ProgressListener = () => {};
  readonly #options: HandlerExecutorOptions;
  readonly #threads: Threads;
  readonly #names: ReadonlySet<string>;
  /** By the name of the attempt, until it is removed. */
  readonly #outputs = new Map<string, MemoryOutput>();

  private constructor(options: HandlerExecutorOptions, threads: Threads, names: readonly string[]) {
    this.#options = options;
    this.#threads = threads;
    this.#names = new Set(names);
  }

  /** Loads the module, if there is one, in a first thread. @throws UnusableModule */
  static async open(options: HandlerExecutorOptions): Promise<HandlerExecutor> {
    const { module, memoryMiB, environment, clock, log } = options;
    const onStray = (text: string) => log.info('said by the handlers', { text: text.trimEnd() });
    const own = { memoryMiB, environment, onStray, clock, log };
    const threads = new Threads({ module: module ?? '', ...own });
    if (module === null) return new HandlerExecutor(options, threads, []);
    const first = await threads.take();
    threads.giveBack(first);
    if (first.names.length > 0) return new HandlerExecutor(options, threads, first.names);
    threads.close();
    throw new UnusableModule('exports no function, and each handler is one');
  }

  /** The handlers that can be called, by name. */
  get names(): readonly string[] {
    return [...this.#names];
  }

  async check(): Promise<void> {}

  outputOf(start: StartAttempt): OutputSource {
    const output = new MemoryOutput();
    this.#outputs.set(nameOf(start), output);
    return output;
  }

  async start(start: StartAttempt, _folder = '', signal?: AbortSignal): Promise<StartResult> {
    const { action } = start;
    const output = this.#outputs.get(nameOf(start));
    if (action.case !== 'handler' || output === undefined) return failed('this is no call');
    const { handler, inputJson } = action.value;
    const fault = this.#faultOf(handler, inputJson);
    if (fault !== null) return failed(fault);
    const { taskId, attempt } = start;
    const { clock, nodeId } = this.#options;
    try {
      const thread = await this.#threads.take();
      if (signal?.aborted) {
        this.#threads.giveBack(thread);
        return failed('it was given up before it began');
      }
      const { outputCapBytes: capBytes } = policyOf(start);
      const group = new HandlerCall({
        thread,
        message: { handler, inputJson, taskId, attempt, capBytes },
        output,
        clock,
        onProgress: (progress) => this.onProgress(start, progress),
        onEnded: () => this.#threads.giveBack(thread),
      });
      return { kind: 'started', group };
    } catch (cause) {
      if (!(cause instanceof UnusableModule)) throw cause;
      return failed(
        `cannot call ${handler} on node ${nodeId}: the handlers module ${cause.message}`,
      );
    }
  }

  async find(): Promise<FoundGroup> {
    const why = 'the agent that had called the handler has ended, and the call with it';
    return { kind: 'gone', why };
  }

  /** Tells whether the attempt with this folder was called here. */
  holds(folder: string): boolean {
    return this.#outputs.has(basename(folder));
  }

  async remove(folder: string): Promise<void> {
    this.#outputs.delete(basename(folder));
  }

  /** Ends all calls. */
  close(): void {
    this.#threads.close();
  }

  /** Why this cannot be called; null if it can. */
  #faultOf(handler: string, inputJson: string): string | null {
    const { nodeId } = this.#options;
    if (this.#names.size === 0) {
      return `node ${nodeId} has no handlers: its agent was started without --handlers`;
    }
    if (!this.#names.has(handler)) {
      const names = this.names.slice(0, MAX_NAMED).join(', ');
      const more = this.#names.size > MAX_NAMED ? ` and ${this.#names.size - MAX_NAMED} more` : '';
      return `node ${nodeId} has no handler ${handler}; it has ${names}${more}`;
    }
    if (Buffer.byteLength(inputJson) > MAX_JSON_BYTES) return 'the input has more than 256 KiB';
    return isJson(inputJson) ? null : `the input of ${handler} is no JSON`;
  }
}

function failed(why: string): StartResult {
  return { kind: 'failed', why };
}

function isJson(text: string): boolean {
  if (text === '') return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
