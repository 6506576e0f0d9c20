/**
 * The scheduler: brings queued tasks to free workers, by priority, then age.
 *
 *   offer (a task was queued) ─┐
 *   capacity (a slot is free) ─┼─► pump ─► choose a pair (task, session) ─► attempt.dispatched ─► committed ─► Start
 *   look (others queued some) ─┘       └─► a queue ran empty: read its next tasks from the database
 *
 * It is authoritative for nothing: a pair is a proposal, and the version check of the commit decides. A task bound to a
 * node waits in that node's queue, one that any node may take in a common one; a free slot takes the better of the two
 * heads. Bound tasks may be sent ahead of the slots (`prefetch`), since they cannot go elsewhere (I8).
 */
import { listQueuedTasks } from '../../db/tasks.ts';
import type { TaskRecord } from '../../db/records.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Logger } from '../process/log.ts';
import type { Host } from './host.ts';
import { ReadyQueue, compareReady } from './ready-queue.ts';
import type { Session } from './session.ts';
import type { Store } from './store.ts';

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
  readonly #bound = new Map<string, ReadyQueue>();
  readonly #any = new ReadyQueue();
  /** Sessions whose capacity or queue has changed since the last pump. */
  readonly #dirty = new Set<Session>();
  /** Proposed and not yet decided: what a read finds queued meanwhile is not offered again. */
  readonly #proposed = new Set<string>();
  #isAnyDirty = false;
  #isScheduled = false;
  #isReading = false;
  #isStopped = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** A task has entered pending.queued. */
  offer(record: TaskRecord): void {
    const { target } = record.snapshot.context;
    if (target.kind === 'any') {
      this.#any.add(record);
      this.#isAnyDirty = true;
    } else {
      const session = this.#options.sessionOf(target.nodeId);
      if (session === undefined) return;
      this.#queueOf(target.nodeId).add(record);
      this.#dirty.add(session);
    }
    this.#schedule();
  }

  /** A session has begun, or one of its slots has become free. */
  capacity(session: Session): void {
    this.#dirty.add(session);
    this.#schedule();
  }

  /** There may be queued tasks for these nodes that this supervisor has not been told of. '' stands for any node, '*' for all. */
  look(nodeIds: Iterable<string>): void {
    for (const nodeId of nodeIds) {
      if (nodeId === '' || nodeId === '*') {
        this.#any.mayHaveMore = true;
        this.#isAnyDirty = true;
      }
      if (nodeId === '') continue;
      for (const session of this.#options.sessions()) {
        if (nodeId !== '*' && session.nodeId !== nodeId) continue;
        this.#queueOf(session.nodeId).mayHaveMore = true;
        this.#dirty.add(session);
      }
    }
    this.#schedule();
  }

  /** A session is gone: what its node's queue held is read again for the next one. */
  drop(session: Session): void {
    this.#dirty.delete(session);
    this.#bound.delete(session.nodeId);
  }

  /** Proposes nothing any more. */
  stop(): void {
    this.#isStopped = true;
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
    if (this.#isAnyDirty && (this.#any.size > 0 || this.#any.mayHaveMore)) {
      // Least loaded first: every free session competes for the tasks that any node may take.
      this.#isAnyDirty = false;
      const known = new Set(sessions);
      for (const session of this.#options.sessions()) {
        const isFree = session.isReady && session.freeSlots > 0;
        if (isFree && !known.has(session)) sessions.push(session);
      }
    }
    this.#fill(sessions);
    if (this.#needsRefill(sessions)) void this.#refill(sessions);
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
    const bound = this.#queueOf(session.nodeId);
    const ownHead = session.freeSlots + session.prefetch > 0 ? bound.peek() : undefined;
    const anyHead = session.freeSlots > 0 ? this.#any.peek() : undefined;
    if (ownHead === undefined && anyHead === undefined) return undefined;
    if (ownHead === undefined) return this.#any.take();
    if (anyHead === undefined || compareReady(ownHead, anyHead) < 0) return bound.take();
    return this.#any.take();
  }

  #propose(record: TaskRecord, session: Session): void {
    const { host, log } = this.#options;
    // An entry that was read before the task was dispatched: its slot is taken by the attempt itself.
    if (!session.reserve(record.id, record.snapshot.context.attempt)) return;
    this.#proposed.add(record.id);
    host.prime(record);
    const { nodeId, epoch, bootId } = session;
    const release = () => {
      session.cancelReservation(record.id);
      this.capacity(session);
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

  #needsRefill(sessions: readonly Session[]): boolean {
    if (this.#isReading) return false;
    return sessions.some((session) => this.#isHungry(session));
  }

  /** A session that could take more, where the database may have more. */
  #isHungry(session: Session): boolean {
    const bound = this.#queueOf(session.nodeId);
    const isBoundEmpty = bound.size === 0 && bound.mayHaveMore;
    const isAnyEmpty = this.#any.size === 0 && this.#any.mayHaveMore;
    return (
      (isBoundEmpty && session.freeSlots + session.prefetch > 0) ||
      (isAnyEmpty && session.freeSlots > 0)
    );
  }

  async #refill(sessions: readonly Session[]): Promise<void> {
    this.#isReading = true;
    const hungry = sessions.filter((session) => session.isReady && this.#isHungry(session));
    const nodeIds = hungry.map((session) => session.nodeId);
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
    for (const session of this.#options.sessions()) this.#dirty.add(session);
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
      const { target } = record.snapshot.context;
      if (target.kind === 'any') any.push(record);
      else byNode.get(target.nodeId)?.push(record);
    }
    const isNew = (record: TaskRecord) => !this.#proposed.has(record.id);
    for (const [nodeId, own] of byNode) {
      const queue = this.#queueOf(nodeId);
      queue.refill(own.filter(isNew), own.length < limits.perNode);
    }
    if (limits.any > 0) this.#any.refill(any.filter(isNew), any.length < limits.any);
  }
}
