/**
 * The sets of nodes that tasks are queued for, as far as this supervisor knows: who is in which.
 *
 * The members of a set never change, so what is known is true. Sets without queued tasks are forgotten; the scheduler asks again when
 * there may be some.
 */
import { createHash } from 'node:crypto';
import { listQueuedNodeSets, readNodeSets, saveNodeSet } from '../../db/node-sets.ts';
import { SET_QUEUE_MARK } from '../../machines/task-context.ts';
import type { TaskTarget } from '../../machines/task-context.ts';
import type { Store } from './store.ts';
import type { NodeSelection } from './supervisor.ts';
import { resolveTargets } from './targets.ts';

/** Sets that are looked for at once; the next time goes on behind them. */
const LIMIT = 1_000;

/**
 * Returns where a task for any one node of a selection may run; what the selection comes to now is kept.
 *
 * @throws MusterError as resolveTargets
 */
export async function anyNodeOf(store: Store, selection: NodeSelection): Promise<TaskTarget> {
  const nodeIds = await resolveTargets(store, selection);
  const [only] = nodeIds;
  if (nodeIds.length === 1 && only !== undefined) return { kind: 'node', nodeId: only };
  const setId = createHash('sha256').update(nodeIds.join('\n')).digest('hex').slice(0, 32);
  await store.read((sql) => saveNodeSet(sql, setId, nodeIds));
  return { kind: 'any', setId };
}

/** Returns the nodes of which any one may take the task; empty where it is bound to one, or any at all may. */
export async function candidatesOf(store: Store, target: TaskTarget): Promise<readonly string[]> {
  if (target.kind === 'node' || target.setId === undefined) return [];
  const { setId } = target;
  return (await store.read((sql) => readNodeSets(sql, [setId]))).get(setId) ?? [];
}

/** Behind the names of all queues of sets. */
const END = `${SET_QUEUE_MARK}~`;

export class NodeSets {
  readonly #store: Store;
  /** Members by the name of the queue. */
  readonly #members = new Map<string, ReadonlySet<string>>();

  readonly #limit: number;
  /** The last queue that was found the time before; empty when that came to the end. */
  #foundUntil = '';

  /** @param limit sets that are looked for at once, default 1,000 */
  constructor(store: Store, limit = LIMIT) {
    this.#store = store;
    this.#limit = limit;
  }

  get size(): number {
    return this.#members.size;
  }

  has(queue: string): boolean {
    return this.#members.has(queue);
  }

  /** The queues of all sets that are known. */
  queues(): Iterable<string> {
    return this.#members.keys();
  }

  /** The queues of the sets that a node is in. */
  *queuesOf(nodeId: string): Iterable<string> {
    for (const [queue, members] of this.#members) if (members.has(nodeId)) yield queue;
  }

  forget(queue: string): void {
    this.#members.delete(queue);
  }

  /**
   * Learns the members of these queues, and with `isAll` of others that tasks are queued in, all of them in turn.
   *
   * @returns the queues that have been learnt, or were known already; and known ones in which no task is queued in the database
   * @throws MusterError `unavailable`
   */
  async learn(
    queues: Iterable<string>,
    isAll: boolean,
  ): Promise<{ readonly known: string[]; readonly empty: string[] }> {
    const wanted = new Set(queues);
    const found = isAll ? await this.#findQueued() : { queues: [], after: '', until: '' };
    for (const queue of found.queues) wanted.add(queue);
    const unknown = [...wanted].filter((queue) => !this.#members.has(queue));
    if (unknown.length > 0) {
      const ids = unknown.map((queue) => queue.slice(SET_QUEUE_MARK.length));
      const members = await this.#store.read((sql) => readNodeSets(sql, ids));
      for (const [id, nodeIds] of members) this.#members.set(SET_QUEUE_MARK + id, new Set(nodeIds));
    }
    const isPassed = (queue: string) => queue > found.after && queue <= found.until;
    return {
      known: [...wanted].filter((queue) => this.#members.has(queue)),
      empty: [...this.#members.keys()].filter((queue) => isPassed(queue) && !wanted.has(queue)),
    };
  }

  /** The next queues with tasks, and what was looked through for them: behind `after`, up to `until`. */
  async #findQueued(): Promise<{ queues: string[]; after: string; until: string }> {
    const after = this.#foundUntil;
    const ids = await this.#store.read((sql) =>
      listQueuedNodeSets(sql, after.slice(SET_QUEUE_MARK.length), this.#limit),
    );
    const queues = ids.map((id) => SET_QUEUE_MARK + id);
    const last = ids.length < this.#limit ? undefined : queues.at(-1);
    this.#foundUntil = last ?? '';
    return { queues, after, until: last ?? END };
  }
}
