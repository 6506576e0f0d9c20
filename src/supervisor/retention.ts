/**
 * The retention service: deletes what has been kept long enough, in small batches, on every supervisor.
 *
 * Measurements of hosts go after a day. Final tasks go with their output and history; tasks that are not final, and children of such, lose nothing. What a batch
 * could not delete is found again by the next run. Watchers are not told: what goes has been final for as long as it was kept.
 */
import { deleteOldNodeMetrics } from '../../db/node-metrics.ts';
import { deleteOldRequests, deleteOldTasks } from '../../db/retention.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Clock, Timer } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import type { Store } from './store.ts';

export interface RetentionOptions {
  readonly store: Pick<Store, 'read'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long a task is kept after its end, in ms, at least 1 h; null for ever. */
  readonly keepTasksMs: number | null;
  /** How long the answer to a request is kept, in ms. Default 7 days. */
  readonly keepRequestsMs?: number;
  /** Rows of one statement, from 1. Default 500. */
  readonly batch?: number;
  /** Between two runs. Default 10 min. */
  readonly intervalMs?: number;
}

const HOUR_MS = 3_600_000;
/** Used where nothing else is said: 30 days. */
export const DEFAULT_KEEP_TASKS_MS = 30 * 24 * HOUR_MS;
const KEEP_REQUESTS_MS = 7 * 24 * HOUR_MS;
const KEEP_METRICS_MS = 24 * HOUR_MS;
/** Their rows are small, and there is one for each node and minute. */
const METRICS_PER_ROW_OF_BATCH = 10;

export class RetentionService {
  readonly #options: Required<RetentionOptions>;
  #timer: Timer | null = null;
  #isStopped = false;

  /** @throws MusterError `invalid_argument` if an option is out of its range */
  constructor(options: RetentionOptions) {
    this.#options = {
      ...options,
      keepRequestsMs: options.keepRequestsMs ?? KEEP_REQUESTS_MS,
      batch: options.batch ?? 500,
      intervalMs: options.intervalMs ?? 600_000,
    };
    const { keepTasksMs, keepRequestsMs, batch, intervalMs } = this.#options;
    const isKept = (ms: number) => ms >= HOUR_MS;
    if ((keepTasksMs !== null && !isKept(keepTasksMs)) || !isKept(keepRequestsMs)) {
      throw new MusterError(
        'invalid_argument',
        'Cannot delete what is old: tasks and requests must be kept for at least 1 h',
      );
    }
    if (!Number.isInteger(batch) || batch < 1 || !(intervalMs > 0)) {
      throw new MusterError(
        'invalid_argument',
        `Cannot delete what is old: the batch is ${batch} and the interval ${intervalMs} ms; both must be above 0`,
      );
    }
  }

  start(): void {
    this.#arm();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** Deletes all that is old enough, or less if stopped meanwhile. Returns how much was deleted by this supervisor. */
  async runOnce(): Promise<{ tasks: number; requests: number; metrics: number }> {
    const { store, batch, keepTasksMs, keepRequestsMs } = this.#options;
    let tasks = 0;
    let after: string | null = null;
    while (keepTasksMs !== null && !this.#isStopped) {
      const from: string | null = after;
      const done: { deleted: number; nextAfter: string | null } = await store.read((sql) =>
        deleteOldTasks(sql, keepTasksMs, batch, from),
      );
      tasks += done.deleted;
      after = done.nextAfter;
      if (after === null) break;
    }
    let requests = 0;
    while (!this.#isStopped) {
      const deleted = await store.read((sql) => deleteOldRequests(sql, keepRequestsMs, batch));
      requests += deleted;
      if (deleted < batch) break;
    }
    return { tasks, requests, metrics: await this.#deleteMetrics() };
  }

  async #deleteMetrics(): Promise<number> {
    const { store } = this.#options;
    const limit = this.#options.batch * METRICS_PER_ROW_OF_BATCH;
    let metrics = 0;
    while (!this.#isStopped) {
      const deleted = await store.read((sql) => deleteOldNodeMetrics(sql, KEEP_METRICS_MS, limit));
      metrics += deleted;
      if (deleted < limit) break;
    }
    return metrics;
  }

  #arm(): void {
    if (this.#isStopped) return;
    const { clock, intervalMs } = this.#options;
    this.#timer = clock.after(intervalMs, () => void this.#tick());
  }

  async #tick(): Promise<void> {
    const { log } = this.#options;
    try {
      const deleted = await this.runOnce();
      const { tasks, requests } = deleted;
      // Measurements go all the time; they are not worth a line.
      if (tasks + requests > 0) log.info('deleted what was old', deleted);
    } catch (error) {
      const isExpected = error instanceof MusterError && error.kind === 'unavailable';
      if (!isExpected) log.error('cannot delete what is old', { error });
    } finally {
      this.#arm();
    }
  }
}
