/**
 * Work that is done again and again, each time some while after the last time has ended: the loop of a background service.
 *
 * It only ticks. What fails is logged and done again; that the database is away is known anyway and not worth a line.
 */
import { MusterError } from '../../machines/errors.ts';
import type { Clock, Timer } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';

export interface PeriodicOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** From the end of one time to the begin of the next. */
  readonly intervalMs: number;
  readonly act: () => Promise<unknown>;
  /** What it cannot do when it fails, for the log: `count tasks`. */
  readonly purpose: string;
}

export class Periodic {
  readonly #options: PeriodicOptions;
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(options: PeriodicOptions) {
    this.#options = options;
  }

  /** Asked by work of several steps before each of them. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** The first time comes after the interval. */
  start(): void {
    this.#arm();
  }

  /** What is under way goes on. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    if (this.#isStopped) return;
    const { clock, intervalMs } = this.#options;
    this.#timer = clock.after(intervalMs, () => void this.#tick());
  }

  async #tick(): Promise<void> {
    const { act, log, purpose } = this.#options;
    try {
      await act();
    } catch (error) {
      const isExpected = error instanceof MusterError && error.kind === 'unavailable';
      if (!isExpected) log.error(`cannot ${purpose}`, { error });
    } finally {
      this.#arm();
    }
  }
}
