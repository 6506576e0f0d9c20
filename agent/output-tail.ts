/**
 * Follows the output files of running attempts: looks at their sizes again and again, and says where there is more.
 *
 * Called by Attempts. Looking is one fstat per file; while no attempt runs, nothing is done at all.
 */
import type { Clock, Timer } from '../src/process/clock.ts';
import type { AttemptOutput } from './output.ts';

/** How late a line may be seen. */
const LOOK_INTERVAL_MS = 30;

export class OutputTail {
  readonly #clock: Clock;
  readonly #followed = new Map<AttemptOutput, () => void>();
  #timer: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `onGrown` each time the output has grown, until `unfollow`. */
  follow(output: AttemptOutput, onGrown: () => void): void {
    this.#followed.set(output, onGrown);
    this.#timer ??= this.#clock.after(LOOK_INTERVAL_MS, () => this.#look());
  }

  unfollow(output: AttemptOutput): void {
    this.#followed.delete(output);
  }

  close(): void {
    this.#followed.clear();
    this.#timer?.cancel();
    this.#timer = null;
  }

  #look(): void {
    for (const [output, onGrown] of this.#followed) {
      try {
        if (output.refresh()) onGrown();
      } catch {
        // No file to be had now, for example: at the next look. When the attempt ends, it is an error.
      }
    }
    this.#timer =
      this.#followed.size === 0 ? null : this.#clock.after(LOOK_INTERVAL_MS, () => this.#look());
  }
}
