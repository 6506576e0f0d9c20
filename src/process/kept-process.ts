/**
 * Keeps one child process alive: starts it again with backoff when it dies, and ends it in good order.
 *
 * Called by `up` for the supervisor and each agent. The child gets a pipe as its standard input that nobody writes to: when
 * this process dies, however it dies, the pipe closes and the child knows that it is alone (see parent.ts). Its output goes to a file.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Timer } from './clock.ts';
import { systemClock } from './clock.ts';
import { writePidFile } from './pid-file.ts';
import type { PidFile } from './pid-file.ts';
import type { SelfCommand } from './runtime.ts';

export interface KeptProcessOptions {
  /** Names the pid file `<folder>/<name>.pid` and the log `<folder>/<name>.log`. */
  readonly name: string;
  readonly folder: string;
  readonly command: SelfCommand;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called when the child has died without being asked to, before it is started again. */
  readonly onDeath?: (death: { pid: number; reason: string; restartInMs: number }) => void;
  readonly clock?: Clock;
  readonly random?: () => number;
}

const FIRST_RESTART_MS = 250;
const MAX_RESTART_MS = 30_000;
/** A child that has lived this long has started well. */
const HEALTHY_AFTER_MS = 60_000;

export class KeptProcess {
  readonly name: string;
  readonly logFile: string;
  readonly #options: KeptProcessOptions;
  readonly #clock: Clock;
  #child: ChildProcess | null = null;
  #pidFile: PidFile | null = null;
  #restart: Timer | null = null;
  #deaths = 0;
  #isStopping = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: KeptProcessOptions) {
    this.name = options.name;
    this.logFile = join(options.folder, `${options.name}.log`);
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** How often the child has died without being asked to. */
  get deaths(): number {
    return this.#deaths;
  }

  /** Starts the child. Resolves when it runs, not when it is ready. */
  async start(): Promise<void> {
    const { command, env, folder, name } = this.#options;
    const log = openSync(this.logFile, 'a', 0o600);
    const startedAt = this.#clock.monotonic();
    const child = spawn(command.command, command.args, {
      stdio: ['pipe', log, log],
      // A session of its own: a Ctrl-C in the terminal reaches only this process, which keeps the order.
      detached: true,
      env: { ...env } as NodeJS.ProcessEnv,
    });
    closeSync(log);
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      const died = (reason: string) => {
        if (this.#child !== child) return;
        this.#child = null;
        resolve();
        this.#afterDeath(child.pid ?? 0, reason, this.#clock.monotonic() - startedAt);
      };
      child.once('exit', (code, signal) => died(signal ?? `exit code ${code}`));
      child.once('error', (error) => died(error.message));
    });
    // A pipe whose reader has died is news that `exit` brings as well.
    child.stdin?.on('error', () => {});
    if (child.pid !== undefined) this.#pidFile = await writePidFile(folder, name, child.pid);
  }

  /** Asks the child to end, and insists after `graceMs`. Resolves when it is gone. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#restart?.cancel();
    const child = this.#child;
    if (child !== null) {
      child.kill('SIGTERM');
      const insist = this.#clock.after(graceMs, () => child.kill('SIGKILL'));
      await this.#ended;
      insist.cancel();
    }
    await this.#pidFile?.remove();
  }

  /** The last lines of its log, for a message about a failed start. */
  lastWords(lines: number): string {
    try {
      return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
    } catch (error) {
      return `(its log cannot be read: ${(error as Error).message})`;
    }
  }

  #afterDeath(pid: number, reason: string, livedMs: number): void {
    if (this.#isStopping) return;
    this.#deaths = livedMs >= HEALTHY_AFTER_MS ? 1 : this.#deaths + 1;
    const bound = Math.min(MAX_RESTART_MS, FIRST_RESTART_MS * 2 ** Math.min(this.#deaths - 1, 20));
    const random = this.#options.random ?? Math.random;
    // At least half of the bound: a child that dies at once must not be started in a tight loop.
    const restartInMs = Math.round(bound / 2 + (bound / 2) * random());
    this.#options.onDeath?.({ pid, reason, restartInMs });
    this.#restart = this.#clock.after(restartInMs, () => {
      this.start().catch((error: unknown) => this.#afterDeath(0, String(error), 0));
    });
  }
}
