/**
 * The reconciler: makes true, slowly and surely, what the fast paths should have made true at once.
 *
 * Every sweep looks at the running tasks of the nodes connected here and repeats what their state asks for; tells the tasks of
 * silent nodes, whoever held them, that their session is lost; looks after every fan-out and every drain under way; sends what is
 * asked of workers; and has the scheduler look for queued tasks that nobody announced.
 * It keeps nothing but what it saw missing the last time.
 */
import { listRunningTasks, listStrandedTasks } from '../../db/tasks.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Clock, Timer } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import type { Availability } from './availability.ts';
import type { Drains } from './drains.ts';
import type { FanOuts } from './fan-outs.ts';
import type { Host } from './host.ts';
import type { Scheduler } from './scheduler.ts';
import type { Session } from './session.ts';
import type { SessionRegistry } from './sessions.ts';
import type { Store } from './store.ts';
import type { WorkerBook } from './worker-book.ts';

export interface ReconcilerOptions {
  readonly store: Store;
  readonly availability: Availability;
  readonly host: Host;
  readonly sessions: SessionRegistry;
  readonly scheduler: Scheduler;
  readonly fanOuts: FanOuts;
  readonly drains: Drains;
  readonly book: WorkerBook;
  readonly clock: Clock;
  readonly log: Logger;
  /** Default 5 s. */
  readonly intervalMs: number;
}

const STRANDED_BATCH = 500;

export class Reconciler {
  readonly #options: ReconcilerOptions;
  #timer: Timer | null = null;
  #isStopped = false;
  /** Slots filled with a task that is not running, as of the last sweep. */
  #suspects = new Set<string>();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#arm();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** One sweep. Returns how many running tasks were looked at and how many were told of a lost session. */
  async runOnce(): Promise<{ running: number; stranded: number }> {
    const running = await this.#reconcileRunning();
    const stranded = await this.#tellStranded();
    await this.#options.fanOuts.sweep();
    await this.#options.drains.sweep();
    await this.#options.book.deliver(Array.from(this.#options.sessions.all(), (one) => one.nodeId));
    this.#options.scheduler.look(['', '*']);
    return { running, stranded };
  }

  async #reconcileRunning(): Promise<number> {
    const { store, sessions, intervalMs } = this.#options;
    const open = [...sessions.all()].filter((session) => session.isReady);
    if (open.length === 0) return 0;
    const nodeIds = open.map((session) => session.nodeId);
    const records = await sessions.reconcileAll(
      () => store.read((sql) => listRunningTasks(sql, nodeIds)),
      intervalMs,
    );
    this.#freeLeakedSlots(open, new Set(records.map((record) => record.id)));
    return records.length;
  }

  /** A slot whose task is not running in two sweeps in a row is free: its end came by another supervisor. */
  #freeLeakedSlots(open: readonly Session[], running: ReadonlySet<string>): void {
    const suspects = new Set<string>();
    for (const session of open) {
      for (const taskId of session.activeTaskIds) {
        // A proposal is on its way to the database, however slow that is.
        if (running.has(taskId) || session.assignedAttempt(taskId) === 0) continue;
        if (this.#suspects.has(taskId)) {
          session.release(taskId);
          this.#options.scheduler.capacity(session);
        } else {
          suspects.add(taskId);
        }
      }
    }
    this.#suspects = suspects;
  }

  /**
   * Signs of life are rows. While the database was away nobody could write one, so the sessions here are written down first, and
   * those of other supervisors get the time of two heartbeats.
   */
  async #tellStranded(): Promise<number> {
    const { store, host, sessions, availability } = this.#options;
    await sessions.touch();
    if (availability.upForMs < sessions.heartbeatIntervalMs * 2) return 0;
    const stranded = await store.read((sql) =>
      listStrandedTasks(sql, sessions.deadAfterMs, STRANDED_BATCH),
    );
    const others = stranded.filter(({ taskId, epoch }) => !sessions.isHeldHere(taskId, epoch));
    const told = await Promise.allSettled(
      others.map(({ taskId, ...lost }) =>
        host.apply(taskId, { type: 'session.lost', ...lost }, false),
      ),
    );
    for (const one of told) if (one.status === 'rejected') this.#report(one.reason);
    return others.length;
  }

  #arm(): void {
    if (this.#isStopped) return;
    this.#timer = this.#options.clock.after(this.#options.intervalMs, () => void this.#tick());
  }

  async #tick(): Promise<void> {
    try {
      await this.runOnce();
    } catch (error) {
      this.#report(error);
    } finally {
      this.#arm();
    }
  }

  #report(error: unknown): void {
    const isExpected = error instanceof MusterError && error.kind !== 'internal';
    if (!isExpected) this.#options.log.error('a sweep failed', { error });
  }
}
