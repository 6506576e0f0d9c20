/**
 * Whether the database answers, as last seen.
 *
 * Whoever loses a connection reports it here; from then on calls are refused at once with `unavailable`, and what must not be
 * given up waits in `whenUp`, until a probe has gone through again.
 */
import { MusterError } from '../../machines/errors.ts';
import type { Clock, Timer } from '../process/clock.ts';
import { sleep } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';

const FIRST_PROBE_MS = 50;
const MAX_PROBE_MS = 1_000;
/** A loss so soon after the last one is the same trouble: a full disk refuses writes and lets probes through. */
const SAME_TROUBLE_MS = 5_000;

export class Availability {
  readonly #probe: () => Promise<unknown>;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #stopped: Promise<void>;
  #up: Promise<void> | null = null;
  #upSince: number;
  /** When the trouble began that is there now, or was a moment ago, by the monotonic clock. */
  #troubleSince = 0;
  #delayMs = FIRST_PROBE_MS;
  /** Says that it is over. */
  #over: Timer | null = null;
  /** Those who want to know of the next loss. */
  #losses: (() => void)[] = [];

  /** @param probe resolves when the database answers; must fail by itself when no answer comes */
  constructor(probe: () => Promise<unknown>, clock: Clock, log: Logger) {
    this.#probe = probe;
    this.#clock = clock;
    this.#log = log;
    this.#upSince = clock.monotonic();
    this.#stopped = new Promise((resolve) => {
      this.#stop.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  get isUp(): boolean {
    return this.#up === null;
  }

  /** For how long it has answered without a known loss, ms; 0 while it does not. */
  get upForMs(): number {
    return this.isUp ? this.#clock.monotonic() - this.#upSince : 0;
  }

  /** @throws MusterError `unavailable` while the database does not answer */
  check(): void {
    if (this.#up !== null) throw unavailable();
  }

  /** Somebody lost the connection. */
  reportLoss(error: unknown): void {
    if (this.#up !== null || this.#stop.signal.aborted) return;
    if (this.#over !== null) {
      this.#over.cancel();
      this.#over = null;
    } else {
      this.#troubleSince = this.#clock.monotonic();
      this.#delayMs = FIRST_PROBE_MS;
      this.#log.warn('the database cannot be used; waiting for it', { error });
    }
    this.#up = this.#waitForAnswer();
    for (const resolve of this.#losses.splice(0)) resolve();
  }

  /** Resolves when the database answers. Rejects with `unavailable` if the supervisor stops first. */
  async whenUp(): Promise<void> {
    // A probe takes as long as it takes to see that no answer comes; a stop does not wait for it.
    await Promise.race([this.#up, this.#stopped]);
    if (this.#stop.signal.aborted) throw unavailable();
  }

  /** Resolves when the database does not answer. */
  whenLost(): Promise<void> {
    if (!this.isUp) return Promise.resolve();
    return new Promise((resolve) => this.#losses.push(resolve));
  }

  stop(): void {
    this.#over?.cancel();
    this.#stop.abort();
  }

  async #waitForAnswer(): Promise<void> {
    const { signal } = this.#stop;
    // Not at once: the pool has to learn first which of its connections are gone.
    await this.#pause();
    while (!signal.aborted) {
      try {
        await this.#probe();
        this.#up = null;
        this.#upSince = this.#clock.monotonic();
        this.#over = this.#clock.after(SAME_TROUBLE_MS, () => this.#sayOver());
        return;
      } catch {
        // Said once by reportLoss; every further failure is the same news.
        await this.#pause();
      }
    }
  }

  async #pause(): Promise<void> {
    const delayMs = this.#delayMs;
    this.#delayMs = Math.min(delayMs * 2, MAX_PROBE_MS);
    await sleep(this.#clock, delayMs, this.#stop.signal);
  }

  #sayOver(): void {
    this.#over = null;
    const silentMs = Math.round(this.#upSince - this.#troubleSince);
    this.#log.info('the database can be used again', { silentMs });
  }
}

function unavailable(): MusterError {
  return new MusterError(
    'unavailable',
    'The database does not answer at the moment; nothing was changed, try again in a while',
  );
}
