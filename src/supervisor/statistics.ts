/**
 * The statistics service: counts the tasks that have ended, in batches, notes once a minute how old the oldest pending task is, and
 * forgets what is older than statistics are kept.
 *
 * It runs on every supervisor; the database lets one at a time count, and one note a minute. Nothing depends on when it runs: what is not counted
 * yet is read beside the counts (db/statistics.ts), only slower.
 */
import { samplePendingAge } from '../../db/pending-ages.ts';
import { deleteOldStatistics, rollUpStatistics } from '../../db/statistics.ts';
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import { Periodic } from './periodic.ts';
import type { Store } from './store.ts';

export interface StatisticsOptions {
  readonly store: Pick<Store, 'read'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long counts are kept, by the time of creation of what they count, in ms; null for ever. */
  readonly keepMs: number | null;
  /** Tasks of one statement, from 1. Default 5,000. */
  readonly batch?: number;
  /** Between two runs. Default 5 s. */
  readonly intervalMs?: number;
}

/** Used where nothing else is said: 400 days, so that a month can be compared with the one a year before. */
export const DEFAULT_KEEP_STATISTICS_MS = 400 * 86_400_000;
/** Old counts are looked for once in so many runs: about every hour. */
const RUNS_PER_CLEANING = 720;

export class StatisticsService {
  readonly #options: Required<StatisticsOptions>;
  readonly #loop: Periodic;
  #runs = 0;

  constructor(options: StatisticsOptions) {
    this.#options = { batch: 5_000, intervalMs: 5_000, ...options };
    const { clock, log, intervalMs } = this.#options;
    const act = () => this.runOnce();
    this.#loop = new Periodic({ clock, log, intervalMs, act, purpose: 'count tasks' });
  }

  start(): void {
    this.#loop.start();
  }

  stop(): void {
    this.#loop.stop();
  }

  /** Counts all that has ended, or less if stopped or if another supervisor is at it. Returns how many tasks were counted here. */
  async runOnce(): Promise<number> {
    const { store, batch, keepMs } = this.#options;
    let counted = 0;
    if (!this.#loop.isStopped) await store.read(samplePendingAge);
    while (!this.#loop.isStopped) {
      const done = await store.read((sql) => rollUpStatistics(sql, batch));
      counted += done;
      if (done < batch) break;
    }
    if (keepMs !== null && !this.#loop.isStopped && this.#runs % RUNS_PER_CLEANING === 0) {
      await store.read((sql) => deleteOldStatistics(sql, keepMs));
    }
    this.#runs += 1;
    return counted;
  }
}
