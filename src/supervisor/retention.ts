/**
 * The retention service: deletes what has been kept long enough, in small batches, on every supervisor.
 *
 * Final tasks go with their output and history, which may also go before them, by age or because all output together is too
 * much. Tasks that are not final, and children of such, lose nothing. Contents of files, sets of nodes and names of tasks go once nothing
 * refers to them, measurements of hosts after a day, counts of steps after two. What a batch could not delete is found again by the next
 * run. Watchers are not told: what goes has been final for as long
 * as it was kept.
 */
import { expireHistories, expireOutput, readOutputBytes } from '../../db/expiry.ts';
import type { ExpiredBatch } from '../../db/expiry.ts';
import { deleteUnusedContents } from '../../db/file-contents.ts';
import { deleteUnusedNodeSets } from '../../db/node-sets.ts';
import { deleteOldNodeMetrics } from '../../db/node-metrics.ts';
import { expireDays, makeDays } from '../../db/partitions.ts';
import { deleteOldRequests, deleteOldTasks, deleteUnusedNames } from '../../db/retention.ts';
import { deleteOldStepCounts } from '../../db/step-counts.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import { pruneSchedules } from './schedules/history.ts';
import { Periodic } from './periodic.ts';
import type { Store } from './store.ts';

export interface RetentionOptions {
  readonly store: Pick<Store, 'read'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long a task is kept after its end, in ms, at least 1 h; null for ever. */
  readonly keepTasksMs: number | null;
  /** The same for its output and for its history. Default null: as long as the task. Histories of schedules go by the latter as well. */
  readonly keepOutputMs?: number | null;
  readonly keepHistoryMs?: number | null;
  /** Output of all tasks together, from 0; the oldest final tasks lose theirs. Default null: no such bound. */
  readonly maxOutputBytes?: number | null;
  /** How long the answer to a request is kept, in ms. Default 7 days. */
  readonly keepRequestsMs?: number;
  /** Rows of one statement, from 1. Default 500. */
  readonly batch?: number;
  /** Between two runs. Default 10 min. */
  readonly intervalMs?: number;
}

const HOUR_MS = 3_600_000;
/** What a run has deleted. */
export interface Deleted {
  /** Days of output or history, whole. */
  days: number;
  tasks: number;
  requests: number;
  /** Of files. */
  contents: number;
  /** Of nodes. */
  sets: number;
  /** Of tasks, that none has any more. */
  names: number;
  /** Points of hosts. */
  metrics: number;
  /** Minutes of steps. */
  counts: number;
  /** Tasks that have lost theirs. */
  outputs: number;
  histories: number;
  /** Of schedules. */
  steps: number;
  fires: number;
}

/** Used where nothing else is said: 30 days. */
export const DEFAULT_KEEP_TASKS_MS = 30 * 24 * HOUR_MS;
/** More than a supervisor may be away before output of a day without a partition goes with the rest. */
const DAYS_AHEAD = 7;
const KEEP_REQUESTS_MS = 7 * 24 * HOUR_MS;
/** An upload may be resumed, and a task be created for its content, for this long. */
const KEEP_CONTENTS_MS = 24 * HOUR_MS;
/** A content may have 100 MiB. */
const CONTENTS_BATCH = 10;
const KEEP_METRICS_MS = 24 * HOUR_MS;
const KEEP_COUNTS_MS = 48 * HOUR_MS;
/** Their rows are small, and there is one for each minute and node, or kind of step. */
const POINTS_PER_ROW_OF_BATCH = 10;
/** Names that one run looks at, as many batches: there may be as many names as tasks, and they are no hurry. */
const NAMES_BATCHES = 10;

export class RetentionService {
  readonly #options: Required<RetentionOptions>;
  readonly #loop: Periodic;
  /** Where the next run goes on to look for names that no task has. */
  #namesAfter: string | null = null;

  /** @throws MusterError `invalid_argument` if an option is out of its range */
  constructor(options: RetentionOptions) {
    this.#options = {
      keepOutputMs: null,
      keepHistoryMs: null,
      maxOutputBytes: null,
      keepRequestsMs: KEEP_REQUESTS_MS,
      batch: 500,
      intervalMs: 600_000,
      ...options,
    };
    const { keepTasksMs, keepOutputMs, keepHistoryMs, keepRequestsMs } = this.#options;
    const kept = [keepTasksMs, keepOutputMs, keepHistoryMs, keepRequestsMs];
    if (kept.some((ms) => ms !== null && !(ms >= HOUR_MS))) {
      throw new MusterError(
        'invalid_argument',
        'Cannot delete what is old: tasks, output, history and requests must be kept for at least 1 h',
      );
    }
    const { batch, intervalMs } = this.#options;
    if (!Number.isInteger(batch) || batch < 1 || !(intervalMs > 0)) {
      throw new MusterError(
        'invalid_argument',
        `Cannot delete what is old: the batch is ${batch} and the interval ${intervalMs} ms; both must be above 0`,
      );
    }
    const { clock, log } = this.#options;
    const act = () => this.#tick();
    this.#loop = new Periodic({ clock, log, intervalMs, act, purpose: 'delete what is old' });
  }

  start(): void {
    this.#loop.start();
  }

  stop(): void {
    this.#loop.stop();
  }

  /** Deletes all that is old enough, or less if stopped meanwhile. Returns how much was deleted by this supervisor. */
  async runOnce(): Promise<Deleted> {
    const { store, batch, keepRequestsMs } = this.#options;
    const days = await this.#turnDays();
    const tasks = await this.#deleteTasks();
    const outputs = (await this.#expireOldOutput()) + (await this.#expireExcessOutput());
    const histories = await this.#expireHistories();
    const requests = await this.#deleteAll(batch, () =>
      store.read((sql) => deleteOldRequests(sql, keepRequestsMs, batch)),
    );
    const contents = await this.#deleteAll(CONTENTS_BATCH, () =>
      store.read((sql) => deleteUnusedContents(sql, KEEP_CONTENTS_MS, CONTENTS_BATCH)),
    );
    const sets = await this.#deleteAll(batch, () =>
      store.read((sql) => deleteUnusedNodeSets(sql, batch)),
    );
    const names = await this.#deleteNames();
    const points = batch * POINTS_PER_ROW_OF_BATCH;
    const metrics = await this.#deleteAll(points, () =>
      store.read((sql) => deleteOldNodeMetrics(sql, KEEP_METRICS_MS, points)),
    );
    const counts = await this.#deleteAll(points, () =>
      store.read((sql) => deleteOldStepCounts(sql, KEEP_COUNTS_MS, points)),
    );
    const schedules = await this.#pruneSchedules();
    const unused = { requests, contents, sets, names };
    const gone = { days, tasks, ...unused, metrics, counts, outputs, histories };
    return { ...gone, ...schedules };
  }

  /** A schedule outlives its tasks: its history goes like theirs. */
  async #pruneSchedules(): Promise<{ steps: number; fires: number }> {
    const { store, log, keepTasksMs, keepHistoryMs } = this.#options;
    const keepMs = keepHistoryMs ?? keepTasksMs;
    if (keepMs === null) return { steps: 0, fires: 0 };
    const onFault = (id: string, why: string) =>
      log.error('the history of a schedule cannot be replayed and is kept', { id, why });
    return await pruneSchedules(store, keepMs, onFault, () => this.#loop.isStopped);
  }

  /** Makes the days to come and drops the old ones, so that little is left to be deleted one by one. */
  async #turnDays(): Promise<number> {
    const { store, keepTasksMs, keepOutputMs, keepHistoryMs } = this.#options;
    let dropped = 0;
    for (const [table, ownMs] of [
      ['output_pieces', keepOutputMs],
      ['transitions', keepHistoryMs],
    ] as const) {
      if (this.#loop.isStopped) break;
      await store.read((sql) => makeDays(sql, table, DAYS_AHEAD));
      const keepMs = Math.min(ownMs ?? Infinity, keepTasksMs ?? Infinity);
      if (keepMs < Infinity) dropped += await store.read((sql) => expireDays(sql, table, keepMs));
    }
    return dropped;
  }

  async #deleteTasks(): Promise<number> {
    const { store, batch, keepTasksMs } = this.#options;
    if (keepTasksMs === null) return 0;
    let tasks = 0;
    await this.#eachBatch(async (after) => {
      const done = await store.read((sql) => deleteOldTasks(sql, keepTasksMs, batch, after));
      tasks += done.deleted;
      return done.nextAfter;
    });
    return tasks;
  }

  async #deleteNames(): Promise<number> {
    const { store, batch } = this.#options;
    let names = 0;
    for (let done = 0; done < NAMES_BATCHES && !this.#loop.isStopped; done += 1) {
      const after = this.#namesAfter;
      const { deleted, nextAfter } = await store.read((sql) =>
        deleteUnusedNames(sql, batch, after),
      );
      names += deleted;
      this.#namesAfter = nextAfter;
      if (nextAfter === null) break;
    }
    return names;
  }

  /** Deletes batch by batch until one is not full. */
  async #deleteAll(batch: number, deleteBatch: () => Promise<number>): Promise<number> {
    let count = 0;
    while (!this.#loop.isStopped) {
      const deleted = await deleteBatch();
      count += deleted;
      if (deleted < batch) break;
    }
    return count;
  }

  async #expireOldOutput(): Promise<number> {
    const { store, batch: limit, keepOutputMs: keepMs } = this.#options;
    if (keepMs === null) return 0;
    return await this.#expire((after) =>
      store.read((sql) => expireOutput(sql, { keepMs, limit, after })),
    );
  }

  async #expireExcessOutput(): Promise<number> {
    const { store, batch: limit, maxOutputBytes } = this.#options;
    if (maxOutputBytes === null || this.#loop.isStopped) return 0;
    let excess = (await store.read(readOutputBytes)) - maxOutputBytes;
    return await this.#expire(async (after) => {
      const nothing = { tasks: 0, bytes: 0, nextAfter: null };
      if (excess <= 0) return nothing;
      const batch = { keepMs: null, limit, after };
      const done = await store.read((sql) => expireOutput(sql, batch, excess));
      excess -= done.bytes;
      return done;
    });
  }

  async #expireHistories(): Promise<number> {
    const { store, batch: limit, keepHistoryMs: keepMs } = this.#options;
    if (keepMs === null) return 0;
    return await this.#expire((after) =>
      store.read((sql) => expireHistories(sql, { keepMs, limit, after })),
    );
  }

  async #expire(expire: (after: string | null) => Promise<ExpiredBatch>): Promise<number> {
    let tasks = 0;
    await this.#eachBatch(async (after) => {
      const done = await expire(after);
      tasks += done.tasks;
      return done.nextAfter;
    });
    return tasks;
  }

  /** Goes on from the id that each batch returns, until that is null or the service is stopped. */
  async #eachBatch(next: (after: string | null) => Promise<string | null>): Promise<void> {
    let after: string | null = null;
    while (!this.#loop.isStopped) {
      after = await next(after);
      if (after === null) return;
    }
  }

  async #tick(): Promise<void> {
    const deleted = await this.runOnce();
    // Measurements and counts go all the time; they are not worth a line.
    const { metrics: _metrics, counts: _counts, ...others } = deleted;
    const count = Object.values(others).reduce((sum: number, n: number) => sum + n, 0);
    if (count > 0) this.#options.log.info('deleted what was old', { ...deleted });
  }
}
