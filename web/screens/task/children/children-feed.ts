/**
 * The children of a fan-out: listed page by page, and followed. What comes by both ways is told apart by its version. After a lost
 * connection all are listed again: the stream tells only of some of what was missed.
 */
import type { Task } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { explain, tasks } from '../../../connection.ts';
import { link } from '../../../live.ts';
import { type Child, childOf } from './states.ts';

const PAGE_SIZE = 200;
/** Between two pictures of what comes. */
const SHOW_INTERVAL_MS = 150;

export interface ChildrenState {
  /** In the order in which they start. */
  readonly children: readonly Child[];
  /** All pages have been read. */
  readonly isComplete: boolean;
  /** Why they cannot be read or followed; null while they can. */
  readonly failure: string | null;
}

export class ChildrenFeed {
  readonly #parentId: string;
  readonly #byId = new Map<string, Child>();
  readonly #listeners = new Set<() => void>();
  #state: ChildrenState = { children: [], isComplete: false, failure: null };
  #isComplete = false;
  #failure: string | null = null;
  #isShowing = false;
  /** Of the listing that counts: a later one has begun since, or none is wanted. */
  #listing = 0;

  constructor(parentId: string) {
    this.#parentId = parentId;
  }

  /** Follows until the returned function is called. */
  start(): () => void {
    const unsubscribe = link.subscribe(
      () => {
        // Called for each stream. What the stream brings meanwhile is newer than the list.
        void this.#list(++this.#listing);
        return { case: 'tasks', value: { filter: { parentId: this.#parentId } } };
      },
      (message) => {
        if (message.case === 'ended' && message.value.why !== '') {
          this.#failure = message.value.why;
          this.#show();
        }
        if (message.case !== 'task' || message.value.task === undefined) return;
        if (message.value.deleted) this.#byId.delete(message.value.task.id);
        else this.#take(message.value.task);
        this.#show();
      },
    );
    return () => {
      this.#listing += 1;
      unsubscribe();
    };
  }

  get state(): ChildrenState {
    return this.#state;
  }

  /** For useSyncExternalStore. */
  readonly onChange = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  async #list(listing: number): Promise<void> {
    try {
      let pageToken = '';
      do {
        const page = await tasks.listTasks({
          filter: { parentId: this.#parentId },
          pageSize: PAGE_SIZE,
          pageToken,
        });
        if (listing !== this.#listing) return;
        for (const task of page.tasks) this.#take(task);
        pageToken = page.nextPageToken;
        this.#show();
      } while (pageToken !== '');
      this.#isComplete = true;
      this.#failure = null;
    } catch (error) {
      if (listing !== this.#listing) return;
      this.#failure = explain(error);
    }
    this.#show();
  }

  #take(task: Task): void {
    const known = this.#byId.get(task.id);
    if (known === undefined || known.task.version <= task.version) {
      this.#byId.set(task.id, childOf(task));
    }
  }

  #show(): void {
    if (this.#isShowing) return;
    this.#isShowing = true;
    setTimeout(() => {
      this.#isShowing = false;
      const children = [...this.#byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
      this.#state = { children, isComplete: this.#isComplete, failure: this.#failure };
      for (const listener of this.#listeners) listener();
    }, SHOW_INTERVAL_MS);
  }
}
