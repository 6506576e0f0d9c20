/**
 * One command that the agent keeps alive: a live actor of machines/worker.ts, and the process that its states ask for.
 *
 *   starting ──▶ start a run, or take on the one that is found ──▶ busy ──▶ it ends: the policy says failed or ended
 *
 * Called by KeptCommands. Starts and ends of its processes are carried out one after the other, so that there are never two.
 */
import { join } from 'node:path';
import type { Clock, Timer } from '../../src/process/clock.ts';
import type { Logger } from '../../src/process/log.ts';
import type { Executor } from '../executors/executor.ts';
import { messageOf, type OperationName, WorkerActor } from '../worker-actor.ts';
import type { KeptStatus } from '../workers.ts';
import type { Keep } from './keep.ts';
import { boundLog } from './log-file.ts';
import {
  describeEnd,
  endGroup,
  findRuns,
  LOG,
  removeRun,
  type Run,
  type RunOptions,
  startRun,
} from './run.ts';

export interface KeptWorkerOptions extends RunOptions {
  readonly keep: Keep;
  /** Holds its log and its runs. */
  readonly folder: string;
  readonly executor: Pick<Executor, 'find'>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly onChanged: (name: string) => void;
  /** Default 10 s. */
  readonly stopGraceMs?: number;
}

/** From SIGTERM to SIGKILL. */
export const STOP_GRACE_MS = 10_000;
const LOG_INTERVAL_MS = 5_000;

export class KeptWorker {
  readonly name: string;
  readonly #options: KeptWorkerOptions;
  readonly #actor: WorkerActor;
  readonly #closing = new AbortController();
  /** Found at the start and not yet decided on. */
  #found: Run[] = [];
  /** The last one, alive or not; its folder tells the next agent how it ended. */
  #run: Run | null = null;
  #isAlive = false;
  #ending: Promise<void> | null = null;
  #work: Promise<void> = Promise.resolve();
  #logTimer: Timer | null = null;

  constructor(options: KeptWorkerOptions) {
    const { keep, clock, random, log, onChanged } = options;
    this.name = keep.name;
    this.#options = options;
    this.#actor = new WorkerActor({
      name: keep.name,
      clock,
      random,
      log,
      onState: (state) => {
        if (state === 'starting') this.#enqueue(() => this.#begin());
      },
      onChanged: () => onChanged(keep.name),
    });
  }

  status(): KeptStatus {
    const { command, policy } = this.#options.keep;
    const pid = this.#isAlive ? (this.#run?.group.pid ?? null) : null;
    return { ...this.#actor.status(), pid, command, policy };
  }

  /** Takes on what an earlier agent has started, or starts it. Resolves when it is known what there is. */
  async start(isStopped: boolean): Promise<void> {
    const { folder, executor } = this.#options;
    this.#found = await findRuns(folder, executor);
    this.#actor.start();
    if (isStopped) this.#actor.operate('stop');
    this.#watchLog();
  }

  operate(operation: OperationName): void {
    this.#actor.operate(operation);
    if (this.#isAlive && this.#actor.asked !== null) this.#enqueue(() => this.#end());
  }

  /** Leaves the process as it is. */
  close(): void {
    this.#closing.abort();
    this.#logTimer?.cancel();
    this.#actor.close();
  }

  #enqueue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((cause: unknown) => {
      this.#options.log.error('a kept command', { name: this.name, why: messageOf(cause) });
      this.#actor.startFailed(messageOf(cause));
    });
  }

  /** Makes it run, if that is still wanted. */
  async #begin(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const isWanted = this.#actor.state === 'starting';
    const last = await this.#settleFound(isWanted);
    if (!isWanted) return;
    if (last?.isAlive === true) {
      this.#takeOn(last.run);
    } else if (last !== null && !this.#isToBeStartedAfter(last.run)) {
      this.#run = last.run;
      this.#actor.send({ type: 'command.ended', why: describeEnd(last.run.group).words });
    } else {
      await this.#startAnew(last?.run ?? null);
    }
  }

  /** Ends what was found and is not to go on. Returns the run that counts, if there is one. */
  async #settleFound(isWanted: boolean): Promise<{ run: Run; isAlive: boolean } | null> {
    const { keep, bootId } = this.#options;
    let last: { run: Run; isAlive: boolean } | null = null;
    for (const run of this.#found.splice(0)) {
      const isAlive = !run.group.hasEnded();
      const isSame = run.command === keep.command && run.bootId === bootId;
      if (isWanted && isSame && last?.isAlive !== true) {
        if (last !== null) await this.#discard(last.run);
        last = { run, isAlive };
        if (!isAlive) await this.#endGroup(run);
      } else {
        await this.#discard(run);
      }
    }
    return last;
  }

  async #discard(run: Run): Promise<void> {
    await this.#endGroup(run);
    await removeRun(run);
  }

  /** An earlier agent has not seen how it ended. */
  #isToBeStartedAfter(run: Run): boolean {
    const { policy } = this.#options.keep;
    return policy === 'always' || (policy === 'on-failure' && !describeEnd(run.group).isSuccess);
  }

  async #startAnew(former: Run | null): Promise<void> {
    const { keep, folder } = this.#options;
    for (const old of [former, this.#run]) if (old !== null) await removeRun(old);
    this.#run = null;
    let run: Run;
    try {
      run = await startRun(keep.name, keep.command, folder, this.#options);
    } catch (cause) {
      const why = messageOf(cause);
      if (keep.policy === 'never') this.#actor.send({ type: 'command.ended', why });
      else this.#actor.startFailed(why);
      return;
    }
    // The next agent finds it.
    if (!this.#closing.signal.aborted) this.#takeOn(run);
  }

  #takeOn(run: Run): void {
    this.#run = run;
    this.#isAlive = true;
    this.#ending = null;
    this.#actor.send({ type: 'command.started', at: this.#options.clock.monotonic() });
    this.#options.log.info('a kept command runs', { name: this.name, pid: run.group.pid });
    void this.#watch(run);
    // Stopped while it was being started.
    const isWanted = this.#actor.state === 'busy' && this.#actor.asked === null;
    if (!isWanted) this.#enqueue(() => this.#end());
  }

  /** From the start of a run to its end. */
  async #watch(run: Run): Promise<void> {
    await run.group.ended;
    if (this.#closing.signal.aborted) return;
    await this.#end();
    if (this.#closing.signal.aborted) return;
    this.#isAlive = false;
    this.#judge(run);
  }

  #judge(run: Run): void {
    const { policy } = this.#options.keep;
    const { isSuccess, words } = describeEnd(run.group);
    const isEnough = policy === 'never' || (policy === 'on-failure' && isSuccess);
    if (isEnough || this.#actor.asked !== null) {
      this.#actor.send({ type: 'command.ended', why: words });
    } else {
      this.#actor.failed(words);
    }
  }

  /** Ends the run with all that it has left behind; the second call waits for the first. */
  async #end(): Promise<void> {
    if (this.#run === null || !this.#isAlive) return;
    this.#ending ??= this.#endGroup(this.#run);
    await this.#ending;
  }

  async #endGroup({ group }: Run): Promise<void> {
    const { clock, stopGraceMs = STOP_GRACE_MS } = this.#options;
    await endGroup(group, stopGraceMs, clock, this.#closing.signal);
  }

  #watchLog(): void {
    const { clock, folder, log } = this.#options;
    this.#logTimer = clock.after(LOG_INTERVAL_MS, () => {
      boundLog(join(folder, LOG))
        .catch((cause: unknown) => {
          log.warn('the log of a kept command is not bounded', {
            name: this.name,
            why: messageOf(cause),
          });
        })
        .finally(() => {
          if (!this.#closing.signal.aborted) this.#watchLog();
        });
    });
  }
}
