/**
 * The schedule service: looks for schedules that are due, by the database's clock, and fires them.
 *
 * One tick fires all that is due and sleeps until the next due time, at most a second, since another supervisor may create an
 * earlier one, and since those that wait for their former tasks are looked through then: an end of a task is not announced.
 */
import { listReleasedSchedules } from '../../../db/schedule-moves.ts';
import { listDueSchedules } from '../../../db/schedules.ts';
import { MusterError } from '../../../machines/errors.ts';
import type { Clock, Timer } from '../../process/clock.ts';
import type { Logger } from '../../process/log.ts';
import type { Store } from '../store.ts';
import { fireDue } from './firing.ts';
import type { FiringOptions } from './firing.ts';

const MAX_SLEEP_MS = 1_000;
/** A fire that is a moment too early by the own clock is tried again after this. */
const MIN_SLEEP_MS = 5;
const BATCH = 1_000;

export interface ScheduleServiceOptions extends FiringOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}

export class ScheduleService {
  readonly #options: ScheduleServiceOptions;
  #timer: Timer | null = null;
  #isTicking = false;
  #isPoked = false;
  #isStopped = false;

  constructor(options: ScheduleServiceOptions) {
    this.#options = options;
  }

  start(): void {
    this.#arm(0);
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** Something may be due earlier than thought. */
  readonly poke = (): void => {
    if (this.#isTicking) this.#isPoked = true;
    else if (this.#timer !== null) this.#arm(0);
  };

  /** Fires what is due. Returns how many due times were written down, and when the next is due, ms from now, or null. */
  async runOnce(): Promise<{ fired: number; nextInMs: number | null }> {
    const { store } = this.#options;
    const released = await store.read((sql) => listReleasedSchedules(sql, BATCH));
    const { ids, nextInMs } = await store.read((sql) => listDueSchedules(sql, BATCH));
    const all = new Set([...released, ...ids]);
    const counts = await Promise.all(Array.from(all, (id) => this.#fire(id)));
    return { fired: counts.reduce((sum, count) => sum + count, 0), nextInMs };
  }

  async #fire(id: string): Promise<number> {
    try {
      return await fireDue(this.#options, id);
    } catch (error) {
      const isExpected = error instanceof MusterError && error.kind !== 'internal';
      if (!isExpected) this.#options.log.error('a schedule could not be fired', { id, error });
      return 0;
    }
  }

  #arm(inMs: number): void {
    if (this.#isStopped) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(inMs, () => void this.#tick());
  }

  async #tick(): Promise<void> {
    this.#isTicking = true;
    this.#isPoked = false;
    let sleepMs = MAX_SLEEP_MS;
    try {
      const { nextInMs } = await this.runOnce();
      sleepMs = Math.min(Math.max(nextInMs ?? MAX_SLEEP_MS, MIN_SLEEP_MS), MAX_SLEEP_MS);
    } catch (error) {
      const isExpected = error instanceof MusterError && error.kind === 'unavailable';
      if (!isExpected) this.#options.log.error('cannot read which schedules are due', { error });
    } finally {
      this.#isTicking = false;
      this.#arm(this.#isPoked ? 0 : sleepMs);
    }
  }
}
