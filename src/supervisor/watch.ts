/**
 * Watching tasks: what matches now, then every committed step, resumable by version.
 *
 * A watcher subscribes first and reads second, so nothing falls between. It remembers the version it has sent of each task; a
 * step that is missing (another supervisor's, or one lost on the way) is read from the history, so versions come without gap
 * or repeat (I4).
 */
import { listTasks } from '../../db/task-lists.ts';
import { readChangedTasks, readTasks } from '../../db/tasks.ts';
import { listTransitions } from '../../db/transitions.ts';
import type { TaskFilter, TaskRecord } from '../../db/records.ts';
import { isFinalPath } from '../../machines/decide.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Clock } from '../process/clock.ts';
import type { Change, Changes } from './changes.ts';
import type { ProgressBoard } from './progress.ts';
import type { Store } from './store.ts';
import type { TaskChange } from './supervisor.ts';

/** Changes a slow reader may fall behind before it is told to come again. */
const MAX_BEHIND = 20_000;
/** Tasks sent as they stand at the beginning. */
const MAX_FIRST = 200;
/** Tasks looked at again with one read. */
const AGAIN_AT_ONCE = 1_000;
/** Final tasks remembered as sent: they never change, but may be told of a second time. */
const MAX_FINAL = 10_000;
const HISTORY_PAGE = 200;

export async function* watchTasks(
  store: Store,
  changes: Changes,
  board: Pick<ProgressBoard, 'newest'>,
  filter: TaskFilter,
  seen: ReadonlyMap<string, number>,
  signal: AbortSignal,
): AsyncGenerator<TaskChange> {
  const sent = new SentVersions(seen);
  const inbox = new Inbox(signal);
  const ids = filter.ids ?? [];
  const ends =
    ids.length > 0
      ? ids.map((taskId) => changes.onTask(taskId, (change) => inbox.put(change)))
      : [changes.onAny((change) => inbox.put(change)), changes.onMissed(() => inbox.miss())];
  try {
    const withProgress = (one: TaskChange): TaskChange => ({
      ...one,
      progress: one.progress ?? board.newest(one.record),
    });
    for await (const one of look(store, filter, sent, [...seen])) yield withProgress(one);
    for await (const change of inbox) {
      const news =
        change === null
          ? look(store, filter, sent, sent.unfinished())
          : pass(store, filter, sent, change);
      for await (const one of news) yield withProgress(one);
    }
  } finally {
    for (const end of ends) end();
  }
}

/** Yields what has happened to the `known` tasks, and the newest others that match, as they stand. */
async function* look(
  store: Store,
  filter: TaskFilter,
  sent: SentVersions,
  known: readonly (readonly [id: string, version: number])[],
): AsyncGenerator<TaskChange> {
  for (let from = 0; from < known.length; from += AGAIN_AT_ONCE) {
    const some = known.slice(from, from + AGAIN_AT_ONCE);
    const again = await store.read((sql) => readChangedTasks(sql, some));
    for (const record of again) {
      yield* stepsTo(store, sent, { record, transitions: [], isDeleted: false }, true);
    }
  }
  const isKnown = new Set(known.map(([id]) => id));
  const matching = await store.read((sql) => listTasks(sql, filter, MAX_FIRST, null));
  for (const record of matching.filter(({ id }) => !isKnown.has(id)).reverse()) {
    yield* stepsTo(store, sent, { record, transitions: [], isDeleted: false }, sent.has(record.id));
  }
}

async function* pass(
  store: Store,
  filter: TaskFilter,
  sent: SentVersions,
  change: Change,
): AsyncGenerator<TaskChange> {
  const { record } = change;
  const isKnown = sent.has(record.id);
  // One that has been sent and matches no longer is sent once more, so that the reader can drop it.
  const isMatch = matchesFilter(filter, record);
  if (!isKnown && !isMatch) return;
  if (change.progress !== undefined) {
    // Of a state that the reader does not know yet: the step comes first, and the progress with it.
    if (sent.get(record.id) === record.version) {
      yield { record, transition: null, isDeleted: false, progress: change.progress };
    }
    return;
  }
  yield* stepsTo(store, sent, change, isKnown || change.transitions.length > 0);
  if (!isMatch) sent.delete(record.id);
}

/** Resolves when the task is final, the time has run out or the signal has fired. @throws MusterError `unknown_task` */
export async function waitForTask(
  store: Store,
  changes: Changes,
  clock: Clock,
  id: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<TaskRecord> {
  const ended = new AbortController();
  const timer = clock.after(timeoutMs, () => ended.abort());
  const inbox = new Inbox(AbortSignal.any([signal, ended.signal]));
  const end = changes.onTask(id, (change) => inbox.put(change));
  try {
    const [first] = await store.read((sql) => readTasks(sql, [id]));
    if (first === undefined) throw new MusterError('unknown_task', `There is no task ${id}`);
    let record = first;
    if (isFinalPath(record.snapshot.path)) return record;
    for await (const change of inbox) {
      if (change === null || change.record.version < record.version) continue;
      record = change.record;
      if (change.isDeleted || isFinalPath(record.snapshot.path)) break;
    }
    return record;
  } finally {
    timer.cancel();
    end();
  }
}

/** Tells whether a task is selected by a filter, as the database would. */
export function matchesFilter(filter: TaskFilter, record: TaskRecord): boolean {
  const { context, path } = record.snapshot;
  const [state] = path.split('.');
  const nodeId = nodeOf(record);
  const isAmong = <T>(values: readonly T[] | undefined, value: unknown) =>
    values === undefined || values.length === 0 || (values as readonly unknown[]).includes(value);
  return (
    isAmong(filter.states, state) &&
    isAmong(filter.types, record.type) &&
    isAmong(filter.nodeIds, nodeId) &&
    isAmong(filter.creators, record.creator) &&
    isAmong(filter.ids, record.id) &&
    (filter.parentId === undefined || filter.parentId === record.parentId) &&
    (filter.isTopLevel !== true || record.parentId === null) &&
    (filter.scheduleId === undefined || filter.scheduleId === record.scheduleId) &&
    (filter.createdFrom === undefined || context.createdAt >= filter.createdFrom) &&
    (filter.createdUntil === undefined || context.createdAt < filter.createdUntil) &&
    (filter.idPrefix === undefined || record.id.startsWith(filter.idPrefix.toLowerCase())) &&
    Object.entries(filter.labels ?? {}).every(([name, value]) => record.labels[name] === value) &&
    (filter.text === undefined || record.name.toLowerCase().includes(filter.text.toLowerCase()))
  );
}

/** The node of the current or last attempt, else the one it is bound to, else null. */
export function nodeOf(record: TaskRecord): string | null {
  const { current, ended, target } = record.snapshot.context;
  return current?.nodeId ?? ended?.nodeId ?? (target.kind === 'node' ? target.nodeId : null);
}

/** Yields the steps from the version that was sent last up to this change. */
async function* stepsTo(
  store: Store,
  sent: SentVersions,
  change: Change,
  isStepwise: boolean,
): AsyncGenerator<TaskChange> {
  const { record, isDeleted } = change;
  if (isDeleted) {
    sent.delete(record.id);
    yield { record, transition: null, isDeleted: true };
    return;
  }
  const last =
    sent.get(record.id) ?? (isStepwise ? record.version - change.transitions.length : -1);
  if (record.version <= last) return;
  sent.set(record);
  if (!isStepwise) {
    yield { record, transition: null, isDeleted: false };
    return;
  }
  const direct = change.transitions.filter((transition) => transition.version > last);
  const isWhole = direct.length === record.version - last;
  for await (const transition of isWhole ? direct : readSteps(store, record, last)) {
    yield { record, transition, isDeleted: false };
  }
}

async function* readSteps(store: Store, record: TaskRecord, after: number) {
  let last = after;
  while (last < record.version) {
    const page = await store.read((sql) => listTransitions(sql, record.id, last, HISTORY_PAGE));
    // The history has expired: the task as it stands.
    if (page.length === 0) {
      yield null;
      return;
    }
    for (const transition of page) {
      if (transition.version > record.version) return;
      last = transition.version;
      yield transition;
    }
  }
}

/** The version that was sent last of each task. Bounded by the tasks that are not final. */
class SentVersions {
  readonly #unfinished: Map<string, number>;
  readonly #final = new Map<string, number>();

  constructor(seen: ReadonlyMap<string, number>) {
    this.#unfinished = new Map(seen);
  }

  has(taskId: string): boolean {
    return this.get(taskId) !== undefined;
  }

  get(taskId: string): number | undefined {
    return this.#unfinished.get(taskId) ?? this.#final.get(taskId);
  }

  set({ id, version, snapshot }: TaskRecord): void {
    if (!isFinalPath(snapshot.path)) {
      this.#unfinished.set(id, version);
      return;
    }
    this.#unfinished.delete(id);
    this.#final.set(id, version);
    if (this.#final.size > MAX_FINAL) {
      const [oldest] = this.#final.keys();
      this.#final.delete(oldest as string);
    }
  }

  delete(taskId: string): void {
    this.#unfinished.delete(taskId);
    this.#final.delete(taskId);
  }

  /** The tasks that are not final, with their versions. */
  unfinished(): [id: string, version: number][] {
    return [...this.#unfinished];
  }
}

/** What has happened and is not read yet; null for changes that were missed. Bounded: who falls too far behind must come again. */
class Inbox implements AsyncIterable<Change | null> {
  readonly #signal: AbortSignal;
  #changes: Change[] = [];
  #hasMissed = false;
  #isOverfull = false;
  #wake: (() => void) | null = null;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake?.(), { once: true });
  }

  put(change: Change): void {
    if (this.#changes.length >= MAX_BEHIND) this.#isOverfull = true;
    else this.#changes.push(change);
    this.#wake?.();
  }

  miss(): void {
    this.#hasMissed = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Change | null> {
    while (!this.#signal.aborted) {
      for (const change of this.#changes.splice(0)) yield change;
      if (this.#isOverfull) {
        throw new MusterError(
          'resource_exhausted',
          `The watcher is ${MAX_BEHIND} changes behind; watch again from the versions you have seen`,
        );
      }
      if (this.#hasMissed) {
        this.#hasMissed = false;
        yield null;
      }
      if (this.#changes.length > 0 || this.#hasMissed || this.#signal.aborted) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }
}
