/**
 * The pool of workers: N slots, each a live actor of machines/worker.ts, and the queue of accepted attempts before them (I8).
 *
 * Called by Attempts. A worker that fails is started again with backoff; only changes that the supervisor must know of are told:
 * not every idle and busy, which it knows from the attempts.
 */
import { type Actor, createActor, type SnapshotFrom } from 'xstate';
import { type WorkerEvent, workerMachine } from '../machines/worker.ts';
import type { Clock, Timer } from '../src/process/clock.ts';
import type { Logger } from '../src/process/log.ts';
import { type AttemptKey, nameOf } from './attempt-record.ts';

type WorkerSnapshot = SnapshotFrom<typeof workerMachine>;

/** The states of a worker, as machines/worker.ts names them. */
export type WorkerStateName = WorkerSnapshot['value'];

/** A worker whose state the supervisor should know. */
export interface WorkerReport {
  readonly slot: number;
  readonly state: WorkerStateName;
  readonly assignment: AttemptKey | null;
}

export interface PoolOptions {
  readonly slots: number;
  /** The self check of a worker; it has started when this resolves. */
  readonly check: () => Promise<void>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly onWorkerChanged: (report: WorkerReport) => void;
}

interface Work {
  readonly key: AttemptKey;
  readonly carryOut: () => Promise<void>;
}

/** In these states a worker takes no attempts until something is done about it. */
const UNUSABLE: ReadonlySet<WorkerStateName> = new Set(['backing_off', 'crashed', 'stopped']);

export class Pool {
  readonly #options: PoolOptions;
  readonly #workers: Worker[];
  readonly #queue = new Map<string, Work>();

  constructor(options: PoolOptions) {
    this.#options = options;
    const { slots } = options;
    this.#workers = Array.from(
      { length: slots },
      (_, slot) => new Worker(slot, options, () => this.#dispatch()),
    );
  }

  start(): void {
    for (const worker of this.#workers) worker.actor.start();
  }

  /** Carries work out as soon as a worker is free, in the order of submission. */
  submit(key: AttemptKey, carryOut: () => Promise<void>): void {
    this.#queue.set(nameOf(key), { key, carryOut });
    this.#dispatch();
  }

  /** Takes back what no worker has begun, and tells whether it did. */
  withdraw(key: AttemptKey): boolean {
    return this.#queue.delete(nameOf(key));
  }

  /** Reports the workers that take no attempts: a new session does not know of them. */
  reportUnusable(): void {
    for (const worker of this.#workers) {
      if (UNUSABLE.has(worker.state)) this.#options.onWorkerChanged(worker.report());
    }
  }

  /** Stops taking on work. What is under way goes on without the pool. */
  close(): void {
    this.#queue.clear();
    for (const worker of this.#workers) worker.close();
  }

  #dispatch(): void {
    for (const [name, work] of this.#queue) {
      const worker = this.#workers.find((one) => one.isFree);
      if (worker === undefined) return;
      this.#queue.delete(name);
      worker.assign(work);
    }
  }
}

/** One slot: its actor, and what the states of the actor ask to be done. */
class Worker {
  readonly actor: Actor<typeof workerMachine>;
  /** Idle and not given anything yet: the actor takes an event only when it is done with the one before. */
  isFree = false;
  readonly #options: PoolOptions;
  readonly #onFree: () => void;
  #state: WorkerStateName | null = null;
  /** The supervisor believes that it takes no attempts. */
  #isToldUnusable = false;
  #retry: Timer | null = null;

  constructor(slot: number, options: PoolOptions, onFree: () => void) {
    this.#options = options;
    this.#onFree = onFree;
    this.actor = createActor(workerMachine, { input: { slot }, id: `worker-${slot}` });
    this.actor.subscribe((snapshot) => this.#entered(snapshot));
  }

  get state(): WorkerStateName {
    return this.actor.getSnapshot().value;
  }

  report(): WorkerReport {
    const { value, context } = this.actor.getSnapshot();
    return { slot: context.slot, state: value, assignment: context.assignment };
  }

  assign({ key, carryOut }: Work): void {
    const { clock, random } = this.#options;
    this.isFree = false;
    this.#send({ type: 'attempt.assigned', taskId: key.taskId, attempt: key.attempt });
    carryOut().then(
      () => this.#send({ type: 'attempt.ended' }),
      (cause: unknown) =>
        this.#send({
          type: 'worker.failed',
          at: clock.monotonic(),
          random: random(),
          why: messageOf(cause),
        }),
    );
  }

  close(): void {
    this.#retry?.cancel();
    this.actor.stop();
  }

  #entered({ value, context }: WorkerSnapshot): void {
    if (value === this.#state) return;
    this.#state = value;
    const { clock, log, onWorkerChanged } = this.#options;
    const isUnusable = UNUSABLE.has(value);
    if (isUnusable || (this.#isToldUnusable && value === 'idle')) {
      this.#isToldUnusable = isUnusable;
      onWorkerChanged(this.report());
    }
    this.isFree = value === 'idle';
    if (value === 'starting') void this.#start();
    if (value === 'idle') this.#onFree();
    if (value === 'backing_off') {
      log.warn('worker failed', { slot: context.slot, why: context.why, waitMs: context.waitMs });
      this.#retry = clock.after(context.waitMs, () => this.#send({ type: 'retry.due' }));
    }
    if (value === 'crashed') {
      log.error('worker crashed: it takes no attempts until it is started by hand', {
        slot: context.slot,
        why: context.why,
      });
    }
  }

  async #start(): Promise<void> {
    const { check, clock, random } = this.#options;
    try {
      await check();
      this.#send({ type: 'start.succeeded', at: clock.monotonic() });
    } catch (cause) {
      const why = messageOf(cause);
      this.#send({ type: 'start.failed', at: clock.monotonic(), random: random(), why });
    }
  }

  #send(event: WorkerEvent): void {
    if (this.actor.getSnapshot().status === 'active') this.actor.send(event);
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
