/**
 * The script executor: runs a ScriptAction under the small parent in shim.sh. Called by Attempts and by the workers' self check.
 *
 * Everything of one attempt is in its folder: `command`, `body`, `stdin`, `stdout`, `stderr`, and the shim's `record`. The agent
 * may die at any moment: whoever makes the record first, the shim or a restarted agent, decides whether the script ever begins.
 */
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StartAttempt } from '../../../proto/gen/muster/v1/agent_service_pb.ts';
import { type Clock, sleep } from '../../../src/process/clock.ts';
import { FileOutput, type OutputSource } from '../../output-source.ts';
import type { OutputTrimmer } from '../../output-trimmer.ts';
import type { Executor, FoundGroup, StartResult } from '../executor.ts';
import { CannotStart, reasonOf } from './cannot-start.ts';
import { commandText } from './command-file.ts';
import { composeEnvironment, composeWords, findFolder } from './command.ts';
import { ScriptGroup } from './group.ts';
import type { Environment } from './program.ts';
import { removeBody, writeBody } from './body.ts';
import { claimRecord, readRecord } from './record.ts';
import { SHELL, SHIM } from './start-shim.ts';
import { Starters } from './starter.ts';
import { findUser } from './user.ts';

/** How long a shim that has made its record may take to write its pid into it. */
const RECORD_PATIENCE_MS = 1_000;
const RECORD_INTERVAL_MS = 10;

export interface ScriptExecutorOptions {
  readonly nodeId: string;
  /** Holds one folder per attempt. */
  readonly attemptsFolder: string;
  /** What scripts get of the agent's environment. */
  readonly environment: Environment;
  readonly clock: Clock;
  /** Keeps output beyond the cap from filling the disk; without it that stays until the attempt is removed. */
  readonly trimmer?: OutputTrimmer;
}

export class ScriptExecutor implements Executor {
  readonly #options: ScriptExecutorOptions;
  readonly #starters: Starters;

  constructor(options: ScriptExecutorOptions) {
    this.#options = options;
    this.#starters = new Starters(options.environment);
  }

  async check(): Promise<void> {
    const { attemptsFolder, nodeId } = this.#options;
    try {
      await mkdir(attemptsFolder, { recursive: true, mode: 0o700 });
      accessSync(attemptsFolder, constants.R_OK | constants.W_OK | constants.X_OK);
      accessSync(SHELL, constants.X_OK);
      accessSync(SHIM, constants.R_OK);
    } catch (cause) {
      const { path } = cause as NodeJS.ErrnoException;
      throw new Error(`cannot run scripts on node ${nodeId}: ${path}: ${reasonOf(cause)}`, {
        cause,
      });
    }
  }

  async start(start: StartAttempt, folder: string, signal?: AbortSignal): Promise<StartResult> {
    try {
      return { kind: 'started', group: await this.#start(start, folder, signal) };
    } catch (cause) {
      if (cause instanceof CannotStart) return { kind: 'failed', why: cause.message };
      const why = `cannot start the script on node ${this.#options.nodeId}: ${reasonOf(cause)}`;
      return { kind: 'failed', why };
    }
  }

  outputOf(_start: StartAttempt, folder: string): OutputSource {
    return new FileOutput(folder, this.#options.trimmer ?? null);
  }

  async find(folder: string): Promise<FoundGroup> {
    if (await claimRecord(folder)) return { kind: 'never_begun' };
    const { clock } = this.#options;
    for (let waitedMs = 0; waitedMs < RECORD_PATIENCE_MS; waitedMs += RECORD_INTERVAL_MS) {
      const record = readRecord(folder);
      if (record !== null) {
        const group = ScriptGroup.found(record.pid, folder, clock);
        return { kind: 'begun', group, begunAt: record.writtenAt };
      }
      await sleep(clock, RECORD_INTERVAL_MS);
    }
    // The shim has died before it could write, and so before the script began.
    return { kind: 'never_begun' };
  }

  async remove(folder: string): Promise<void> {
    await removeBody(folder);
    await rm(folder, { recursive: true, force: true });
  }

  close(): void {
    this.#starters.close();
  }

  async #start(start: StartAttempt, folder: string, signal?: AbortSignal): Promise<ScriptGroup> {
    const { nodeId, environment: base, clock } = this.#options;
    if (start.action.case !== 'script') {
      throw new CannotStart(`the agent of node ${nodeId} is too old for this kind of action`);
    }
    const action = start.action.value;
    const user = action.user === '' ? null : await findUser(action.user, base, nodeId);
    // Nothing from here on to the shim waits, and the shim begins only if nobody has made its record.
    if (signal?.aborted) throw new CannotStart('it was given up before it began');
    const cwd = findFolder(action.cwd, user, nodeId);
    const own = composeEnvironment(start, action, user, nodeId);
    // Fails when the folder is there: then this attempt was started before, whatever the journal says.
    // Synchronously, as all of these few small files: a way through the thread pool takes longer than the call.
    mkdirSync(folder, { mode: 0o700 });
    const bodyPath = action.program.case === 'body' ? writeBody(action, folder, user) : '';
    const words = composeWords(action, bodyPath, { ...base, ...own }, cwd, nodeId);
    const text = commandText([...(user?.become ?? []), ...words], own, cwd, nodeId);
    writeFileSync(join(folder, 'command'), text, { mode: 0o600 });
    if (action.stdin !== '') {
      writeFileSync(join(folder, 'stdin'), action.stdin, { mode: 0o600 });
    }
    return ScriptGroup.started(await this.#starters.start(folder), folder, clock);
  }
}
