/**
 * One open session: the supervisor's end of the stream to one agent.
 *
 * It knows which attempts the agent has been given (`active`, which is what its slots are filled with) and which of them the
 * agent has confirmed (`held`). Reports go to the host under the session's epoch; a batch is acknowledged when all of it is
 * committed, and an exit is applied only after the output that came before it is stored (I5).
 */
import type { HostMetrics } from '../../db/node-metrics.ts';
import type { TaskProgress, TaskRecord } from '../../db/records.ts';
import type { WorkerOperation, WorkerReport } from '../../db/workers.ts';
import { MusterError } from '../../machines/errors.ts';
import type { HeldPhase, TaskReport } from '../../machines/task-events.ts';
import { isSessionOf } from '../../machines/task-outcome.ts';
import type { Logger } from '../process/log.ts';
import type { Applied } from './actor.ts';
import { Assignments } from './assignments.ts';
import { bareReport } from './bare-report.ts';
import type { Host } from './host.ts';
import { SessionOutput } from './session-output.ts';
import { SessionWorkers } from './session-workers.ts';
import type { Store } from './store.ts';
import type {
  AgentCommand,
  AgentEvent,
  AgentLink,
  AgentReport,
  GoodbyeReason,
} from './supervisor.ts';

export interface SessionOptions {
  readonly nodeId: string;
  readonly epoch: number;
  readonly bootId: string;
  readonly slots: number;
  readonly workers: readonly WorkerReport[];
  readonly link: AgentLink;
  readonly store: Store;
  readonly host: Host;
  readonly log: Logger;
  readonly monotonic: () => number;
  /** Output of this task has been stored. */
  readonly onOutput: (taskId: string) => void;
  readonly onProgress: (taskId: string, progress: TaskProgress) => void;
  /** The agent speaks of a task that is still assigned to a former session. Resolves when it is assigned to this one. */
  readonly adopt: (session: Session, record: TaskRecord) => Promise<void>;
  readonly onWorker: (session: Session, report: WorkerReport) => void;
  /** A slot has become free. */
  readonly onCapacity: (session: Session) => void;
}

export class Session {
  readonly nodeId: string;
  readonly epoch: number;
  readonly bootId: string;
  readonly slots: number;
  readonly #options: SessionOptions;
  readonly #active: Assignments;
  /** What the agent has said of attempts it holds; the key is task and attempt. */
  readonly #held = new Map<string, HeldPhase>();
  readonly #workers: SessionWorkers;
  readonly #output: SessionOutput;
  /** False while the node is drained: it is given no new task. */
  takesTasks = true;
  #beforeBegin: AgentCommand[] | null = [];
  #isClosed = false;
  #metrics: { readonly host: HostMetrics; readonly heardAt: number } | null = null;
  #lastHeardAt: number;
  #acknowledged = 0;
  readonly #committed = new Set<number>();

  constructor(options: SessionOptions) {
    this.nodeId = options.nodeId;
    this.epoch = options.epoch;
    this.bootId = options.bootId;
    this.slots = options.slots;
    this.#workers = new SessionWorkers(options.slots, options.workers);
    this.#active = new Assignments(() => options.onCapacity(this));
    this.#options = options;
    this.#output = new SessionOutput({
      ...options,
      isActive: (taskId, attempt) => this.#active.has(taskId, attempt),
      onReplaced: (message) => this.close('replaced', message),
    });
    this.#lastHeardAt = options.monotonic();
  }

  /** Can be spoken to: begun and not closed. */
  get isReady(): boolean {
    return this.#beforeBegin === null && !this.#isClosed;
  }

  /** Negative while prefetched attempts wait in the agent. */
  get freeSlots(): number {
    if (!this.takesTasks) return 0;
    let filled = this.#active.size;
    for (const taskId of this.#workers.leaving) {
      if (this.#active.attemptOf(taskId) !== undefined) filled -= 1;
    }
    return this.#workers.usable - filled;
  }

  /**
   * How many bound tasks may be sent beyond the free slots, to hide the way there and back. None while one that other nodes could
   * take is still to be sent: it would wait behind them (I8).
   */
  get prefetch(): number {
    if (!this.takesTasks || this.#active.hasSharedToSend) return 0;
    return Math.ceil(this.#workers.usable / 2);
  }

  /** Share of the slots in use. */
  get load(): number {
    return this.#active.size / this.slots;
  }

  get activeTaskIds(): Iterable<string> {
    return this.#active.taskIds;
  }

  get silentMs(): number {
    return this.#options.monotonic() - this.#lastHeardAt;
  }

  /** The newest measurement of the host, and when it came by the monotonic clock. */
  get metrics(): { readonly host: HostMetrics; readonly heardAt: number } | null {
    return this.#metrics;
  }

  heard(metrics: HostMetrics | null = null): void {
    this.#lastHeardAt = this.#options.monotonic();
    if (metrics !== null) this.#metrics = { host: metrics, heardAt: this.#lastHeardAt };
  }

  /**
   * A task is proposed for this node; its slot is taken from now on. Returns false if it is proposed already, or if a later
   * attempt is here than the `ended` one that the proposal knows of.
   *
   * @param isShared other nodes could take it as well
   */
  reserve(taskId: string, ended: number, isShared: boolean): boolean {
    return this.#active.reserve(taskId, ended, isShared);
  }

  /** Takes a proposal back. An attempt that has come of it keeps its slot. */
  cancelReservation(taskId: string): void {
    if (this.#active.has(taskId, 0)) this.#active.release(taskId);
  }

  release(taskId: string): void {
    this.#active.release(taskId);
  }

  hold(taskId: string, attempt: number, phase: HeldPhase): void {
    this.#held.set(key(taskId, attempt), phase);
    this.#active.reached(taskId, attempt);
  }

  heldPhase(taskId: string, attempt: number): HeldPhase | null {
    return this.#held.get(key(taskId, attempt)) ?? null;
  }

  heldAttempts(): { taskId: string; attempt: number; phase: HeldPhase }[] {
    return [...this.#held].map(([name, phase]) => {
      const [taskId = '', attempt = '0'] = name.split('/');
      return { taskId, attempt: Number(attempt), phase };
    });
  }

  /** The attempt that a task is at belongs to this session, whether or not its Start has been sent. */
  assign({ id, snapshot: { context } }: TaskRecord): void {
    const isShared = context.target.kind === 'any';
    const isToSend = isShared && this.heldPhase(id, context.attempt) === null;
    this.#active.assign(id, context.attempt, isToSend);
  }

  /**
   * Begins to send the Start of an assigned attempt: until `failStart` nobody else does. Returns false if it must not be sent,
   * because the attempt is not here any more or has been stopped.
   */
  beginStart(taskId: string, attempt: number): boolean {
    return this.#active.beginStart(taskId, attempt, this.#options.monotonic());
  }

  failStart(taskId: string, attempt: number): void {
    this.#active.failStart(taskId, attempt);
  }

  assignedAttempt(taskId: string): number | undefined {
    return this.#active.attemptOf(taskId);
  }

  sentAt(taskId: string): number | null {
    return this.#active.sentAt(taskId);
  }

  /** Asks something of a worker, unless its agent has taken that on already. */
  operate(worker: string, operation: WorkerOperation, seq: number): void {
    if (!this.#workers.send(worker, operation, seq)) return;
    this.#sendOrKeep({ kind: 'operate', worker, operation, seq });
  }

  send(command: Exclude<AgentCommand, { kind: 'operate' }>): void {
    const { taskId, attempt } = command;
    this.#sendOrKeep(command);
    if (command.kind === 'start') {
      this.#active.reached(taskId, attempt);
    } else if (command.kind === 'stop') {
      this.#active.stopped(taskId, attempt);
    } else {
      this.#held.delete(key(taskId, attempt));
      this.#output.forget(taskId, attempt);
    }
  }

  #sendOrKeep(command: AgentCommand): void {
    if (this.#isClosed) return;
    if (this.#beforeBegin === null) this.#options.link.send([command]);
    else this.#beforeBegin.push(command);
  }

  /** The agent has had its Welcome: what has gathered goes out. */
  begin(): void {
    const commands = this.#beforeBegin ?? [];
    this.#beforeBegin = null;
    if (commands.length > 0 && !this.#isClosed) this.#options.link.send(commands);
  }

  heartbeat(): void {
    if (this.isReady) this.#options.link.heartbeat();
  }

  close(reason: GoodbyeReason, message: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.link.close(reason, message);
  }

  /** The stream is gone; nothing is sent or acknowledged any more. */
  markClosed(): void {
    this.#isClosed = true;
  }

  receive(seq: number, events: readonly AgentEvent[]): void {
    this.heard();
    const work = events.map(async (event) => await this.#take(event));
    Promise.all(work).then(
      () => this.#acknowledge(seq),
      (error: unknown) => this.#fail(error),
    );
  }

  /** Acknowledges in order: a batch that is committed early waits for the ones before it. */
  #acknowledge(seq: number): void {
    this.#committed.add(seq);
    const before = this.#acknowledged;
    while (this.#committed.delete(this.#acknowledged + 1)) this.#acknowledged += 1;
    if (this.#acknowledged > before && !this.#isClosed) {
      this.#options.link.acknowledge(this.#acknowledged);
    }
  }

  #fail(error: unknown): void {
    if (this.#isClosed) return;
    const isExpected = error instanceof MusterError && error.kind !== 'internal';
    if (!isExpected) this.#options.log.error('a report failed', { nodeId: this.nodeId, error });
    const message = error instanceof MusterError ? error.message : 'the supervisor failed';
    // Not acknowledged, so the agent tells it again in its next session.
    this.close(isExpected && error.kind === 'unavailable' ? 'shutdown' : 'protocol_error', message);
  }

  #take(event: AgentEvent): Promise<void> | undefined {
    switch (event.kind) {
      case 'accepted':
        this.hold(event.taskId, event.attempt, 'accepted');
        return undefined;
      case 'progress':
        if (this.#active.has(event.taskId, event.progress.attempt)) {
          this.#options.onProgress(event.taskId, event.progress);
        }
        return undefined;
      case 'worker':
        this.#setWorker(event.report);
        return undefined;
      case 'output':
        return this.#output.add(event.piece);
      case 'report':
        return this.#report(event.taskId, this.#stamp(event.report));
    }
  }

  /** Adds through which session the report came. */
  #stamp(report: AgentReport): TaskReport {
    return { ...report, nodeId: this.nodeId, epoch: this.epoch } as TaskReport;
  }

  #setWorker(report: WorkerReport): void {
    const before = this.freeSlots;
    this.#workers.take(report);
    if (this.freeSlots > before) this.#options.onCapacity(this);
    this.#options.onWorker(this, report);
  }

  async #report(taskId: string, report: TaskReport): Promise<void> {
    const isEnd = report.type !== 'attempt.started';
    this.hold(taskId, report.attempt, isEnd ? 'ended' : 'executing');
    await this.#output.stored(taskId);
    if (isEnd && this.#active.has(taskId, report.attempt)) {
      // The worker is free already, whatever the commit says; the next dispatch may share it.
      this.release(taskId);
      this.#options.onCapacity(this);
    }
    let applied: Applied;
    try {
      applied = await this.#apply(taskId, report);
      if (applied.kind === 'late' && this.#isUnadopted(applied, report)) {
        await this.#options.adopt(this, applied.record);
        applied = await this.#apply(taskId, report);
      }
    } catch (error) {
      const isGone = error instanceof MusterError && error.kind === 'unknown_task';
      if (!isGone) throw error;
      this.#dismiss(taskId, report.attempt, isEnd);
      return;
    }
    if (applied.kind !== 'transition' && !isCurrent(applied, report)) {
      this.#dismiss(taskId, report.attempt, isEnd);
    }
  }

  #isUnadopted(applied: Applied, report: TaskReport): boolean {
    const { current } = applied.record.snapshot.context;
    if (current === null || !isCurrent(applied, report)) return false;
    return !this.#isClosed && current.nodeId === this.nodeId && current.epoch < this.epoch;
  }

  /** A report that the database refuses is told without what may be at fault: not acknowledged, it would come for ever. */
  async #apply(taskId: string, report: TaskReport): Promise<Applied> {
    const { host, log } = this.#options;
    try {
      return await host.apply(taskId, report, true);
    } catch (error) {
      if (!(error instanceof MusterError) || error.kind !== 'rejected_by_store') throw error;
      log.warn('a report is stored without its details', { nodeId: this.nodeId, taskId, error });
      return await host.apply(taskId, bareReport(report), true);
    }
  }

  /** An attempt that nobody waits for: its end is forgotten, its process stopped. */
  #dismiss(taskId: string, attempt: number, isEnded: boolean): void {
    this.send(
      isEnded
        ? { kind: 'forget', taskId, attempt }
        : { kind: 'stop', taskId, attempt, cause: 'stale' },
    );
  }
}

/** A task has one attempt of a number, on one node: what another one tells of it is not about it. */
function isCurrent(applied: Applied, report: TaskReport): boolean {
  const { attempt, current } = applied.record.snapshot.context;
  return current !== null && attempt === report.attempt && isSessionOf(current.nodeId, report);
}

function key(taskId: string, attempt: number): string {
  return `${taskId}/${attempt}`;
}
