/**
 * What the other supervisors on the same database say, and what is done about it.
 *
 * Their news come by NOTIFY, one message per group commit. Everything here would happen without them as well, by polling: tasks
 * that are watched are read again every second, and the reconciler sweeps.
 */
import { listen } from '../../db/notify.ts';
import { readTasks } from '../../db/tasks.ts';
import type { Database } from '../../db/connect.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Clock, Timer } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import type { Changes } from './changes.ts';
import type { Host } from './host.ts';
import { decodeNews } from './news.ts';
import type { Scheduler } from './scheduler.ts';
import type { SessionRegistry } from './sessions.ts';
import type { Store } from './store.ts';

export interface PeersOptions {
  readonly database: Database;
  readonly supervisorId: string;
  readonly store: Store;
  readonly host: Host;
  readonly sessions: SessionRegistry;
  readonly scheduler: Scheduler;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly log: Logger;
}

const POLL_INTERVAL_MS = 1_000;

export class Peers {
  readonly #options: PeersOptions;
  /** Versions of watched tasks, as last published from here. */
  #seen = new Map<string, number>();
  #listening: { stop(): Promise<void> } | null = null;
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#listening = await listen(
      this.#options.database.sql,
      (payload) => this.hear(payload),
      () => {
        // Messages may have been lost: look at everything.
        this.#options.scheduler.look(['', '*']);
        void this.poll();
      },
    );
    this.#arm();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#listening?.stop();
  }

  hear(payload: string): void {
    const { host, scheduler, sessions, changes, supervisorId } = this.#options;
    const news = decodeNews(payload);
    if (news === null || news.from === supervisorId) return;
    for (const nodeId of news.sessions) sessions.replacedElsewhere(nodeId);
    if (news.queuedFor.length > 0) scheduler.look(news.queuedFor);
    if (news.taskIds === null) return void this.poll();
    host.forget(news.taskIds);
    if (changes.hasGeneralListeners || sessions.size > 0) return void this.#refresh(news.taskIds);
    const watched = new Set(changes.watchedTaskIds);
    void this.#refresh(news.taskIds.filter((taskId) => watched.has(taskId)));
  }

  /** Reads every watched task again and publishes what has changed unseen. */
  async poll(): Promise<void> {
    const { changes } = this.#options;
    const taskIds = [...new Set([...changes.watchedTaskIds, ...changes.tailedTaskIds])];
    await this.#refresh(taskIds);
    for (const taskId of changes.tailedTaskIds) changes.outputArrived(taskId);
  }

  async #refresh(taskIds: readonly string[]): Promise<void> {
    const { store, changes, sessions, log } = this.#options;
    if (taskIds.length === 0) return;
    try {
      const records = await store.read((sql) => readTasks(sql, taskIds));
      const seen = new Map<string, number>();
      for (const record of records) {
        seen.set(record.id, record.version);
        // A cancel that was committed elsewhere for a node that is connected here.
        if (record.snapshot.path.startsWith('running.')) sessions.reconcile(record, Infinity);
        if (this.#seen.get(record.id) === record.version) continue;
        changes.publish({ record, transitions: [], isDeleted: false });
      }
      const watched = new Set(changes.watchedTaskIds);
      this.#seen = new Map([...this.#seen, ...seen].filter(([taskId]) => watched.has(taskId)));
    } catch (error) {
      const isExpected = error instanceof MusterError && error.kind === 'unavailable';
      if (!isExpected) log.error('cannot read tasks that changed elsewhere', { error });
    }
  }

  #arm(): void {
    if (this.#isStopped) return;
    this.#timer = this.#options.clock.after(POLL_INTERVAL_MS, () => {
      void this.poll().finally(() => this.#arm());
    });
  }
}
