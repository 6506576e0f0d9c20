/**
 * One open session: the supervisor's end of the stream to one agent.
 *
 * It knows which attempts the agent has been given (`active`, which is what its slots are filled with) and which of them the
 * agent has confirmed (`held`). Reports go to the host under the session's epoch; a batch is acknowledged when all of it is
 * committed, and an exit is applied only after the output that came before it is stored (I5).
 */
import { MusterError } from '../../machines/errors.ts';
import type { HeldPhase, TaskReport } from '../../machines/task-events.ts';
import type { Logger } from '../process/log.ts';
import type { Applied } from './actor.ts';
import type { Host } from './host.ts';
import type { StoredOutput, Store } from './store.ts';
import type {
  AgentCommand,
  AgentEvent,
  AgentLink,
  GoodbyeReason,
  OutputPiece,
} from './supervisor.ts';

export interface SessionOptions {
  readonly nodeId: string;
  readonly epoch: number;
  readonly bootId: string;
  readonly slots: number;
  readonly link: AgentLink;
  readonly store: Store;
  readonly host: Host;
  readonly log: Logger;
  readonly monotonic: () => number;
  /** Output of this task has been stored. */
  readonly onOutput: (taskId: string) => void;
  /** A slot has become free. */
  readonly onCapacity: (session: Session) => void;
}

interface Assignment {
  attempt: number;
  /** When its Start was sent last, by the monotonic clock; null before. */
  sentAt: number | null;
}

/** Slots whose worker is in one of these states take no work. */
const UNUSABLE_WORKER_STATES: ReadonlySet<string> = new Set(['backing_off', 'crashed', 'stopped']);

export class Session {
  readonly nodeId: string;
  readonly epoch: number;
  readonly bootId: string;
  readonly slots: number;
  readonly #options: SessionOptions;
  readonly #active = new Map<string, Assignment>();
  /** What the agent has said of attempts it holds; the key is task and attempt. */
  readonly #held = new Map<string, HeldPhase>();
  readonly #unusableSlots = new Set<number>();
  /** The last output of a task on its way to the store. */
  readonly #storing = new Map<string, Promise<void>>();
  #beforeBegin: AgentCommand[] | null = [];
  #isClosed = false;
  #lastHeardAt: number;
  #acknowledged = 0;
  readonly #committed = new Set<number>();

  constructor(options: SessionOptions) {
    this.nodeId = options.nodeId;
    this.epoch = options.epoch;
    this.bootId = options.bootId;
    this.slots = options.slots;
    this.#options = options;
    this.#lastHeardAt = options.monotonic();
  }

  /** Takes work: begun and not closed. */
  get isReady(): boolean {
    return this.#beforeBegin === null && !this.#isClosed;
  }

  /** Negative while prefetched attempts wait in the agent. */
  get freeSlots(): number {
    return this.slots - this.#unusableSlots.size - this.#active.size;
  }

  /** How many bound tasks may be sent beyond the free slots, to hide the way there and back. */
  get prefetch(): number {
    return Math.ceil(this.slots / 2);
  }

  /** Share of the slots in use. */
  get load(): number {
    return this.#active.size / this.slots;
  }

  get activeTaskIds(): Iterable<string> {
    return this.#active.keys();
  }

  get silentMs(): number {
    return this.#options.monotonic() - this.#lastHeardAt;
  }

  heard(): void {
    this.#lastHeardAt = this.#options.monotonic();
  }

  /** A task is proposed for this node; its slot is taken from now on. */
  reserve(taskId: string): void {
    if (!this.#active.has(taskId)) this.#active.set(taskId, { attempt: 0, sentAt: null });
  }

  release(taskId: string): void {
    this.#active.delete(taskId);
  }

  hold(taskId: string, attempt: number, phase: HeldPhase): void {
    this.#held.set(key(taskId, attempt), phase);
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

  /** This attempt belongs to this session, whether or not its Start has been sent. */
  assign(taskId: string, attempt: number): void {
    const sentAt = this.#active.get(taskId)?.attempt === attempt ? this.sentAt(taskId) : null;
    this.#active.set(taskId, { attempt, sentAt });
  }

  assignedAttempt(taskId: string): number | undefined {
    return this.#active.get(taskId)?.attempt;
  }

  sentAt(taskId: string): number | null {
    return this.#active.get(taskId)?.sentAt ?? null;
  }

  send(command: AgentCommand): void {
    if (command.kind === 'start') {
      this.#active.set(command.taskId, {
        attempt: command.attempt,
        sentAt: this.#options.monotonic(),
      });
    } else if (command.kind === 'forget') {
      this.#held.delete(key(command.taskId, command.attempt));
    }
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
    const work = events.map((event) => this.#take(event));
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
      case 'worker':
        this.#setWorker(event.slot, UNUSABLE_WORKER_STATES.has(event.state));
        return undefined;
      case 'output':
        return this.#storeOutput(event.piece);
      case 'report':
        return this.#report(event.taskId, { ...event.report, epoch: this.epoch } as TaskReport);
    }
  }

  #setWorker(slot: number, isUnusable: boolean): void {
    if (isUnusable) this.#unusableSlots.add(slot);
    else if (this.#unusableSlots.delete(slot)) this.#options.onCapacity(this);
  }

  #storeOutput(piece: OutputPiece): Promise<void> {
    const { store, onOutput } = this.#options;
    const stored = store
      .addOutput({ nodeId: this.nodeId, epoch: this.epoch, piece })
      .then((outcome) => {
        this.#judgeOutput(outcome, piece);
        onOutput(piece.taskId);
      });
    // The chain carries the failure as well: an exit behind lost output is not applied.
    const before = this.#storing.get(piece.taskId);
    const chain = before === undefined ? stored : Promise.all([before, stored]).then(() => {});
    this.#storing.set(piece.taskId, chain);
    const clear = () => {
      if (this.#storing.get(piece.taskId) === chain) this.#storing.delete(piece.taskId);
    };
    chain.then(clear, clear);
    return stored;
  }

  #judgeOutput(outcome: StoredOutput, piece: OutputPiece): void {
    if (outcome === 'stale') {
      throw new MusterError('unavailable', `Node ${this.nodeId} has opened a newer session`);
    }
    if (outcome === 'gap') {
      const where = `${piece.stream} of task ${piece.taskId}, attempt ${piece.attempt}`;
      throw new MusterError('protocol_error', `Output at ${piece.offset} leaves a gap in ${where}`);
    }
  }

  async #report(taskId: string, report: TaskReport): Promise<void> {
    const isEnd = report.type !== 'attempt.started';
    this.hold(taskId, report.attempt, isEnd ? 'ended' : 'executing');
    await this.#storing.get(taskId);
    if (isEnd && this.#active.get(taskId)?.attempt === report.attempt) {
      // The worker is free already, whatever the commit says; the next dispatch may share it.
      this.release(taskId);
      this.#options.onCapacity(this);
    }
    let applied: Applied;
    try {
      applied = await this.#options.host.apply(taskId, report, true);
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

  /** An attempt that nobody waits for: its end is forgotten, its process stopped. */
  #dismiss(taskId: string, attempt: number, isEnded: boolean): void {
    this.send(
      isEnded
        ? { kind: 'forget', taskId, attempt }
        : { kind: 'stop', taskId, attempt, cause: 'stale' },
    );
  }
}

function isCurrent(applied: Applied, report: TaskReport): boolean {
  const { context } = applied.record.snapshot;
  return context.current !== null && context.attempt === report.attempt;
}

function key(taskId: string, attempt: number): string {
  return `${taskId}/${attempt}`;
}
