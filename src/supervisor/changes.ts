/**
 * The hub between commits and those who watch: every committed change of a task, and every arrival of output.
 *
 * Listeners are called in the order of the commits, after the commit, and must not block. News of other supervisors comes in
 * here as well, as the record alone; a listener that wants each step reads the steps between from the history.
 */
import type { TaskProgress, TaskRecord, TransitionRecord } from '../../db/records.ts';

export interface Change {
  readonly record: TaskRecord;
  /** The steps that led here, as far as they are known. */
  readonly transitions: readonly TransitionRecord[];
  readonly isDeleted: boolean;
  /** Given when nothing has changed but this. */
  readonly progress?: TaskProgress;
}

export type ChangeListener = (change: Change) => void;

export class Changes {
  readonly #all = new Set<ChangeListener>();
  readonly #byTask = new Map<string, Set<ChangeListener>>();
  readonly #output = new Map<string, Set<() => void>>();
  readonly #misses = new Set<() => void>();

  publish(change: Change): void {
    for (const listener of this.#all) listener(change);
    for (const listener of this.#byTask.get(change.record.id) ?? []) listener(change);
  }

  /** Other supervisors have changed tasks, and nobody knows which: who watches by a filter must look. */
  missed(): void {
    for (const listener of this.#misses) listener();
  }

  onMissed(listener: () => void): () => void {
    this.#misses.add(listener);
    return () => void this.#misses.delete(listener);
  }

  /** The attempt under way says how far it is. */
  progressed(record: TaskRecord, progress: TaskProgress): void {
    this.publish({ record, transitions: [], isDeleted: false, progress });
    this.outputArrived(record.id);
  }

  /** Tells whether anybody would be told of the progress of this task. */
  isProgressWanted(taskId: string): boolean {
    return this.#all.size > 0 || this.#byTask.has(taskId) || this.#output.has(taskId);
  }

  /** Output of this task has been stored. */
  outputArrived(taskId: string): void {
    for (const listener of this.#output.get(taskId) ?? []) listener();
  }

  /** @returns the end of the subscription */
  onAny(listener: ChangeListener): () => void {
    this.#all.add(listener);
    return () => void this.#all.delete(listener);
  }

  onTask(taskId: string, listener: ChangeListener): () => void {
    return subscribe(this.#byTask, taskId, listener);
  }

  onOutput(taskId: string, listener: () => void): () => void {
    return subscribe(this.#output, taskId, listener);
  }

  /** Tasks that somebody watches by name. */
  get watchedTaskIds(): string[] {
    return [...this.#byTask.keys()];
  }

  get tailedTaskIds(): string[] {
    return [...this.#output.keys()];
  }

  get hasGeneralListeners(): boolean {
    return this.#all.size > 0;
  }
}

function subscribe<L>(listeners: Map<string, Set<L>>, name: string, listener: L): () => void {
  const set = listeners.get(name) ?? new Set();
  set.add(listener);
  listeners.set(name, set);
  return () => {
    set.delete(listener);
    if (set.size === 0 && listeners.get(name) === set) listeners.delete(name);
  };
}
