/**
 * What the other supervisors on the same database say, and what is done about it.
 *
 * Their news come by NOTIFY, one message per group commit. Everything here would happen without them as well, by polling: tasks
 * that are watched are read again every second, and the reconciler sweeps.
 */
import { listen } from '../../db/notify.ts';
import type { Listening } from '../../db/notify.ts';
import { readTasks } from '../../db/tasks.ts';
import type { Database } from '../../db/connect.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Clock, Timer } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import type { Changes } from './changes.ts';
import type { Drains } from './drains.ts';
import type { Host } from './host.ts';
import { decodeNews } from './news.ts';
import type { ProgressBoard } from './progress.ts';
import type { Scheduler } from './scheduler.ts';
import type { SessionRegistry } from './sessions.ts';
import type { Store } from './store.ts';
import type { WorkerBook } from './worker-book.ts';

export interface PeersOptions {
  readonly database: Database;
  /** Between two looks whether the connection that listens still does. Default 5 s. */
  readonly listenIntervalMs: number | undefined;
  readonly supervisorId: string;
  readonly store: Store;
  readonly host: Host;
  readonly sessions: SessionRegistry;
  readonly scheduler: Scheduler;
  readonly changes: Changes;
  readonly drains: Drains;
  readonly book: WorkerBook;
  readonly board: ProgressBoard;
  readonly clock: Clock;
  readonly log: Logger;
}

const POLL_INTERVAL_MS = 1_000;
/** Tasks read at once. */
const BATCH = 1_000;
/** News that are not read yet; past this many the tasks of other supervisors are left to the sweep. */
const MAX_UNREAD = 20_000;

export class Peers {
  readonly #options: PeersOptions;
  /** Versions of watched tasks, as last published from here. */
  #seen = new Map<string, number>();
  /** Tasks to be read again. */
  readonly #unread = new Set<string>();
  #isReading = false;
  /** Something has changed that nobody named. */
  #hasMissed = false;
  #listening: Listening | null = null;
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { database, listenIntervalMs, scheduler } = this.#options;
    this.#listening = await listen(database, {
      onNews: (payload) => this.hear(payload),
      onGap: () => {
        // Messages may have been lost: look at everything.
        this.#hasMissed = true;
        scheduler.look(['', '*']);
        void this.poll();
      },
      ...(listenIntervalMs !== undefined && { intervalMs: listenIntervalMs }),
    });
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
    for (const nodeId of news.sessions) {
      // A lost connection: the next sign of life finds out.
      sessions.replacedElsewhere(nodeId).catch(() => {});
    }
    for (const nodeId of news.nodes ?? []) this.#options.drains.look(nodeId);
    // A lost connection: the next sweep sends them.
    this.#options.book.operated(news.operated).catch(() => {});
    if (news.queuedFor.length > 0) scheduler.look(news.queuedFor);
    if (news.taskIds === null) {
      this.#hasMissed = true;
      return void this.poll();
    }
    host.forget(news.taskIds);
    const isAnyWanted = changes.hasGeneralListeners || sessions.size > 0;
    const watched = isAnyWanted ? null : new Set(changes.watchedTaskIds);
    void this.#note(news.taskIds.filter((taskId) => watched?.has(taskId) ?? true));
  }

  /** Has every watched task read again, to publish what has changed unseen. */
  poll(): Promise<void> {
    const { changes } = this.#options;
    for (const taskId of changes.tailedTaskIds) changes.outputArrived(taskId);
    return this.#note([...changes.watchedTaskIds, ...changes.tailedTaskIds]);
  }

  /** One read at a time: what is heard meanwhile goes into the next. Resolves when none is left to this call. */
  async #note(taskIds: readonly string[]): Promise<void> {
    for (const taskId of taskIds) {
      if (this.#unread.size < MAX_UNREAD) this.#unread.add(taskId);
      else this.#hasMissed = true;
    }
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (this.#unread.size > 0 && !this.#isStopped) {
        const batch = this.#unread.values().take(BATCH).toArray();
        for (const taskId of batch) this.#unread.delete(taskId);
        await this.#refresh(batch);
      }
    } finally {
      this.#isReading = false;
    }
  }

  async #refresh(taskIds: readonly string[]): Promise<void> {
    const { store, changes, sessions, log } = this.#options;
    try {
      // Also carries out a cancel that was committed elsewhere for a node that is connected here.
      const records = await sessions.reconcileAll(
        () => store.read((sql) => readTasks(sql, taskIds)),
        Infinity,
      );
      await this.#options.board.refresh(records);
      for (const record of records) {
        if (this.#seen.get(record.id) === record.version) continue;
        this.#seen.set(record.id, record.version);
        changes.publish({ record, transitions: [], isDeleted: false });
      }
      const watched = new Set(changes.watchedTaskIds);
      for (const taskId of this.#seen.keys()) if (!watched.has(taskId)) this.#seen.delete(taskId);
    } catch (error) {
      const isExpected = error instanceof MusterError && error.kind === 'unavailable';
      if (!isExpected) log.error('cannot read tasks that changed elsewhere', { error });
    }
  }

  #arm(): void {
    if (this.#isStopped) return;
    this.#timer = this.#options.clock.after(POLL_INTERVAL_MS, () => {
      // At most once a second, however much there was to miss.
      if (this.#hasMissed) this.#options.changes.missed();
      this.#hasMissed = false;
      void this.poll().finally(() => this.#arm());
    });
  }
}
