/**
 * The timer service: tells every task whose `wake_at` has come.
 *
 * Timers are rows, so they survive everything; the database's clock says what is due. One tick applies `timer.fired` to all that
 * is due and sleeps until the next wake time, at most a second, since another supervisor may set an earlier one. Several
 * supervisors may fire the same timer: the version check lets one through. A queued task is due only while its node is away and its
 * policy is not to wait for it: it is told so instead.
 */
import { listDueTasks } from '../../db/tasks.ts';
import type { DueTask } from '../../db/tasks.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Clock, Timer } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import type { Host } from './host.ts';
import type { Store } from './store.ts';

const MAX_SLEEP_MS = 1_000;
const BATCH = 500;
/** How soon a timer is tried again that was a moment too early. */
const EARLY_MS = 5;

export interface TimerServiceOptions {
  readonly store: Store;
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Logger;
  /** Silence after which a node is away, in ms; null while nobody could have heard it. */
  readonly deadAfterMs: () => number | null;
}

export class TimerService {
  readonly #options: TimerServiceOptions;
  #timer: Timer | null = null;
  /** When the tick is due, by the monotonic clock. */
  #dueAt = Infinity;
  #isTicking = false;
  /** The earliest wake time that was announced while a tick was under way, by the monotonic clock. */
  #announcedAt = Infinity;
  /** Timers that were found due by the database and too early by the stamp, as of the last tick. */
  #early = new Set<string>();
  #isStopped = false;

  constructor(options: TimerServiceOptions) {
    this.#options = options;
  }

  start(): void {
    this.#arm(0);
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** A committed snapshot wakes in `inMs`: the tick must not come later. */
  expect(inMs: number): void {
    const at = this.#options.clock.monotonic() + inMs;
    if (this.#isTicking) this.#announcedAt = Math.min(this.#announcedAt, at);
    else if (at < this.#dueAt) this.#arm(inMs);
  }

  /** Fires what is due. Returns how many timers were fired and when the next is due, in ms, or null. */
  async runOnce(): Promise<{ fired: number; nextInMs: number | null }> {
    const { store, deadAfterMs } = this.#options;
    const due = await store.read((sql) => listDueTasks(sql, BATCH, deadAfterMs()));
    const early = new Set<string>();
    const fire = async (task: DueTask) => {
      if (!(await this.#fire(task))) early.add(task.id);
    };
    await Promise.all(due.tasks.map(fire));
    // The two clocks differ by a little. Whoever is early a second time has another reason, and is not waited for.
    const isEarly = [...early].some((taskId) => !this.#early.has(taskId));
    this.#early = early;
    const isFull = due.tasks.length === BATCH && early.size < BATCH;
    const nextInMs = isFull ? 0 : (due.nextWakeInMs ?? Infinity);
    const earliest = isEarly ? Math.min(nextInMs, EARLY_MS) : nextInMs;
    return { fired: due.tasks.length, nextInMs: earliest === Infinity ? null : earliest };
  }

  /** Returns false if the timer had no effect. */
  async #fire({ id: taskId, isOffline, who }: DueTask): Promise<boolean> {
    const { host, log } = this.#options;
    try {
      const event = isOffline
        ? ({ type: 'target.offline', who } as const)
        : ({ type: 'timer.fired' } as const);
      const applied = await host.apply(taskId, event, false);
      return applied.kind === 'transition';
    } catch (error) {
      const isExpected = error instanceof MusterError && error.kind !== 'internal';
      if (!isExpected) log.error('a timer could not be fired', { taskId, error });
      return false;
    }
  }

  #arm(inMs: number): void {
    if (this.#isStopped) return;
    this.#timer?.cancel();
    this.#dueAt = this.#options.clock.monotonic() + inMs;
    this.#timer = this.#options.clock.after(inMs, () => void this.#tick());
  }

  async #tick(): Promise<void> {
    this.#isTicking = true;
    let sleepMs = MAX_SLEEP_MS;
    try {
      const { nextInMs } = await this.runOnce();
      sleepMs = Math.min(Math.max(nextInMs ?? MAX_SLEEP_MS, 1), MAX_SLEEP_MS);
    } catch (error) {
      const isExpected = error instanceof MusterError && error.kind === 'unavailable';
      if (!isExpected) this.#options.log.error('cannot read what is due', { error });
    } finally {
      this.#isTicking = false;
      const announcedInMs = this.#announcedAt - this.#options.clock.monotonic();
      this.#announcedAt = Infinity;
      this.#arm(Math.max(Math.min(sleepMs, announcedInMs), 0));
    }
  }
}
