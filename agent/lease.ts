/**
 * Since when no supervisor has been heard. Where a lease is given with an attempt, so much silence ends the attempt.
 *
 * Written down about once a second, so that an agent that was dead for longer than a lease knows it when it starts. It may then
 * believe the silence to be a little longer than it was, never shorter.
 */
import type { Clock } from '../src/process/clock.ts';
import type { Journal } from './journal.ts';

const SAVE_INTERVAL_MS = 1_000;

export class Lease {
  readonly #journal: Journal;
  readonly #clock: Clock;
  /** Monotonic. */
  #heardAt: number;
  #savedAt = -Infinity;

  constructor(journal: Journal, clock: Clock) {
    this.#journal = journal;
    this.#clock = clock;
    const heardAt = journal.readHeardAt();
    const silentMs = heardAt === null ? 0 : Math.max(clock.now() - heardAt, 0);
    this.#heardAt = clock.monotonic() - silentMs;
  }

  /** A message of a supervisor has come. */
  heard(): void {
    this.#heardAt = this.#clock.monotonic();
    if (this.#heardAt - this.#savedAt < SAVE_INTERVAL_MS) return;
    this.#savedAt = this.#heardAt;
    try {
      this.#journal.saveHeardAt(this.#clock.now());
    } catch {
      // A full disk: what is written down is too old now, and a lease over too early. That is the safe side.
    }
  }

  /** How long a lease of `leaseMs` still holds; 0 or less when it is over. */
  leftMs(leaseMs: number): number {
    return leaseMs - (this.#clock.monotonic() - this.#heardAt);
  }
}
