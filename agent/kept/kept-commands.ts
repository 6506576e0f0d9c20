/**
 * All commands that one agent keeps alive. Made by main.ts; one KeptWorker for each.
 *
 * What an earlier agent has kept and this one is not told to keep any more is ended at the start.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeptCommands } from '../agent.ts';
import type { Operations } from '../operations.ts';
import { messageOf, type OperationName } from '../worker-actor.ts';
import type { KeptStatus } from '../workers.ts';
import type { Keep } from './keep.ts';
import { KeptWorker, type KeptWorkerOptions, STOP_GRACE_MS } from './kept-worker.ts';
import { endRuns } from './run.ts';

export interface KeptCommandsOptions extends Omit<KeptWorkerOptions, 'keep'> {
  readonly keeps: readonly Keep[];
  /** Holds one folder for each of them. */
  readonly folder: string;
  readonly operations: Pick<Operations, 'isStopped'>;
}

export class HostCommands implements KeptCommands {
  readonly #options: KeptCommandsOptions;
  readonly #workers: ReadonlyMap<string, KeptWorker>;
  readonly #closing = new AbortController();

  constructor(options: KeptCommandsOptions) {
    const { keeps, folder } = options;
    this.#options = options;
    this.#workers = new Map(
      keeps.map((keep) => [
        keep.name,
        new KeptWorker({ ...options, keep, folder: join(folder, keep.name) }),
      ]),
    );
  }

  async start(): Promise<void> {
    const { folder, operations } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(folder)) {
      if (!this.#workers.has(name)) this.#endFormer(name);
    }
    for (const worker of this.#workers.values()) {
      await worker.start(operations.isStopped(worker.name));
    }
  }

  statuses(): KeptStatus[] {
    return [...this.#workers.values()].map((worker) => worker.status());
  }

  status(name: string): KeptStatus | null {
    return this.#workers.get(name)?.status() ?? null;
  }

  operate(name: string, operation: OperationName): boolean {
    const worker = this.#workers.get(name);
    worker?.operate(operation);
    return worker !== undefined;
  }

  close(): void {
    this.#closing.abort();
    for (const worker of this.#workers.values()) worker.close();
  }

  /** Nobody waits for it: if this agent ends before, the next one goes on with it. */
  #endFormer(name: string): void {
    const { log, executor, clock, stopGraceMs = STOP_GRACE_MS } = this.#options;
    log.info('a command is not kept any more', { name });
    const folder = join(this.#options.folder, name);
    endRuns(folder, executor, stopGraceMs, clock, this.#closing.signal).catch((cause: unknown) =>
      log.warn('a former command', { name, why: messageOf(cause) }),
    );
  }
}
