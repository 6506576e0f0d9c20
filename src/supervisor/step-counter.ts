/**
 * Counts the steps of all machines: in memory as they are committed, by minute, and every 2 s in the database.
 *
 * Counting is one look into a map, so that commits do not wait for it. What is counted and not written when the process is killed, or
 * while the connection breaks, is lost: the counts may lack the steps of some seconds, and never have one too many. The steps
 * themselves are in the histories.
 */
import {
  addStepCounts,
  type MinuteCount,
  readStepCounts,
  type StepCount,
} from '../../db/step-counts.ts';
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import { Periodic } from './periodic.ts';
import type { Store } from './store.ts';

/** What of a committed step is counted. */
export interface CommittedStep {
  /** Empty for a creation. */
  readonly fromPath: string;
  readonly toPath: string;
  readonly event: { readonly type: string };
  /** In ms since 1970. */
  readonly at: number;
}

export interface StepCounterOptions {
  readonly store: Pick<Store, 'read'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between two times of writing. Default 2 s. */
  readonly intervalMs?: number;
}

const MINUTE_MS = 60_000;

export class StepCounter {
  readonly #options: StepCounterOptions;
  readonly #loop: Periodic;
  /** What is not written yet. */
  #counts = new Map<string, MinuteCount & { steps: number }>();

  constructor(options: StepCounterOptions) {
    this.#options = options;
    const { clock, log, intervalMs = 2_000 } = options;
    const act = () => this.writeOnce();
    this.#loop = new Periodic({
      clock,
      log,
      intervalMs,
      act,
      purpose: 'write how often steps were made',
    });
  }

  start(): void {
    this.#loop.start();
  }

  /** What is counted from here on is written by writeOnce only. */
  stop(): void {
    this.#loop.stop();
  }

  /** Counts steps that are committed. @param machine its name */
  count(machine: string, steps: readonly CommittedStep[]): void {
    for (const { fromPath: from, toPath: to, event, at } of steps) {
      const minuteAt = Math.floor(at / MINUTE_MS) * MINUTE_MS;
      const key = `${machine} ${minuteAt} ${from} ${event.type} ${to}`;
      const known = this.#counts.get(key);
      if (known !== undefined) known.steps += 1;
      else this.#counts.set(key, { machine, from, event: event.type, to, minuteAt, steps: 1 });
    }
  }

  /** Writes what was counted since the last time, in one statement. Returns how many rows it has. */
  async writeOnce(): Promise<number> {
    if (this.#counts.size === 0) return 0;
    // Not again after a failure: it may be stored.
    const counts = [...this.#counts.values()];
    this.#counts = new Map();
    await this.#options.store.read((sql) => addStepCounts(sql, counts));
    return counts.length;
  }

  /** Reads how often each step of these machines was made in the last `windowMs`, by all supervisors, as far as it is written. */
  async read(machines: readonly string[], windowMs: number): Promise<StepCount[]> {
    return await this.#options.store.read((sql) => readStepCounts(sql, machines, windowMs));
  }
}
