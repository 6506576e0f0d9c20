/**
 * The scheduler: brings queued tasks to free workers, by priority, then age.
 *
 *   offer (a task was queued) ─┐
 *   capacity (a slot is free) ─┼─► pump ─► choose a pair (task, session) ─► attempt.dispatched ─► committed ─► Start
 *   look (others queued some) ─┘       └─► a queue ran empty: read its next tasks from the database
 *
 * It is authoritative for nothing: a pair is a proposal, and the version check of the commit decides. A task bound to a
 * node waits in that node's queue, one for any node of a set in the set's, one that any node may take in a common one; a free slot
 * takes the best of the heads. Bound tasks may be sent ahead of the slots (`prefetch`), since they cannot go elsewhere (I8).
 */
import { listQueuedTasks } from '../../db/tasks.ts';
import type { TaskRecord } from '../../db/records.ts';
import { MusterError } from '../../machines/errors.ts';
import { SET_QUEUE_MARK, queueOf } from '../../machines/task-context.ts';
import type { Logger } from '../process/log.ts';
import type { Host } from './host.ts';
import { NodeSets } from './node-sets.ts';
import { ReadyQueue, compareReady } from './ready-queue.ts';
import type { Session } from './session.ts';
import type { Store } from './store.ts';

const NONE: ReadyQueue[] = [];
/** Tasks read at once for each queue that ran empty. */
const REFILL_LIMIT = 200;

export interface SchedulerOptions {
  readonly store: Store;
  readonly host: Host;
  /** Sessions that take work: begun, not closing. */
  readonly sessions: () => Iterable<Session>;
  readonly sessionOf: (nodeId: string) => Session | undefined;
  readonly log: Logger;
}

export class Scheduler {
  readonly #options: SchedulerOptions;
  /** Of nodes and of sets, by name. */
  readonly #bound = new Map<string, ReadyQueue>();
  readonly #any = new ReadyQueue();
  readonly #sets: NodeSets;
  /** Sets to be learnt: their names, and whether there may be others. */
  #unlearnt: { queues: Set<string>; isAll: boolean } | null = null;
  #isLearning = false;
  /** Sessions whose capacity or queue has changed since the last pump. */
  readonly #dirty = new Set<Session>();
  /** Could take more, and came while the database was being read. */
  readonly #stillHungry = new Set<Session>();
  /** Proposed and not yet decided, with the node: what a read finds queued meanwhile is not offered again. */
  readonly #proposed = new Map<string, string>();
  #isAnyDirty = false;
  #isScheduled = false;
  #isReading = false;
  #isStopped = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#sets = new NodeSets(options.store);
  }

  /** A task has entered pending.queued. */
  offer(record: TaskRecord): void {
    const queue = queueOf(record.snapshot.context.target);
    if (queue === '') {
      this.#any.add(record);
      this.#isAnyDirty = true;
    } else if (queue.startsWith(SET_QUEUE_MARK)) {
      if (!this.#sets.has(queue)) return this.#learn([queue], false);
      this.#queueOf(queue).add(record);
      this.#isAnyDirty = true;
    } else {
      const session = this.#options.sessionOf(queue);
      if (session === undefined) return;
      this.#queueOf(queue).add(record);
      this.#dirty.add(session);
    }
    this.#schedule();
  }

  /** A session has begun, or one of its slots has become free. */
  capacity(session: Session): void {
    this.#dirty.add(session);
    this.#schedule();
  }

  /** There may be tasks in these queues that this supervisor has not been told of. '*' stands for all. */
  look(queues: Iterable<string>): void {
    const sets: string[] = [];
    let isAnySet = false;
    for (const nodeId of queues) {
      if (nodeId === '' || nodeId === '*') {
        this.#any.mayHaveMore = true;
        this.#isAnyDirty = true;
        isAnySet = true;
      }
      if (nodeId.startsWith(SET_QUEUE_MARK)) sets.push(nodeId);
      if (nodeId === '*') for (const session of this.#options.sessions()) this.#mark(session);
      const session = this.#options.sessionOf(nodeId);
      if (session !== undefined) this.#mark(session);
    }
    if (isAnySet || sets.length > 0) this.#learn(sets, isAnySet);
    this.#schedule();
  }

  #mark(session: Session): void {
    this.#queueOf(session.nodeId).mayHaveMore = true;
    this.#dirty.add(session);
  }

  /** A session is gone: what its node's queue held is read again for the next one. */
  drop(session: Session): void {
    this.#dirty.delete(session);
    this.#stillHungry.delete(session);
    this.#bound.delete(session.nodeId);
  }

  /** Tasks whose dispatch to a node is on its way to the database, also through a session that is over since. */
  *proposedTo(nodeId: string): Iterable<string> {
    for (const [taskId, to] of this.#proposed) if (to === nodeId) yield taskId;
  }

  /** Proposes nothing any more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Learns who is in these sets, and looks into their queues. What is asked for meanwhile is learnt next. */
  #learn(queues: readonly string[], isAll: boolean): void {
    const unlearnt = (this.#unlearnt ??= { queues: new Set(), isAll: false });
    for (const queue of queues) unlearnt.queues.add(queue);
    unlearnt.isAll ||= isAll;
    if (!this.#isLearning) void this.#learnAll();
  }

  async #learnAll(): Promise<void> {
    this.#isLearning = true;
    try {
      while (this.#unlearnt !== null && !this.#isStopped) {
        const wanted = this.#unlearnt;
        this.#unlearnt = null;
        const { known, empty } = await this.#sets.learn(wanted.queues, wanted.isAll);
        for (const queue of known) this.#queueOf(queue).mayHaveMore = true;
        if (known.length > 0) this.#isAnyDirty = true;
        this.#forgetSets(empty);
        this.#schedule();
      }
    } catch (error) {
      // The next sweep looks again.
      const isExpected = error instanceof MusterError && error.kind === 'unavailable';
      if (!isExpected) this.#options.log.error('cannot read sets of nodes', { error });
    } finally {
      this.#isLearning = false;
    }
  }

  /** Sets without queued tasks, here and in the database, are learnt again when there are some. */
  #forgetSets(empty: readonly string[]): void {
    for (const queue of empty) {
      if (this.#queueOf(queue).size > 0) continue;
      this.#sets.forget(queue);
      this.#bound.delete(queue);
    }
  }

  #queueOf(nodeId: string): ReadyQueue {
    const queue = this.#bound.get(nodeId) ?? new ReadyQueue();
    this.#bound.set(nodeId, queue);
    return queue;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isStopped) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      if (!this.#isStopped) this.#pump();
    });
  }

  #pump(): void {
    const sessions = [...this.#dirty].filter((session) => session.isReady);
    this.#dirty.clear();
    if (this.#isAnyDirty && this.#mayHaveShared()) {
      // Least loaded first: every free session competes for the tasks that several nodes may take.
      this.#isAnyDirty = false;
      const known = new Set(sessions);
      for (const session of this.#options.sessions()) {
        const isFree = session.isReady && session.freeSlots > 0;
        if (isFree && !known.has(session)) sessions.push(session);
      }
    }
    this.#fill(sessions);
    const hungry = sessions.filter((session) => this.#isHungry(session));
    if (hungry.length === 0) return;
    if (!this.#isReading) void this.#refill(hungry);
    else for (const session of hungry) this.#stillHungry.add(session);
  }

  #mayHaveShared(): boolean {
    if (this.#any.size > 0 || this.#any.mayHaveMore) return true;
    for (const queue of this.#sets.queues()) {
      const { size, mayHaveMore } = this.#queueOf(queue);
      if (size > 0 || mayHaveMore) return true;
    }
    return false;
  }

  /** The queues of the sets that a session's node is in. Called for each session at each turn: no set, no work. */
  #setQueues({ nodeId }: Session): ReadyQueue[] {
    if (this.#sets.size === 0) return NONE;
    return Array.from(this.#sets.queuesOf(nodeId), (queue) => this.#queueOf(queue));
  }

  /** Deals out tasks in rounds, one to each session, the emptiest first, until nothing fits any more. */
  #fill(sessions: Session[]): void {
    let open = sessions;
    while (open.length > 0) {
      open.sort((a, b) => a.load - b.load);
      open = open.filter((session) => {
        const record = this.#next(session);
        if (record !== undefined) this.#propose(record, session);
        return record !== undefined;
      });
    }
  }

  #next(session: Session): TaskRecord | undefined {
    const { freeSlots } = session;
    let best: ReadyQueue | null = null;
    if (freeSlots + session.prefetch > 0) best = better(best, this.#queueOf(session.nodeId));
    if (freeSlots > 0) {
      best = better(best, this.#any);
      for (const queue of this.#setQueues(session)) best = better(best, queue);
    }
    return best?.take();
  }

  #propose(record: TaskRecord, session: Session): void {
    const { host, log, sessionOf } = this.#options;
    // An entry that was read before the task was dispatched: its slot is taken by the attempt itself.
    const { attempt, target } = record.snapshot.context;
    if (!session.reserve(record.id, attempt, target.kind === 'any')) return;
    const { nodeId, epoch, bootId } = session;
    this.#proposed.set(record.id, nodeId);
    host.prime(record);
    const release = () => {
      // The node may have another session by now, which has kept the slot as well.
      for (const holder of new Set([session, sessionOf(nodeId) ?? session])) {
        holder.cancelReservation(record.id);
        this.capacity(holder);
      }
    };
    host
      .apply(record.id, { type: 'attempt.dispatched', nodeId, epoch, bootId }, true)
      .then(
        (applied) => {
          // Cancelled or taken meanwhile: the slot is free again.
          if (applied.kind !== 'transition') release();
        },
        (error: unknown) => {
          release();
          const isExpected = error instanceof MusterError && error.kind !== 'internal';
          if (!isExpected) log.error('a dispatch failed', { taskId: record.id, nodeId, error });
        },
      )
      .finally(() => this.#proposed.delete(record.id));
  }

  /** A session that could take more, where the database may have more. */
  #isHungry(session: Session): boolean {
    const { freeSlots } = session;
    const own = this.#queueOf(session.nodeId);
    if (isDry(own) && freeSlots + session.prefetch > 0) return true;
    return freeSlots > 0 && (isDry(this.#any) || this.#setQueues(session).some(isDry));
  }

  async #refill(hungry: readonly Session[]): Promise<void> {
    this.#isReading = true;
    const sets = [...this.#sets.queues()].filter((queue) => isDry(this.#queueOf(queue)));
    const nodeIds = [...hungry.map((session) => session.nodeId), ...sets];
    const any = this.#any.size === 0 && this.#any.mayHaveMore ? REFILL_LIMIT : 0;
    // What is proposed still stands as queued in the database: read past it.
    const slack = this.#proposed.size;
    try {
      const limits = { nodeIds, perNode: REFILL_LIMIT + slack, any: any === 0 ? 0 : any + slack };
      for (const nodeId of nodeIds) this.#queueOf(nodeId).beginRefill();
      this.#any.beginRefill();
      const records = await this.#options.store.read((sql) => listQueuedTasks(sql, limits));
      this.#sortIn(records, nodeIds, limits);
    } catch (error) {
      const isExpected = error instanceof MusterError && error.kind === 'unavailable';
      if (!isExpected) this.#options.log.error('cannot read queued tasks', { error });
      return;
    } finally {
      this.#isReading = false;
    }
    for (const session of hungry) this.#dirty.add(session);
    for (const session of this.#stillHungry) this.#dirty.add(session);
    this.#stillHungry.clear();
    if (any > 0 || sets.length > 0) this.#isAnyDirty = true;
    this.#schedule();
  }

  #sortIn(
    records: readonly TaskRecord[],
    nodeIds: readonly string[],
    limits: { perNode: number; any: number },
  ): void {
    const byNode = new Map<string, TaskRecord[]>(nodeIds.map((nodeId) => [nodeId, []]));
    const any: TaskRecord[] = [];
    for (const record of records) {
      const queue = queueOf(record.snapshot.context.target);
      if (queue === '') any.push(record);
      else byNode.get(queue)?.push(record);
    }
    const isNew = (record: TaskRecord) => !this.#proposed.has(record.id);
    for (const [nodeId, own] of byNode) {
      const queue = this.#queueOf(nodeId);
      queue.refill(own.filter(isNew), own.length < limits.perNode);
    }
    if (limits.any > 0) this.#any.refill(any.filter(isNew), any.length < limits.any);
  }
}

/** Returns the queue whose head is to be dispatched first, if any has one. */
function better(best: ReadyQueue | null, queue: ReadyQueue): ReadyQueue | null {
  const head = queue.peek();
  const other = best?.peek();
  if (head === undefined) return best;
  return other === undefined || compareReady(head, other) < 0 ? queue : best;
}

/** Nothing is here, and the database may have more. */
function isDry({ size, mayHaveMore }: ReadyQueue): boolean {
  return size === 0 && mayHaveMore;
}
