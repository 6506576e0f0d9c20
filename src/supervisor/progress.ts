/**
 * How far running attempts say they are. No transition: nothing is decided by it, and only the newest counts.
 *
 *   agent ──► session ──► report ──┬──► memory ──► who watches or tails here, at once
 *                                  └──► once a second: the table, and a NOTIFY ──► the other supervisors read it
 */
import { readProgress, writeProgress } from '../../db/progress.ts';
import { notify } from '../../db/notify.ts';
import { readTasks } from '../../db/tasks.ts';
import type { TaskProgress, TaskRecord } from '../../db/records.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Clock, Timer } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import type { Changes } from './changes.ts';
import { encodeNews } from './news.ts';
import type { Store } from './store.ts';

const WRITE_INTERVAL_MS = 1_000;
/** Tasks whose progress is remembered; of others it is in the table. */
const MAX_REMEMBERED = 10_000;

export interface ProgressOptions {
  readonly store: Store;
  readonly changes: Changes;
  readonly supervisorId: string;
  readonly clock: Clock;
  readonly log: Logger;
}

export class ProgressBoard {
  readonly #options: ProgressOptions;
  /** By task; of attempts that report to this supervisor, and of those that were read for somebody who watches. */
  readonly #newest = new Map<string, TaskProgress>();
  readonly #unwritten = new Set<string>();
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  /** An agent tells it. Its session is the current one of the node; whether the attempt is, is seen when it is read. */
  report(taskId: string, progress: TaskProgress): void {
    if (this.#isStopped) return;
    this.#remember(taskId, progress);
    this.#unwritten.add(taskId);
    this.#timer ??= this.#options.clock.after(WRITE_INTERVAL_MS, () => void this.#write());
    void this.#publish(taskId);
  }

  /** What is known here without a look into the database; null for a task that does not run. */
  newest(record: TaskRecord): TaskProgress | null {
    return ofAttempt(record, this.#newest.get(record.id));
  }

  /** As `newest`, with what other supervisors have written. @throws MusterError `unavailable` */
  async find(record: TaskRecord): Promise<TaskProgress | null> {
    if (!isRunning(record)) return null;
    const known = this.newest(record);
    if (known !== null) return known;
    const rows = await this.#options.store.read((sql) => readProgress(sql, [record.id]));
    return ofAttempt(record, rows.get(record.id));
  }

  /** Reads what other supervisors have written about tasks that are watched here, and tells what is new. */
  async refresh(records: readonly TaskRecord[]): Promise<void> {
    const running = new Map(records.filter(isRunning).map((record) => [record.id, record]));
    for (const { id } of records) if (!running.has(id)) this.#newest.delete(id);
    for (const id of this.#unwritten) running.delete(id);
    if (running.size === 0) return;
    const rows = await this.#options.store.read((sql) => readProgress(sql, [...running.keys()]));
    for (const [id, progress] of rows) {
      const record = running.get(id) as TaskRecord;
      // Told here meanwhile: that is newer.
      if (this.#unwritten.has(id)) continue;
      if (ofAttempt(record, progress) === null || isSame(this.#newest.get(id), progress)) continue;
      this.#remember(id, progress);
      this.#options.changes.progressed(record, progress);
    }
  }

  /** A task has been committed here: what is over needs no progress. */
  committed(record: TaskRecord): void {
    if (this.#newest.size === 0 || isRunning(record)) return;
    this.#newest.delete(record.id);
    this.#unwritten.delete(record.id);
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #remember(taskId: string, progress: TaskProgress): void {
    this.#newest.delete(taskId);
    this.#newest.set(taskId, progress);
    const [oldest] = this.#newest.keys();
    if (this.#newest.size > MAX_REMEMBERED) this.#newest.delete(oldest as string);
  }

  /** Tells who watches; the record is read only if there is anybody. */
  async #publish(taskId: string): Promise<void> {
    const { store, changes, log } = this.#options;
    if (!changes.isProgressWanted(taskId)) return;
    try {
      const [record] = await store.read((sql) => readTasks(sql, [taskId]));
      const progress = record === undefined ? null : this.newest(record);
      if (record !== undefined && progress !== null) changes.progressed(record, progress);
    } catch (error) {
      // The next one comes soon.
      if (!(error instanceof MusterError)) log.error('cannot tell a progress', { taskId, error });
    }
  }

  async #write(): Promise<void> {
    this.#timer = null;
    const { store, supervisorId, log } = this.#options;
    const taskIds = [...this.#unwritten];
    const rows = taskIds.flatMap((id) => {
      const progress = this.#newest.get(id);
      return progress === undefined ? [] : [[id, progress] as const];
    });
    this.#unwritten.clear();
    if (rows.length === 0) return;
    const news = encodeNews({ from: supervisorId, taskIds, queuedFor: [], sessions: [] });
    try {
      await store.read((sql) => writeProgress(sql, rows));
      await store.read((sql) => notify(sql, news));
    } catch (error) {
      // Only who watches at another supervisor misses it, until the next one.
      if (!(error instanceof MusterError)) log.error('cannot write the progress', { error });
    }
  }
}

function isRunning({ snapshot }: TaskRecord): boolean {
  return snapshot.path.startsWith('running.');
}

function ofAttempt(record: TaskRecord, progress: TaskProgress | undefined): TaskProgress | null {
  if (progress === undefined || !isRunning(record)) return null;
  return progress.attempt === record.snapshot.context.attempt ? progress : null;
}

function isSame(one: TaskProgress | undefined, other: TaskProgress): boolean {
  return (
    one?.attempt === other.attempt &&
    one.fraction === other.fraction &&
    one.message === other.message
  );
}
