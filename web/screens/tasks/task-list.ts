/**
 * The list of tasks as pages that are loaded while one scrolls, with live changes merged into them.
 *
 * Rows never move by themselves: a task that changes is replaced in its place, one that is deleted or matches no longer stays
 * where it is, and new ones are only counted until `reload`. Few pages are kept in memory; one that was dropped keeps its place
 * and is read again when it comes into view.
 */
import type { Task } from '../../../proto/gen/muster/v1/task_pb.ts';
import { type LoadedPage, type Place, findPage } from './page-places.ts';

export const PAGE_SIZE = 200;
/** Pages that keep their tasks: those around what is seen. */
const MAX_KEPT = 20;
/** Rows that can be reached by scrolling; further back leads a narrower filter. */
export const MAX_ROWS = 200_000;
/** New tasks that are counted one by one. */
export const MAX_NEWS = 10_000;
/** Versions that a subscription may name. */
const MAX_SEEN = 1_000;

export interface Change {
  readonly task: Task;
  readonly isDeleted: boolean;
}

interface Answer {
  readonly tasks: readonly Task[];
  readonly nextPageToken: string;
}

interface Source {
  /** Reads a page. @param token empty for the first one */
  readonly fetchPage: (token: string) => Promise<Answer>;
  /** Tells whether a task matches the filter as it is now. */
  readonly isMatching: (task: Task) => boolean;
}

export class TaskList {
  readonly #source: Source;
  #pages: LoadedPage[] = [];
  #places = new Map<string, Place>();
  #nextToken: string | null = '';
  #news = new Set<string>();
  #deleted = new Set<string>();
  #busy = new Set<string>();
  #listeners = new Set<() => void>();
  /** Counts what has changed; for useSyncExternalStore. */
  #revision = 0;
  /** Answers to questions of before a reload are thrown away. */
  #generation = 0;
  failure: unknown = null;
  /** The first page was read, or could not be. */
  isStarted = false;

  constructor(source: Source) {
    this.#source = source;
  }

  readonly onChange = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get revision(): number {
    return this.#revision;
  }

  /** Counts reloads. */
  get generation(): number {
    return this.#generation;
  }

  /** Rows that have a place, loaded or dropped. */
  get count(): number {
    const last = this.#pages.at(-1);
    return last === undefined ? 0 : last.start + last.size;
  }

  /** New tasks that wait for a reload. */
  get newCount(): number {
    return this.#news.size;
  }

  get hasMore(): boolean {
    return this.#nextToken !== null && this.count < MAX_ROWS;
  }

  /** There are older ones, which scrolling does not reach. */
  get isCut(): boolean {
    return this.#nextToken !== null && this.count >= MAX_ROWS;
  }

  get isLoading(): boolean {
    return this.#busy.size > 0;
  }

  /** The task of a row; null while its page is not in memory. */
  at(index: number): Task | null {
    const page = this.#pages[findPage(this.#pages, index)];
    return page?.tasks?.[index - page.start] ?? null;
  }

  find(id: string): Task | null {
    const place = this.#places.get(id);
    return place === undefined ? null : (place.page.tasks?.[place.offset] ?? null);
  }

  indexOf(id: string): number {
    const place = this.#places.get(id);
    return place === undefined ? -1 : place.page.start + place.offset;
  }

  isDeleted(id: string): boolean {
    return this.#deleted.has(id);
  }

  /** Tasks in memory that can be chosen. */
  get loadedCount(): number {
    const loaded = this.#pages.reduce((sum, { tasks }) => sum + (tasks?.length ?? 0), 0);
    return loaded - this.#deleted.size;
  }

  /** Ids of the rows from one to another, both included, as far as they are in memory. */
  idsBetween(from: number, to: number): string[] {
    const low = Math.min(from, to);
    const high = Math.max(from, to);
    return this.#pages
      .filter(({ start, size, tasks }) => tasks !== null && start <= high && start + size > low)
      .flatMap(({ start, tasks }) =>
        (tasks ?? []).slice(Math.max(low - start, 0), high - start + 1),
      )
      .map(({ id }) => id)
      .filter((id) => !this.#deleted.has(id));
  }

  /** Versions of tasks in memory, for a subscription: the newest rows first, then others that may still change. */
  seen(isFinal: (task: Task) => boolean): { id: string; version: number }[] {
    const known: { id: string; version: number }[] = [];
    for (const [number, { tasks }] of this.#pages.entries()) {
      for (const task of tasks ?? []) {
        if (known.length >= MAX_SEEN) return known;
        if (number > 0 && isFinal(task)) continue;
        if (!this.#deleted.has(task.id)) known.push({ id: task.id, version: task.version });
      }
    }
    return known;
  }

  /** Reads the newest page and begins anew with it; what is shown stays until it is there. */
  async reload(): Promise<void> {
    this.#generation += 1;
    this.#busy.clear();
    await this.#read('', (answer) => {
      this.#pages = [];
      this.#places.clear();
      this.#news.clear();
      this.#deleted.clear();
      this.#append('', answer);
    });
    this.isStarted = true;
    this.#notify();
  }

  /** Reads what could not be read. Until then nothing is asked for again. */
  async retry(): Promise<void> {
    if (this.#pages.length === 0) return await this.reload();
    this.failure = null;
    this.#notify();
  }

  /** Has the rows in view in memory, and what follows when their end is near. */
  show(first: number, last: number): void {
    if (this.failure !== null) return;
    const from = findPage(this.#pages, first);
    const to = findPage(this.#pages, last);
    for (let number = from; number <= to; number += 1) {
      const page = this.#pages[number];
      if (page !== undefined && page.tasks === null) void this.#restore(page);
    }
    if (this.isStarted && this.hasMore && last >= this.count - PAGE_SIZE / 2) {
      void this.#loadNext();
    }
    this.#drop(Math.floor((from + to) / 2));
  }

  /** Merges one live change. */
  apply({ task, isDeleted }: Change): void {
    const place = this.#places.get(task.id);
    if (place === undefined) this.#applyUnknown(task, isDeleted);
    else if (isDeleted) this.#deleted.add(task.id);
    else {
      const { page, offset } = place;
      const former = page.tasks?.[offset];
      if (page.tasks === null || former === undefined || task.version < former.version) return;
      page.tasks[offset] = task;
    }
    this.#notify();
  }

  #applyUnknown(task: Task, isDeleted: boolean): void {
    if (isDeleted || !this.#source.isMatching(task)) {
      this.#news.delete(task.id);
      return;
    }
    const newest = this.#pages[0]?.firstId;
    if (newest !== undefined && task.id <= newest && this.#hasPlaceFor(task.id)) return;
    if (this.#news.size < MAX_NEWS) this.#news.add(task.id);
  }

  /** Tells whether a task is on a page that was dropped or is still to come. */
  #hasPlaceFor(id: string): boolean {
    const page = this.#pages.find(({ firstId, lastId }) => id <= firstId && id >= lastId);
    if (page !== undefined) return page.tasks === null;
    return this.#nextToken !== null && id < (this.#pages.at(-1)?.lastId ?? '');
  }

  async #loadNext(): Promise<void> {
    const token = this.#nextToken;
    if (token === null || this.#busy.has(token)) return;
    await this.#read(token, (answer) => this.#append(token, answer));
  }

  /** Reads a dropped page again: what lies below its last task belongs to the next one. */
  async #restore(page: LoadedPage): Promise<void> {
    if (this.#busy.has(page.token)) return;
    await this.#read(page.token, ({ tasks }) => {
      page.tasks = tasks.filter(({ id }) => id >= page.lastId);
      page.size = page.tasks.length;
      this.#index(page);
      this.#placePages();
    });
  }

  async #read(token: string, use: (answer: Answer) => void): Promise<void> {
    const generation = this.#generation;
    this.#busy.add(token);
    try {
      const answer = await this.#source.fetchPage(token);
      if (generation !== this.#generation) return;
      this.failure = null;
      use(answer);
    } catch (error) {
      if (generation !== this.#generation) return;
      this.failure = error;
    }
    this.#busy.delete(token);
    this.#notify();
  }

  #append(token: string, { tasks, nextPageToken }: Answer): void {
    this.#nextToken = nextPageToken === '' ? null : nextPageToken;
    const first = tasks[0];
    const last = tasks.at(-1);
    if (first === undefined || last === undefined) return;
    const page: LoadedPage = {
      token,
      start: this.count,
      size: tasks.length,
      firstId: first.id,
      lastId: last.id,
      tasks: [...tasks],
    };
    this.#pages.push(page);
    this.#index(page);
  }

  #index(page: LoadedPage): void {
    for (const [offset, { id }] of (page.tasks ?? []).entries()) {
      this.#places.set(id, { page, offset });
      this.#news.delete(id);
    }
  }

  #placePages(): void {
    let start = 0;
    for (const page of this.#pages) {
      page.start = start;
      start += page.size;
    }
  }

  /** Drops the pages farthest from the one in view. */
  #drop(center: number): void {
    const kept = this.#pages.filter(({ tasks }) => tasks !== null);
    if (kept.length <= MAX_KEPT) return;
    const distance = (page: LoadedPage) => Math.abs(this.#pages.indexOf(page) - center);
    const far = kept.sort((a, b) => distance(b) - distance(a)).slice(0, kept.length - MAX_KEPT);
    for (const page of far) {
      for (const { id } of page.tasks ?? []) {
        this.#places.delete(id);
        this.#deleted.delete(id);
      }
      page.tasks = null;
    }
  }

  #notify(): void {
    this.#revision += 1;
    for (const listener of this.#listeners) listener();
  }
}
