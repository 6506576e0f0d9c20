/**
 * Writes down what sessions say of their workers, and sends what is asked of workers.
 *
 * One statement at a time for all sessions of this supervisor, at most one a second; what changes meanwhile goes into the next, the
 * newest of each worker. Nothing is acknowledged by it: a new session begins with all workers as they stand. An operation is a
 * number in the row that is higher than the one the agent has told (level, not edge); each save, each news of another supervisor and
 * each sweep sends what is pending.
 */
import type { PendingOperation, SessionWorkerReports, WorkerReport } from '../../db/workers.ts';
import { listPendingOperations, saveWorkers } from '../../db/workers.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Clock, Timer } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import type { Session } from './session.ts';
import type { Store } from './store.ts';

export interface WorkerBookOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly sessionOf: (nodeId: string) => Session | undefined;
}

const INTERVAL_MS = 1_000;

interface Unsaved {
  readonly epoch: number;
  readonly isWhole: boolean;
  readonly workers: Map<string, WorkerReport>;
}

export class WorkerBook {
  readonly #options: WorkerBookOptions;
  /** By node. */
  #unsaved = new Map<string, Unsaved>();
  #timer: Timer | null = null;
  #savedAt = -Infinity;
  #isSaving = false;
  #isStopped = false;
  /** By node: who wants to know of changes. */
  readonly #listeners = new Map<string, Set<() => void>>();

  constructor(options: WorkerBookOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** A session has begun, with these workers. */
  opened({ nodeId, epoch }: Session, workers: readonly WorkerReport[]): void {
    const byName = new Map(workers.map((worker) => [worker.name, worker]));
    this.#add(nodeId, { epoch, isWhole: true, workers: byName });
  }

  /** A worker of a session has changed. */
  changed({ nodeId, epoch }: Session, worker: WorkerReport): void {
    this.#add(nodeId, { epoch, isWhole: false, workers: new Map([[worker.name, worker]]) });
  }

  /** Has `listener` called when what is stored of a node's workers has changed here, or something was asked of them. */
  onChange(nodeId: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(nodeId) ?? new Set();
    this.#listeners.set(nodeId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(nodeId) === listeners)
        this.#listeners.delete(nodeId);
    };
  }

  /** Something was asked of workers of these nodes. @throws MusterError `unavailable` */
  async operated(nodeIds: readonly string[]): Promise<void> {
    this.#tell(nodeIds);
    await this.deliver(nodeIds);
  }

  /** Sends what workers of these nodes have not taken on. @throws MusterError `unavailable` */
  async deliver(nodeIds: readonly string[]): Promise<void> {
    const here = nodeIds.filter((nodeId) => this.#options.sessionOf(nodeId) !== undefined);
    if (here.length === 0) return;
    this.#send(await this.#options.store.read((sql) => listPendingOperations(sql, here)));
  }

  #add(nodeId: string, news: Unsaved): void {
    const former = this.#unsaved.get(nodeId);
    if (former !== undefined && former.epoch > news.epoch) return;
    if (former === undefined || news.isWhole || former.epoch < news.epoch) {
      this.#unsaved.set(nodeId, news);
    } else {
      for (const [name, worker] of news.workers) former.workers.set(name, worker);
    }
    this.#arm();
  }

  #arm(): void {
    if (this.#timer !== null || this.#isSaving || this.#isStopped) return;
    const { clock } = this.#options;
    const waitMs = Math.max(this.#savedAt + INTERVAL_MS - clock.monotonic(), 0);
    this.#timer = clock.after(waitMs, () => {
      this.#timer = null;
      void this.#save();
    });
  }

  async #save(): Promise<void> {
    const { clock } = this.#options;
    const batch = this.#unsaved;
    this.#unsaved = new Map();
    this.#isSaving = true;
    try {
      await this.#write(batch);
    } finally {
      this.#isSaving = false;
      this.#savedAt = clock.monotonic();
      if (this.#unsaved.size > 0) this.#arm();
    }
  }

  /** What the database refuses of one node does not cost the others. Never rejects. */
  async #write(batch: ReadonlyMap<string, Unsaved>): Promise<void> {
    const { store, log } = this.#options;
    try {
      const pending = await store.read((sql) => saveWorkers(sql, reportsOf(batch)));
      this.#tell(batch.keys());
      this.#send(pending);
    } catch (error) {
      if (error instanceof MusterError && error.kind === 'unavailable') {
        this.#takeBack(batch);
      } else if (batch.size > 1) {
        for (const entry of batch) await this.#write(new Map([entry]));
      } else {
        log.error('cannot write down workers', { nodes: [...batch.keys()], error });
      }
    }
  }

  /** Under what has come since. */
  #takeBack(batch: ReadonlyMap<string, Unsaved>): void {
    const newer = this.#unsaved;
    this.#unsaved = new Map(batch);
    for (const [nodeId, unsaved] of newer) this.#add(nodeId, unsaved);
  }

  #tell(nodeIds: Iterable<string>): void {
    for (const nodeId of nodeIds) {
      for (const listener of this.#listeners.get(nodeId) ?? []) listener();
    }
  }

  #send(pending: readonly PendingOperation[]): void {
    for (const { nodeId, worker, operation, seq } of pending) {
      this.#options.sessionOf(nodeId)?.operate(worker, operation, seq);
    }
  }
}

function reportsOf(batch: ReadonlyMap<string, Unsaved>): SessionWorkerReports[] {
  return [...batch].map(([nodeId, { epoch, isWhole, workers }]) => ({
    nodeId,
    epoch,
    isWhole,
    workers: [...workers.values()],
  }));
}
