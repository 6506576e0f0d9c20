/**
 * The timer service: tells every task whose `wake_at` has come.
 *
 * Timers are rows, so they survive everything; the database's clock says what is due. One tick applies `timer.fired` to all that
 * is due and sleeps until the next wake time, at most a second, since another supervisor may set an earlier one. Several
 * supervisors may fire the same timer: the version check lets one through.
 */
import { listDueTasks } from '../../db/tasks.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Clock, Timer } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import type { Host } from './host.ts';
import type { Store } from './store.ts';

const MAX_SLEEP_MS = 1_000;
const BATCH = 500;
/** How soon a timer is tried again that was a moment too early. */
const EARLY_MS = 5;

export class TimerService {
  readonly #store: Store;
  readonly #host: Host;
  readonly #clock: Clock;
  readonly #log: Logger;
  #timer: Timer | null = null;
  /** When the tick is due, by the monotonic clock. */
  #dueAt = Infinity;
  #isTicking = false;
  /** The earliest wake time that was announced while a tick was under way, by the monotonic clock. */
  #announcedAt = Infinity;
  /** Timers that were found due by the database and too early by the stamp, as of the last tick. */
  #early = new Set<string>();
  #isStopped = false;

  constructor(store: Store, host: Host, clock: Clock, log: Logger) {
    this.#store = store;
    this.#host = host;
    this.#clock = clock;
    this.#log = log;
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
    const at = this.#clock.monotonic() + inMs;
    if (this.#isTicking) this.#announcedAt = Math.min(this.#announcedAt, at);
    else if (at < this.#dueAt) this.#arm(inMs);
  }

  /** Fires what is due. Returns how many timers were fired and when the next is due, in ms, or null. */
  async runOnce(): Promise<{ fired: number; nextInMs: number | null }> {
    const due = await this.#store.read((sql) => listDueTasks(sql, BATCH));
    const early = new Set<string>();
    const fire = async (taskId: string) => {
      if (!(await this.#fire(taskId))) early.add(taskId);
    };
    await Promise.all(due.taskIds.map(fire));
    // The two clocks differ by a little. Whoever is early a second time has another reason, and is not waited for.
    const isEarly = [...early].some((taskId) => !this.#early.has(taskId));
    this.#early = early;
    const isFull = due.taskIds.length === BATCH && early.size < BATCH;
    const nextInMs = isFull ? 0 : (due.nextWakeInMs ?? Infinity);
    const earliest = isEarly ? Math.min(nextInMs, EARLY_MS) : nextInMs;
    return { fired: due.taskIds.length, nextInMs: earliest === Infinity ? null : earliest };
  }

  /** Returns false if the timer had no effect. */
  async #fire(taskId: string): Promise<boolean> {
    try {
      const applied = await this.#host.apply(taskId, { type: 'timer.fired' }, false);
      return applied.kind === 'transition';
    } catch (error) {
      const isExpected = error instanceof MusterError && error.kind !== 'internal';
      if (!isExpected) this.#log.error('a timer could not be fired', { taskId, error });
      return false;
    }
  }

  #arm(inMs: number): void {
    if (this.#isStopped) return;
    this.#timer?.cancel();
    this.#dueAt = this.#clock.monotonic() + inMs;
    this.#timer = this.#clock.after(inMs, () => void this.#tick());
  }

  async #tick(): Promise<void> {
    this.#isTicking = true;
    let sleepMs = MAX_SLEEP_MS;
    try {
      const { nextInMs } = await this.runOnce();
      sleepMs = Math.min(Math.max(nextInMs ?? MAX_SLEEP_MS, 1), MAX_SLEEP_MS);
    } catch (error) {
      const isExpected = error instanceof MusterError && error.kind === 'unavailable';
      if (!isExpected) this.#log.error('cannot read what is due', { error });
    } finally {
      this.#isTicking = false;
      const announcedInMs = this.#announcedAt - this.#clock.monotonic();
      this.#announcedAt = Infinity;
      this.#arm(Math.max(Math.min(sleepMs, announcedInMs), 0));
    }
  }
}
