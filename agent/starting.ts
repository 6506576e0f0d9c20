/**
 * A start that is under way and may never return: a directory service or a file system that hangs (I9).
 *
 *   starting ──returned──▶ started, failed
 *      │ the timeout of the attempt; PATIENCE_MS after a stop
 *      ▼
 *   given up ──▶ begun after all? ──yes──▶ started, to be stopped
 *                     └──no──▶ it never begins (I2)
 *
 * Called by Attempts. Whether it has begun is asked of the executor as after a restart of the agent: who asks first decides.
 */
import type { Clock, Timer } from '../src/process/clock.ts';
import type { Logger } from '../src/process/log.ts';
import { type AttemptRecord, nameOf } from './attempt-record.ts';
import type { FoundGroup, StartResult } from './executors/executor.ts';

/** How long a start may go on after a stop: the usual one returns at once, and its process is then ended in good order. */
const PATIENCE_MS = 2_000;

export interface StartingOptions {
  readonly nodeId: string;
  readonly record: AttemptRecord;
  readonly clock: Clock;
  readonly log: Logger;
  /** Starts it. Once `signal` has fired, what is not begun must not begin. */
  readonly start: (signal: AbortSignal) => Promise<StartResult>;
  /** What has not begun never will after this. */
  readonly find: () => Promise<FoundGroup>;
  /** Commits that the timeout is over. */
  readonly onOverdue: () => void;
}

export class Starting {
  /** How it came out. Rejects as the start does. */
  readonly over: Promise<StartResult>;
  readonly #options: StartingOptions;
  readonly #since: number;
  readonly #abort = new AbortController();
  readonly #deadline: Timer;
  #patience: Timer | null = null;
  #giveUp: () => void = () => {};

  constructor(options: StartingOptions) {
    this.#options = options;
    const { record, clock } = options;
    this.#since = clock.monotonic();
    const givenUp = new Promise<null>((resolve) => {
      this.#giveUp = () => resolve(null);
    });
    this.#deadline = clock.after(record.policy.timeoutMs, () => {
      if (record.stopCause === null) options.onOverdue();
      this.#giveUp();
    });
    if (record.stopCause !== null) this.stop();
    this.over = this.#run(givenUp);
  }

  /** The stop of it is committed: the start has a moment left. */
  stop(): void {
    this.#patience ??= this.#options.clock.after(PATIENCE_MS, () => this.#giveUp());
  }

  /** Takes no more part in it: the agent is ending, and the next one finds out what became of it. */
  abandon(): void {
    this.#deadline.cancel();
    this.#patience?.cancel();
  }

  async #run(givenUp: Promise<null>): Promise<StartResult> {
    const { start, find } = this.#options;
    const returned = start(this.#abort.signal);
    try {
      const result = await Promise.race([returned, givenUp]);
      if (result !== null) return result;
    } finally {
      this.abandon();
    }
    this.#abort.abort();
    const found = await find();
    if (found.kind === 'begun') return { kind: 'started', group: found.group };
    this.#watchOut(returned);
    const { nodeId, clock } = this.#options;
    const seconds = Math.round((clock.monotonic() - this.#since) / 1000);
    const why = `cannot start it on node ${nodeId}: the start has not returned for ${seconds} s`;
    return { kind: 'failed', why };
  }

  /** A start that returns after all has started nothing. Were it otherwise, that would be a defect, and a process too many. */
  #watchOut(returned: Promise<StartResult>): void {
    const { record, log } = this.#options;
    const attempt = nameOf(record);
    log.warn('a start does not return and is given up', { attempt, stopCause: record.stopCause });
    returned.then(
      (result) => {
        if (result.kind !== 'started') return;
        log.error('a start that was given up has started something', { attempt });
        result.group.signal('SIGKILL');
      },
      () => {},
    );
  }
}
