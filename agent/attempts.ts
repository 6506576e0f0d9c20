/**
 * The attempts that this agent holds: takes commands, starts, stops and lets go (I2).
 *
 *   accepted ──worker free──▶ spawning ──▶ executing ──group empty──▶ ended ──Forget──▶ forgotten
 *       └──── stop, lease ─────────────────────────────────────────────▲
 *
 * Called by the session with commands and by Agent at the start. Each step is committed to the journal before it is taken; an
 * attempt that has a row is never started again, and a forgotten one is refused. Every command works once however often it comes.
 */
import { join } from 'node:path';
import type { Command, StartAttempt } from '../proto/gen/muster/v1/agent_service_pb.ts';
import type { Clock, Timer } from '../src/process/clock.ts';
import type { Logger } from '../src/process/log.ts';
import { exited, notStarted } from './attempt-end.ts';
import { policyOf } from './attempt-policy.ts';
import {
  type AttemptEnd,
  type AttemptKey,
  type AttemptProgress,
  type AttemptRecord,
  nameOf,
  type StreamBytes,
} from './attempt-record.ts';
import { Execution } from './execution.ts';
import type { Executor, ProcessGroup, StartResult } from './executors/executor.ts';
import type { Journal } from './journal.ts';
import type { Lease } from './lease.ts';
import { AttemptOutput } from './output.ts';
import type { OutputTail } from './output-tail.ts';
import type { Pool } from './pool.ts';
import { lookUp } from './recovery.ts';
import type { Reporter } from './reporter.ts';
import { Starting } from './starting.ts';

/** While the supervisor does not let go of this many attempts, new ones are refused. */
const MAX_HELD = 10_000;

/** How soon an end that could not be written down is tried again. */
const END_RETRY_MS = 1_000;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export interface AttemptsOptions {
  readonly nodeId: string;
  readonly bootId: string;
  /** Holds one folder per attempt. */
  readonly attemptsFolder: string;
  readonly journal: Journal;
  readonly executor: Executor;
  readonly pool: Pool;
  readonly reporter: Reporter;
  readonly lease: Lease;
  readonly tail: OutputTail;
  readonly clock: Clock;
  readonly log: Logger;
  /** The journal cannot be written: the agent must end and start anew from what is in it. */
  readonly onFatal: (cause: unknown) => void;
}

interface Held {
  readonly record: AttemptRecord;
  readonly output: AttemptOutput;
  starting: Starting | null;
  execution: Execution | null;
  leaseTimer: Timer | null;
}

export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #held = new Map<string, Held>();
  #isClosed = false;

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  /** Takes up again what the journal holds. To be called once, before the first command. */
  async recover(): Promise<void> {
    const { journal, executor, bootId } = this.#options;
    for (const record of journal.readHeld()) {
      const start = journal.readStart(record);
      const held = this.#hold(record, start);
      const recovered = await lookUp(record, start, this.#folderOf(record), bootId, executor);
      switch (recovered.kind) {
        case 'ended':
          held.output.refresh();
          break;
        case 'lost':
          this.#end(held, recovered.end);
          break;
        case 'waiting':
          this.#enqueue(held, start);
          break;
        case 'started': {
          const { group, startedAt } = recovered;
          if (record.phase === 'spawning') journal.markExecuting(record, group.pid, startedAt);
          const over = this.#watch(held, group);
          this.#options.pool.submit(record, () => over);
        }
      }
    }
  }

  /** Tells whether the journal holds this attempt, by its name. */
  isHeld(name: string): boolean {
    return this.#held.has(name);
  }

  /** Carries commands out. The starts among them are committed together. */
  carryOut(commands: readonly Command[]): void {
    const starts: StartAttempt[] = [];
    const stops: { key: AttemptKey; cause: string }[] = [];
    const forgets: AttemptKey[] = [];
    for (const { command } of commands) {
      // Operations are for the workers.
      if (command.case === 'operate') continue;
      // The id becomes the name of a folder.
      if (command.value === undefined || !UUID.test(command.value.taskId)) {
        this.#options.log.warn('a command without the id of a task', { command: command.case });
        continue;
      }
      if (command.case === 'start') starts.push(command.value);
      else if (command.case === 'stop')
        stops.push({ key: command.value, cause: command.value.cause });
      else forgets.push(command.value);
    }
    try {
      if (starts.length > 0) this.#start(starts);
      for (const { key, cause } of stops) this.#stop(key, cause || 'cancel');
      if (forgets.length > 0) this.#forget(forgets);
    } catch (cause) {
      this.#options.onFatal(cause);
    }
  }

  /** Leaves all processes as they are. */
  close(): void {
    this.#isClosed = true;
    for (const held of this.#held.values()) {
      held.leaseTimer?.cancel();
      held.starting?.abandon();
      held.execution?.abandon();
      held.output.close();
    }
  }

  #start(starts: readonly StartAttempt[]): void {
    const { journal, reporter, log, nodeId } = this.#options;
    const fresh = new Map<string, StartAttempt>();
    for (const start of starts) if (this.#isFresh(start)) fresh.set(nameOf(start), start);
    let records: [AttemptRecord, StartAttempt][];
    try {
      records = journal.inTransaction(() =>
        [...fresh.values()].map((start) => [this.#accept(start), start]),
      );
    } catch (cause) {
      log.error('cannot accept attempts', { count: fresh.size, cause });
      const why = `the journal of node ${nodeId} cannot be written: ${String(cause)}`;
      for (const start of fresh.values()) reporter.reportRefused(start, why);
      return;
    }
    for (const [record, start] of records) this.#enqueue(this.#hold(record, start), start);
  }

  /** Answers for an attempt that is not to be taken on, and tells whether it is. */
  #isFresh(start: StartAttempt): boolean {
    const { journal, reporter, nodeId } = this.#options;
    if (this.#held.has(nameOf(start))) {
      reporter.repeat(start);
      return false;
    }
    if (journal.isForgotten(start)) {
      reporter.reportLost(start, 'it was over and let go of before');
      return false;
    }
    if (this.#held.size < MAX_HELD) return true;
    const why = `node ${nodeId} holds ${MAX_HELD} attempts that its supervisor has not let go of`;
    reporter.reportRefused(start, why);
    return false;
  }

  #accept(start: StartAttempt): AttemptRecord {
    const { journal, bootId, clock } = this.#options;
    return journal.accept(start, policyOf(start), bootId, clock.now());
  }

  #hold(record: AttemptRecord, start: StartAttempt): Held {
    const { journal, reporter, executor, onFatal } = this.#options;
    const onCut = (cut: StreamBytes) => {
      try {
        journal.markCut(record, cut);
      } catch (cause) {
        onFatal(cause);
      }
    };
    const { acked, cut } = record;
    const capBytes = record.policy.outputCapBytes;
    const source = executor.outputOf(start, this.#folderOf(record));
    const output = new AttemptOutput({ source, capBytes, acked, cut, onCut });
    const held: Held = { record, output, starting: null, execution: null, leaseTimer: null };
    this.#held.set(nameOf(record), held);
    reporter.add(record, output);
    if (record.phase !== 'ended') this.#watchLease(held);
    return held;
  }

  #enqueue(held: Held, start: StartAttempt): void {
    if (held.record.phase !== 'accepted') return;
    this.#options.pool.submit(held.record, () => this.#run(held, start));
  }

  /** From a free worker to the end of the attempt. */
  async #run(held: Held, start: StartAttempt): Promise<void> {
    const { journal, reporter, clock, onFatal } = this.#options;
    const { record } = held;
    let broken: string | null = null;
    try {
      if (this.#isLeaseOver(record)) {
        journal.markStopping(record, 'lease', clock.now());
        this.#end(held, notStarted(null, clock.now()));
        return;
      }
      const spawn = () => journal.markSpawning(record);
      if (isCall(held)) await journal.soon(spawn);
      else spawn();
      const startedAt = clock.now();
      const result = await this.#begin(held, start);
      if (result.kind === 'failed') {
        this.#end(held, notStarted(result.why, clock.now()));
        return;
      }
      const { pid } = result.group;
      const execute = () => journal.markExecuting(record, pid, startedAt);
      // After a restart a call is lost, whether it was begun or not: nobody waits for this commit.
      if (isCall(held)) journal.soon(execute).then(() => reporter.changed(record), onFatal);
      else execute();
      await this.#watch(held, result.group);
      broken = result.group.broken ?? null;
    } catch (cause) {
      onFatal(cause);
    }
    // The attempt is over and told; the worker is to start anew.
    if (broken !== null) throw new Error(broken);
  }

  /** Starts it, unless that does not return before the attempt is over. */
  async #begin(held: Held, start: StartAttempt): Promise<StartResult> {
    const { executor } = this.#options;
    const { record } = held;
    const folder = this.#folderOf(record);
    held.starting = new Starting({
      ...this.#options,
      record,
      start: (signal) => executor.start(start, folder, signal),
      find: () => executor.find(folder, start),
      onOverdue: () => this.#markStopping(record, 'timeout'),
    });
    try {
      return await held.starting.over;
    } finally {
      held.starting = null;
    }
  }

  /** A handler says how far it is. */
  progressed(key: AttemptKey, progress: AttemptProgress): void {
    const held = this.#held.get(nameOf(key));
    if (held === undefined) return;
    held.record.progress = progress;
    this.#options.reporter.changed(key);
  }

  /** From a started group to its end. */
  async #watch(held: Held, group: ProcessGroup): Promise<void> {
    const { journal, reporter, tail, clock, onFatal } = this.#options;
    const { record, output } = held;
    try {
      const onStopping = (cause: string) => this.#markStopping(record, cause);
      const execution = new Execution({ record, group, clock, onStopping });
      held.execution = execution;
      const changed = () => reporter.changed(record);
      const { source } = output;
      if (source.onGrown === null) tail.follow(output, changed);
      else source.onGrown = () => output.refresh() && changed();
      output.refresh();
      changed();
      const exit = await execution.over;
      tail.unfollow(output);
      output.refresh();
      const end = exited(exit, record, output, clock.now());
      if (isCall(held)) await journal.soon(() => journal.markEnded(record, end));
      else await this.#markEnded(record, end);
      this.#end(held, end);
    } catch (cause) {
      onFatal(cause);
    }
  }

  /** Commits the intent to stop a process; on a full disk it is stopped all the same, since it may be the one that fills it (I9). */
  #markStopping(record: AttemptRecord, cause: string): void {
    const { journal, clock, log } = this.#options;
    const at = clock.now();
    try {
      journal.markStopping(record, cause, at);
    } catch (fault) {
      log.error('a stop cannot be written down', { attempt: nameOf(record), cause, fault });
      Object.assign(record, { stopCause: cause, stopAt: at });
    }
  }

  /** Commits the end of a process, as soon as the disk takes it. Meanwhile the others still need this agent for their deadlines. */
  async #markEnded(record: AttemptRecord, end: AttemptEnd): Promise<void> {
    const { journal, clock, log } = this.#options;
    for (let tries = 1; ; tries += 1) {
      try {
        return journal.markEnded(record, end);
      } catch (cause) {
        if (tries === 1) {
          log.error('an end cannot be written down yet', { attempt: nameOf(record), cause });
        }
      }
      await new Promise<void>((resolve) => void clock.after(END_RETRY_MS, resolve));
      // The next agent finds out how it ended.
      if (this.#isClosed) return await new Promise<never>(() => {});
    }
  }

  #end(held: Held, end: AttemptEnd): void {
    const { journal, reporter, log } = this.#options;
    const { record } = held;
    held.leaseTimer?.cancel();
    held.execution = null;
    if (record.end !== end) journal.markEnded(record, end);
    reporter.changed(record);
    const { taskId, attempt, stopCause } = record;
    log.debug('attempt ended', { taskId, attempt, stopCause, ...end });
  }

  #stop(key: AttemptKey, cause: string): void {
    const { journal, reporter, pool, clock } = this.#options;
    const held = this.#held.get(nameOf(key));
    if (held === undefined) {
      reporter.reportLost(key, 'this agent does not hold it');
    } else if (held.record.phase === 'ended') {
      reporter.repeat(key);
    } else if (held.execution !== null) {
      held.execution.stop(cause);
    } else {
      // In the queue, or between the intent and the process; the execution will see it.
      journal.markStopping(held.record, cause, clock.now());
      if (pool.withdraw(key)) this.#end(held, notStarted(null, clock.now()));
      held.starting?.stop();
    }
  }

  #forget(keys: readonly AttemptKey[]): void {
    const { journal, reporter, executor, clock, log } = this.#options;
    const ended = keys.filter((key) => this.#held.get(nameOf(key))?.record.phase === 'ended');
    journal.inTransaction(() => {
      for (const key of ended) journal.forget(key, clock.now());
    });
    for (const key of ended) {
      this.#held.delete(nameOf(key));
      reporter.remove(key);
      executor.remove(this.#folderOf(key)).catch((cause: unknown) => {
        log.warn('cannot remove the files of an attempt', { attempt: nameOf(key), cause });
      });
    }
  }

  /** Stops the attempt when its lease is over, however far it is. */
  #watchLease(held: Held): void {
    const { lease, clock, onFatal } = this.#options;
    const { leaseMs } = held.record.policy;
    if (leaseMs === null) return;
    held.leaseTimer = clock.after(lease.leftMs(leaseMs), () => {
      try {
        if (this.#isLeaseOver(held.record)) this.#stop(held.record, 'lease');
        else this.#watchLease(held);
      } catch (cause) {
        onFatal(cause);
      }
    });
  }

  #isLeaseOver({ policy: { leaseMs } }: AttemptRecord): boolean {
    return leaseMs !== null && this.#options.lease.leftMs(leaseMs) <= 0;
  }

  #folderOf(key: AttemptKey): string {
    return join(this.#options.attemptsFolder, nameOf(key));
  }
}

/** Its steps are committed together with those of other calls. */
function isCall({ output }: Held): boolean {
  return output.source.onGrown !== null;
}
