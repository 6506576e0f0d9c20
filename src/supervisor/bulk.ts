/**
 * Acts on all tasks that match a filter, page by page, newest first. Called by the API; holds one page in memory.
 *
 * Tasks created meanwhile have larger ids than any page to come, so that a retry never meets what it has created. Only tasks in a
 * state that the action is for are matched, so the same call again finds what is left.
 */
import { MusterError } from '../../machines/errors.ts';
import type { TaskFilter, TaskRecord, TaskState, Tasks } from './supervisor.ts';

export type BulkVerb = 'cancel' | 'retry' | 'delete';

export type BulkItem =
  | {
      readonly kind: 'result';
      readonly id: string;
      readonly error: MusterError | null;
      readonly newId: string;
    }
  | {
      readonly kind: 'summary';
      readonly matched: number;
      readonly done: number;
      readonly failed: number;
      readonly firstIds: readonly string[];
    };

export interface BulkWish {
  readonly verb: BulkVerb;
  readonly filter: TaskFilter;
  readonly isAll: boolean;
  readonly isDryRun: boolean;
  /** Acts on one task; returns the id of the task it has created, or an empty text. */
  readonly act: (record: TaskRecord) => Promise<string>;
}

/** These share a few group commits. */
const PAGE_SIZE = 100;
const FIRST_IDS = 10;
const FINAL: readonly TaskState[] = ['completed', 'failed', 'timeout', 'cancelled'];
const LIVE: readonly TaskState[] = ['pending', 'running'];

/**
 * Yields a result for each task, then the summary; of a dry run only the summary.
 *
 * @throws MusterError `invalid_argument` if there is no condition or no state fits; `unavailable` and `internal` end it midway
 */
export async function* actOnMatching(
  tasks: Pick<Tasks, 'list'>,
  wish: BulkWish,
  signal: AbortSignal,
): AsyncGenerator<BulkItem> {
  const filter = fittingFilter(wish);
  let [matched, done, failed] = [0, 0, 0];
  const firstIds: string[] = [];
  let before: string | null = null;
  while (!signal.aborted) {
    const page: TaskRecord[] = await tasks.list(filter, PAGE_SIZE, before);
    const chosen = page.filter((record) => isOwn(wish, record));
    matched += chosen.length;
    firstIds.push(...chosen.slice(0, FIRST_IDS - firstIds.length).map(({ id }) => id));
    if (!wish.isDryRun) {
      // All of them are awaited, so that no failure is left unheard when one ends the stream.
      const settled = await Promise.allSettled(chosen.map((record) => attempt(wish, record)));
      for (const one of settled) {
        if (one.status === 'rejected') throw one.reason;
        if (one.value.error === null) done += 1;
        else failed += 1;
        yield one.value;
      }
    }
    if (page.length < PAGE_SIZE) break;
    before = page.at(-1)?.id ?? null;
  }
  if (!signal.aborted) yield { kind: 'summary', matched, done, failed, firstIds };
}

/** The children of a fan-out are retried and deleted with it, unless they are asked for by their parent. */
function isOwn({ verb, filter }: BulkWish, { parentId }: TaskRecord): boolean {
  return verb === 'cancel' || parentId === null || filter.parentId !== undefined;
}

/** Leaves only the states that the action is for. */
function fittingFilter({ verb, filter, isAll }: BulkWish): TaskFilter {
  if (Object.keys(filter).length === 0 && !isAll) {
    throw new MusterError(
      'invalid_argument',
      `Cannot ${verb} tasks: the filter has no condition; give one, or say all`,
    );
  }
  const legal = verb === 'cancel' ? LIVE : FINAL;
  const asked = filter.states ?? [];
  const states = legal.filter((state) => asked.length === 0 || asked.includes(state));
  if (states.length === 0) {
    throw new MusterError(
      'invalid_argument',
      `Cannot ${verb} tasks: none is in a state asked for (${asked.join(', ')}) that allows it; those are ${legal.join(', ')}`,
    );
  }
  return { ...filter, states };
}

async function attempt(
  { act }: BulkWish,
  record: TaskRecord,
): Promise<Extract<BulkItem, { kind: 'result' }>> {
  const { id } = record;
  try {
    return { kind: 'result', id, error: null, newId: await act(record) };
  } catch (error) {
    const isOfTask =
      error instanceof MusterError && error.kind !== 'unavailable' && error.kind !== 'internal';
    if (!isOfTask) throw error;
    return { kind: 'result', id, error, newId: '' };
  }
}
