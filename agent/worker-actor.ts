/**
 * One live actor of machines/worker.ts: the part that slots and kept commands have in common.
 *
 * Called by the pool and by kept/kept-worker.ts. It keeps time for the machine (backoff, since when it is in its state) and says
 * what has changed; what starting means is up to its owner.
 */
import { type Actor, createActor, type SnapshotFrom } from 'xstate';
import { type Assignment, type WorkerEvent, workerMachine } from '../machines/worker.ts';
import type { Clock, Timer } from '../src/process/clock.ts';
import type { Logger } from '../src/process/log.ts';

type WorkerSnapshot = SnapshotFrom<typeof workerMachine>;

/** The states of a worker, as machines/worker.ts names them. */
export type WorkerStateName = WorkerSnapshot['value'];

/** What may be asked of a worker. */
export type OperationName = 'start' | 'stop' | 'restart';

/** Where a worker stands. Times are ms since 1970. */
export interface WorkerStatus {
  readonly name: string;
  readonly state: WorkerStateName;
  readonly since: number;
  readonly assignment: Assignment | null;
  readonly asked: 'stop' | 'restart' | null;
  /** Those that count towards crashed. */
  readonly failures: number;
  /** In backing_off only. */
  readonly nextStartAt: number | null;
  /** Why it failed or ended last; empty when nothing did. */
  readonly why: string;
}

export interface WorkerActorOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** It has entered a state; `starting` is answered with start.succeeded, start.failed or command.started. */
  readonly onState: (state: WorkerStateName) => void;
  /** Its status has changed. Called after `onState`. */
  readonly onChanged: () => void;
}

export class WorkerActor {
  readonly name: string;
  readonly #options: WorkerActorOptions;
  readonly #actor: Actor<typeof workerMachine>;
  #state: WorkerStateName | null = null;
  #asked: WorkerStatus['asked'] = null;
  #since: number;
  #nextStartAt: number | null = null;
  #retry: Timer | null = null;

  constructor(options: WorkerActorOptions) {
    this.name = options.name;
    this.#options = options;
    this.#since = options.clock.now();
    this.#actor = createActor(workerMachine, { input: { name: options.name }, id: options.name });
    this.#actor.subscribe((snapshot) => this.#entered(snapshot));
  }

  get state(): WorkerStateName {
    return this.#actor.getSnapshot().value;
  }

  get asked(): WorkerStatus['asked'] {
    return this.#actor.getSnapshot().context.asked;
  }

  status(): WorkerStatus {
    const { value, context } = this.#actor.getSnapshot();
    return {
      name: this.name,
      state: value,
      since: this.#since,
      assignment: context.assignment,
      asked: context.asked,
      failures: context.failedAt.length,
      nextStartAt: value === 'backing_off' ? this.#nextStartAt : null,
      why: context.why,
    };
  }

  start(): void {
    this.#actor.start();
  }

  /** Takes no part in anything any more. */
  close(): void {
    this.#retry?.cancel();
    this.#actor.stop();
  }

  operate(operation: OperationName): void {
    this.send({ type: `${operation}.requested` });
  }

  /** Says that it could not start. */
  startFailed(why: string): void {
    this.#fail('start.failed', why);
  }

  /** Says that it broke. */
  failed(why: string): void {
    this.#fail('worker.failed', why);
  }

  send(event: WorkerEvent): void {
    if (this.#actor.getSnapshot().status === 'active') this.#actor.send(event);
  }

  #fail(type: 'start.failed' | 'worker.failed', why: string): void {
    const { clock, random } = this.#options;
    this.send({ type, at: clock.monotonic(), random: random(), why });
  }

  #entered({ value, context }: WorkerSnapshot): void {
    const isNew = value !== this.#state;
    if (!isNew && context.asked === this.#asked) return;
    this.#state = value;
    this.#asked = context.asked;
    if (isNew) this.#arrive(value, context);
    this.#options.onChanged();
  }

  #arrive(value: WorkerStateName, context: WorkerSnapshot['context']): void {
    const { clock, log, onState } = this.#options;
    const { name, why, waitMs } = context;
    this.#since = clock.now();
    this.#retry?.cancel();
    this.#retry = null;
    if (value === 'backing_off') {
      log.warn('worker failed', { name, why, waitMs });
      this.#nextStartAt = clock.now() + waitMs;
      this.#retry = clock.after(waitMs, () => this.send({ type: 'retry.due' }));
    }
    if (value === 'crashed') {
      log.error('worker crashed: it does nothing until it is started by hand', { name, why });
    }
    onState(value);
  }
}

export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
