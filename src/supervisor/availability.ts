/**
 * Whether the database answers, as last seen.
 *
 * Whoever loses a connection reports it here; from then on calls are refused at once with `unavailable`, and what must not be
 * given up waits in `whenUp`, until a probe has gone through again.
 */
import { MusterError } from '../../machines/errors.ts';
import type { Clock } from '../process/clock.ts';
import { sleep } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';

const FIRST_PROBE_MS = 50;
const MAX_PROBE_MS = 1_000;

export class Availability {
  readonly #probe: () => Promise<unknown>;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  #up: Promise<void> | null = null;

  /** @param probe resolves when the database answers */
  constructor(probe: () => Promise<unknown>, clock: Clock, log: Logger) {
    this.#probe = probe;
    this.#clock = clock;
    this.#log = log;
  }

  get isUp(): boolean {
    return this.#up === null;
  }

  /** @throws MusterError `unavailable` while the database does not answer */
  check(): void {
    if (this.#up !== null) throw unavailable();
  }

  /** Somebody lost the connection. */
  reportLoss(error: unknown): void {
    if (this.#up !== null || this.#stop.signal.aborted) return;
    this.#log.warn('the database does not answer; waiting for it', { error });
    this.#up = this.#waitForAnswer();
  }

  /** Resolves when the database answers. Rejects with `unavailable` if the supervisor stops first. */
  async whenUp(): Promise<void> {
    await this.#up;
    if (this.#stop.signal.aborted) throw unavailable();
  }

  stop(): void {
    this.#stop.abort();
  }

  async #waitForAnswer(): Promise<void> {
    const startedAt = this.#clock.monotonic();
    for (let delayMs = FIRST_PROBE_MS; !this.#stop.signal.aborted; ) {
      try {
        await this.#probe();
        this.#up = null;
        const silentMs = Math.round(this.#clock.monotonic() - startedAt);
        this.#log.info('the database answers again', { silentMs });
        return;
      } catch {
        // Said once by reportLoss; every further failure is the same news.
        await sleep(this.#clock, delayMs, this.#stop.signal);
        delayMs = Math.min(delayMs * 2, MAX_PROBE_MS);
      }
    }
  }
}

function unavailable(): MusterError {
  return new MusterError(
    'unavailable',
    'The database does not answer at the moment; nothing was changed, try again in a while',
  );
}
