/**
 * The agent of one node, made of its parts: journal, pool, attempts, reporter, session.
 *
 * Everything that differs between two runs is handed in, so that the real agent runs in tests and simulations as well; main.ts hands
 * in the real world. Stopping leaves all processes of attempts as they are: the next agent finds them again.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { type Event, EventSchema, WorkerState } from '../proto/gen/muster/v1/agent_service_pb.ts';
import type { NodeFacts } from '../proto/gen/muster/v1/node_pb.ts';
import type { Clock, Timer } from '../src/process/clock.ts';
import type { Logger } from '../src/process/log.ts';
import { Attempts } from './attempts.ts';
import type { Enrolment } from './enrolment.ts';
import type { Executor } from './executors/executor.ts';
import type { HandlerExecutor } from './executors/handler/executor.ts';
import type { Journal } from './journal.ts';
import { Lease } from './lease.ts';
import { OutputTail } from './output-tail.ts';
import { Pool, type WorkerReport, type WorkerStateName } from './pool.ts';
import { Reporter } from './reporter.ts';
import { Session } from './session.ts';
import type { Connect } from './transport.ts';

const PRUNE_INTERVAL_MS = 3_600_000;

const WORKER_STATES: Readonly<Record<WorkerStateName, WorkerState>> = {
  starting: WorkerState.STARTING,
  idle: WorkerState.IDLE,
  busy: WorkerState.BUSY,
  backing_off: WorkerState.BACKING_OFF,
  crashed: WorkerState.CRASHED,
  stopped: WorkerState.STOPPED,
};

export interface AgentOptions {
  readonly nodeId: string;
  readonly bootId: string;
  readonly facts: NodeFacts;
  readonly labels: Readonly<Record<string, string>>;
  readonly slots: number;
  readonly attemptsFolder: string;
  readonly journal: Journal;
  readonly executor: Executor;
  /** Tells the progress of attempts, if there are handlers. */
  readonly handlers?: Pick<HandlerExecutor, 'onProgress'>;
  readonly connect: Connect;
  readonly enrolment: Enrolment;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

export class Agent {
  /** Resolves with the cause when the agent cannot go on; it must be stopped then. */
  readonly failed: Promise<unknown>;
  readonly session: Session;
  readonly #options: AgentOptions;
  readonly #reporter: Reporter;
  readonly #pool: Pool;
  readonly #attempts: Attempts;
  readonly #tail: OutputTail;
  #prune: Timer | null = null;

  constructor(options: AgentOptions) {
    this.#options = options;
    const { journal, executor, clock } = options;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.failed = promise;
    const lease = new Lease(journal, clock);
    const reporter = new Reporter({ journal, clock });
    this.#reporter = reporter;
    this.#tail = new OutputTail(clock);
    this.#pool = new Pool({
      ...options,
      check: () => executor.check(),
      onWorkerChanged: (report) => reporter.note(`worker ${report.slot}`, toWorkerChanged(report)),
    });
    this.#attempts = new Attempts({
      ...options,
      pool: this.#pool,
      reporter,
      lease,
      tail: this.#tail,
      onFatal: resolve,
    });
    if (options.handlers !== undefined) {
      options.handlers.onProgress = (key, progress) => this.#attempts.progressed(key, progress);
    }
    this.session = new Session({
      ...options,
      reporter,
      lease,
      onCommands: (commands) => this.#attempts.carryOut(commands),
      onOnline: () => this.#pool.reportUnusable(),
    });
  }

  /** Takes up what the journal holds, then looks for a supervisor. */
  async start(): Promise<void> {
    await mkdir(this.#options.attemptsFolder, { recursive: true, mode: 0o700 });
    await this.#attempts.recover();
    await this.#sweep();
    this.#pruneForgotten();
    this.#pool.start();
    this.session.start();
  }

  /** Takes leave of the supervisor and leaves the processes alone. */
  async stop(): Promise<void> {
    this.#prune?.cancel();
    await this.session.stop();
    this.#pool.close();
    this.#tail.close();
    this.#attempts.close();
    this.#options.executor.close();
    this.#reporter.save();
    this.#options.journal.close();
  }

  /** Removes files that an earlier agent did not come to remove. What still runs is of another journal, and is left alone. */
  async #sweep(): Promise<void> {
    const { attemptsFolder, executor, log } = this.#options;
    for (const name of await readdir(attemptsFolder)) {
      if (this.#attempts.isHeld(name)) continue;
      const folder = join(attemptsFolder, name);
      const found = await executor.find(folder);
      if (found.kind === 'begun' && !found.group.hasEnded()) {
        log.warn('a process that the journal knows nothing of', { folder, pid: found.group.pid });
      } else {
        await executor.remove(folder);
      }
    }
  }

  #pruneForgotten(): void {
    const { journal, clock, log } = this.#options;
    try {
      journal.pruneForgotten(clock.now());
    } catch (cause) {
      log.warn('cannot remove old tombstones', { cause });
    }
    this.#prune = clock.after(PRUNE_INTERVAL_MS, () => this.#pruneForgotten());
  }
}

function toWorkerChanged({ slot, state, assignment }: WorkerReport): Event {
  const value = { slot, state: WORKER_STATES[state], ...assignment };
  return create(EventSchema, { event: { case: 'worker', value } });
}
