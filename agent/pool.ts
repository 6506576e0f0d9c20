/**
 * The pool of workers: N slots, each a live actor of machines/worker.ts, and the queue of accepted attempts before them (I8).
 *
 * Called by Attempts. A worker that fails is started again with backoff; one that is stopped by hand finishes its attempt first.
 */
import type { Clock } from '../src/process/clock.ts';
import type { Logger } from '../src/process/log.ts';
import { type AttemptKey, nameOf } from './attempt-record.ts';
import {
  messageOf,
  type OperationName,
  WorkerActor,
  type WorkerStateName,
  type WorkerStatus,
} from './worker-actor.ts';

export interface PoolOptions {
  readonly slots: number;
  /** The self check of a worker; it has started when this resolves. */
  readonly check: () => Promise<void>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Tells whether this worker was stopped by hand and has not been started since. Default: none was. */
  readonly isStopped?: (name: string) => boolean;
  /** Called at every change, busy and idle included. */
  readonly onWorkerChanged: (name: string) => void;
}

interface Work {
  readonly key: AttemptKey;
  readonly carryOut: () => Promise<void>;
}

export class Pool {
  readonly #options: PoolOptions;
  /** By name. */
  readonly #workers = new Map<string, Worker>();
  readonly #queue = new Map<string, Work>();

  constructor(options: PoolOptions) {
    this.#options = options;
    for (let slot = 0; slot < options.slots; slot += 1) {
      const name = slotName(slot);
      this.#workers.set(name, new Worker(name, options, () => this.#dispatch()));
    }
  }

  start(): void {
    const { isStopped = () => false } = this.#options;
    for (const worker of this.#workers.values()) worker.start(isStopped(worker.name));
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

  /** Where each worker stands, by slot. */
  statuses(): WorkerStatus[] {
    return [...this.#workers.values()].map((worker) => worker.status());
  }

  status(name: string): WorkerStatus | null {
    return this.#workers.get(name)?.status() ?? null;
  }

  /** Does what somebody asks of a worker. Returns false if there is none of this name. */
  operate(name: string, operation: OperationName): boolean {
    const worker = this.#workers.get(name);
    worker?.operate(operation);
    return worker !== undefined;
  }

  /** Stops taking on work. What is under way goes on without the pool. */
  close(): void {
    this.#queue.clear();
    for (const worker of this.#workers.values()) worker.close();
  }

  #dispatch(): void {
    for (const [name, work] of this.#queue) {
      const worker = this.#workers.values().find((one) => one.isFree);
      if (worker === undefined) return;
      this.#queue.delete(name);
      worker.assign(work);
    }
  }
}

/** The name of a slot, from 0. */
export function slotName(slot: number): string {
  return `slot-${slot}`;
}

/** One slot: its actor, and what the states of the actor ask to be done. */
class Worker {
  readonly name: string;
  /** Idle and not given anything yet: the actor takes an event only when it is done with the one before. */
  isFree = false;
  readonly #options: PoolOptions;
  readonly #onFree: () => void;
  readonly #actor: WorkerActor;

  constructor(name: string, options: PoolOptions, onFree: () => void) {
    const { clock, random, log, onWorkerChanged } = options;
    this.name = name;
    this.#options = options;
    this.#onFree = onFree;
    this.#actor = new WorkerActor({
      name,
      clock,
      random,
      log,
      onState: (state) => this.#entered(state),
      onChanged: () => onWorkerChanged(name),
    });
  }

  start(isStopped: boolean): void {
    this.#actor.start();
    if (isStopped) this.#actor.operate('stop');
  }

  status(): WorkerStatus {
    return this.#actor.status();
  }

  operate(operation: OperationName): void {
    // Free no more from here on, whenever the actor takes the event.
    if (operation !== 'start') this.isFree = false;
    this.#actor.operate(operation);
  }

  assign({ key, carryOut }: Work): void {
    this.isFree = false;
    this.#actor.send({ type: 'attempt.assigned', taskId: key.taskId, attempt: key.attempt });
    carryOut().then(
      () => this.#actor.send({ type: 'attempt.ended' }),
      (cause: unknown) => this.#actor.failed(messageOf(cause)),
    );
  }

  close(): void {
    this.isFree = false;
    this.#actor.close();
  }

  #entered(state: WorkerStateName): void {
    this.isFree = state === 'idle';
    if (state === 'starting') void this.#start();
    if (state === 'idle') this.#onFree();
  }

  async #start(): Promise<void> {
    const { check, clock } = this.#options;
    try {
      await check();
      this.#actor.send({ type: 'start.succeeded', at: clock.monotonic() });
    } catch (cause) {
      this.#actor.startFailed(messageOf(cause));
    }
  }
}
