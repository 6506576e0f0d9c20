/**
 * The agent of one node, made of its parts: journal, pool, attempts, reporter, session.
 *
 * Everything that differs between two runs is handed in, so that the real agent runs in tests and simulations as well; main.ts hands
 * in the real world. Stopping leaves all processes of attempts as they are: the next agent finds them again.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from '../proto/gen/muster/v1/agent_service_pb.ts';
import type { HostMetrics } from '../proto/gen/muster/v1/node_metrics_pb.ts';
import type { NodeFacts } from '../proto/gen/muster/v1/node_pb.ts';
import type { Clock, Timer } from '../src/process/clock.ts';
import type { Logger } from '../src/process/log.ts';
import { Attempts } from './attempts.ts';
import type { Enrolment } from './enrolment.ts';
import type { Executor } from './executors/executor.ts';
import type { HandlerExecutor } from './executors/handler/executor.ts';
import type { Journal } from './journal.ts';
import { Lease } from './lease.ts';
import type { Operations } from './operations.ts';
import { OutputTail } from './output-tail.ts';
import { Pool } from './pool.ts';
import { Reporter } from './reporter.ts';
import { Session } from './session.ts';
import type { Connect } from './transport.ts';
import { type KeptWorkers, Workers } from './workers.ts';

const PRUNE_INTERVAL_MS = 3_600_000;

/** The commands that the agent keeps alive. */
export interface KeptCommands extends KeptWorkers {
  /** Finds again what runs, ends what is not to be kept any more, and starts the rest. */
  start(): Promise<void>;
  /** Leaves their processes as they are. */
  close(): void;
}

export interface AgentOptions {
  readonly nodeId: string;
  readonly bootId: string;
  readonly facts: NodeFacts;
  readonly labels: Readonly<Record<string, string>>;
  readonly slots: number;
  readonly attemptsFolder: string;
  readonly journal: Journal;
  readonly executor: Executor;
  readonly operations: Operations;
  /** Made with a way to say that one of them has changed. */
  readonly kept: (onChanged: (name: string) => void) => KeptCommands;
  /** How the host is; asked for each heartbeat. */
  readonly measure: () => HostMetrics;
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
  readonly #kept: KeptCommands;
  readonly #workers: Workers;
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
      isStopped: (name) => options.operations.isStopped(name),
      onWorkerChanged: (name) => this.#workers.changed(name),
    });
    this.#kept = options.kept((name) => this.#workers.changed(name));
    this.#workers = new Workers({ ...options, pool: this.#pool, kept: this.#kept, reporter });
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
      workers: () => this.#workers.list(),
      onCommands: (commands) => this.#carryOut(commands),
      onOnline: () => this.#workers.online(),
    });
  }

  /** Takes up what the journal holds, then looks for a supervisor. */
  async start(): Promise<void> {
    await mkdir(this.#options.attemptsFolder, { recursive: true, mode: 0o700 });
    await this.#attempts.recover();
    await this.#sweep();
    this.#pruneForgotten();
    this.#options.operations.retain(this.#workers.names());
    this.#pool.start();
    await this.#kept.start();
    this.session.start();
  }

  /** Takes leave of the supervisor and leaves the processes alone. */
  async stop(): Promise<void> {
    this.#prune?.cancel();
    await this.session.stop();
    this.#workers.close();
    this.#pool.close();
    this.#kept.close();
    this.#tail.close();
    this.#attempts.close();
    this.#options.executor.close();
    this.#reporter.save();
    this.#options.journal.close();
  }

  /** Starts come first, in whatever order they stand: a worker that is stopped by the same message may have been meant for one. */
  #carryOut(commands: readonly Command[]): void {
    this.#attempts.carryOut(commands);
    for (const { command } of commands) {
      if (command.case === 'operate') this.#workers.operate(command.value);
    }
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
