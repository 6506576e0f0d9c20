/**
 * Watching tasks: what matches now, then every committed step, resumable by version.
 *
 * A watcher subscribes first and reads second, so nothing falls between. It remembers the version it has sent of each task; a
 * step that is missing (another supervisor's, or one lost on the way) is read from the history, so versions come without gap
 * or repeat (I4).
 */
import { listTasks, readTasks } from '../../db/tasks.ts';
import { listTransitions } from '../../db/transitions.ts';
import type { TaskFilter, TaskRecord } from '../../db/records.ts';
import { isFinalPath } from '../../machines/decide.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Clock } from '../process/clock.ts';
import type { Change, Changes } from './changes.ts';
import type { Store } from './store.ts';
import type { TaskChange } from './supervisor.ts';

/** Changes a slow reader may fall behind before it is told to come again. */
const MAX_BEHIND = 20_000;
/** Tasks sent as they stand at the beginning. */
const MAX_FIRST = 200;
const HISTORY_PAGE = 200;

export async function* watchTasks(
  store: Store,
  changes: Changes,
  filter: TaskFilter,
  seen: ReadonlyMap<string, number>,
  signal: AbortSignal,
): AsyncGenerator<TaskChange> {
  const sent = new Map(seen);
  const inbox = new Inbox(signal);
  const ids = filter.ids ?? [];
  const ends =
    ids.length > 0
      ? ids.map((taskId) => changes.onTask(taskId, (change) => inbox.put(change)))
      : [changes.onAny((change) => inbox.put(change))];
  try {
    for (const record of await readFirst(store, filter, seen)) {
      yield* stepsTo(
        store,
        sent,
        { record, transitions: [], isDeleted: false },
        seen.has(record.id),
      );
    }
    for await (const change of inbox) {
      const { record } = change;
      const isKnown = sent.has(record.id);
      // One that has been sent and matches no longer is sent once more, so that the reader can drop it.
      if (!isKnown && !matchesFilter(filter, record)) continue;
      yield* stepsTo(store, sent, change, isKnown || change.transitions.length > 0);
      if (!matchesFilter(filter, record)) sent.delete(record.id);
    }
  } finally {
    for (const end of ends) end();
  }
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
    (filter.scheduleId === undefined || filter.scheduleId === record.scheduleId) &&
    (filter.createdFrom === undefined || context.createdAt >= filter.createdFrom) &&
    (filter.createdUntil === undefined || context.createdAt < filter.createdUntil) &&
    (filter.idPrefix === undefined || record.id.startsWith(filter.idPrefix)) &&
    Object.entries(filter.labels ?? {}).every(([name, value]) => record.labels[name] === value)
  );
}

/** The node of the current or last attempt, else the one it is bound to, else null. */
export function nodeOf(record: TaskRecord): string | null {
  const { current, ended, target } = record.snapshot.context;
  return current?.nodeId ?? ended?.nodeId ?? (target.kind === 'node' ? target.nodeId : null);
}

async function readFirst(
  store: Store,
  filter: TaskFilter,
  seen: ReadonlyMap<string, number>,
): Promise<TaskRecord[]> {
  const known = [...seen.keys()];
  const again = known.length === 0 ? [] : await store.read((sql) => readTasks(sql, known));
  const matching = await store.read((sql) => listTasks(sql, filter, MAX_FIRST, null));
  const fresh = matching.filter((record) => !seen.has(record.id));
  return [...again, ...fresh.reverse()];
}

/** Yields the steps from the version that was sent last up to this change. */
async function* stepsTo(
  store: Store,
  sent: Map<string, number>,
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
  sent.set(record.id, record.version);
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
    if (page.length === 0) return;
    for (const transition of page) {
      if (transition.version > record.version) return;
      last = transition.version;
      yield transition;
    }
  }
}

/** What has happened and is not read yet. Bounded: who falls too far behind must come again. */
class Inbox implements AsyncIterable<Change> {
  readonly #signal: AbortSignal;
  #changes: Change[] = [];
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

  async *[Symbol.asyncIterator](): AsyncGenerator<Change> {
    while (!this.#signal.aborted) {
      for (const change of this.#changes.splice(0)) yield change;
      if (this.#isOverfull) {
        throw new MusterError(
          'resource_exhausted',
          `The watcher is ${MAX_BEHIND} changes behind; watch again from the versions you have seen`,
        );
      }
      if (this.#changes.length > 0 || this.#signal.aborted) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }
}
