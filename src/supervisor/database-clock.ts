/**
 * The database's clock, as seen from here.
 *
 * All supervisors stamp events with it, so that deadlines mean the same wherever they are decided. The difference to the own
 * monotonic clock is measured at the start and every half minute; the quickest of a few answers counts.
 */
import { readDatabaseTime } from '../../db/clock.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Clock, Timer } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import type { Store } from './store.ts';

const INTERVAL_MS = 30_000;
const SAMPLES = 3;

export class DatabaseClock {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** Database time minus monotonic time, ms. */
  #offset = 0;
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(store: Store, clock: Clock, log: Logger) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  /** ms since 1970. */
  now(): number {
    return Math.round(this.#clock.monotonic() + this.#offset);
  }

  async start(): Promise<void> {
    await this.measure();
    this.#arm();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async measure(): Promise<void> {
    let quickest = Infinity;
    for (let sample = 0; sample < SAMPLES; sample += 1) {
      const askedAt = this.#clock.monotonic();
      const databaseTime = await this.#store.read((sql) => readDatabaseTime(sql));
      const tookMs = this.#clock.monotonic() - askedAt;
      if (tookMs >= quickest) continue;
      quickest = tookMs;
      this.#offset = databaseTime + tookMs / 2 - (askedAt + tookMs);
    }
  }

  #arm(): void {
    if (this.#isStopped) return;
    this.#timer = this.#clock.after(INTERVAL_MS, () => {
      this.measure()
        .catch((error: unknown) => {
          const isExpected = error instanceof MusterError && error.kind === 'unavailable';
          if (!isExpected) this.#log.error('cannot read the clock of the database', { error });
        })
        .finally(() => this.#arm());
    });
  }
}
