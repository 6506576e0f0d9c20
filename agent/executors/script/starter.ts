/**
 * Small helper processes that start scripts for the agent (starter.sh), each one at a time. Used by the script executor.
 *
 * Forking a process as large as the agent takes milliseconds in which nothing else happens; a shell does it in a tenth of that.
 * As the shim's parent a starter also tells when the shim has ended, however it did. Where the system has no setsid(1), as on
 * macOS, the agent starts shims itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Environment, findProgram } from './program.ts';
import { SHELL, SHIM, type StartedShim, startShim } from './start-shim.ts';

const STARTER = fileURLToPath(new URL('starter.sh', import.meta.url));

export class Starters {
  readonly #environment: Environment;
  readonly #hasSetsid: boolean;
  readonly #idle: Starter[] = [];
  #isClosed = false;

  /** @param environment what every script gets besides its own */
  constructor(environment: Environment) {
    this.#environment = environment;
    this.#hasSetsid = findProgram('setsid', environment) !== null;
  }

  /**
   * Starts the shim of an attempt.
   *
   * @throws the system's error, or one with a sentence, if there is no process
   */
  async start(folder: string): Promise<StartedShim> {
    if (!this.#hasSetsid) return await startShim(folder, this.#environment);
    const starter = this.#idle.pop() ?? new Starter(this.#environment);
    const shim = await starter.start(folder);
    void shim.ended.then((status) => {
      // Nobody knows what became of one that died; it is not used again.
      if (status === null) return;
      if (this.#isClosed) starter.close();
      else this.#idle.push(starter);
    });
    return shim;
  }

  /** Ends the starters; those that wait for a script end with it. */
  close(): void {
    this.#isClosed = true;
    for (const starter of this.#idle.splice(0)) starter.close();
  }
}

class Starter {
  readonly #child: ChildProcess;
  #onStarted: (pid: number) => void = () => {};
  #onEnded: (status: number | null) => void = () => {};

  constructor(environment: Environment) {
    // In a session of its own: a Ctrl-C in the agent's terminal is not meant for scripts.
    const child = spawn(SHELL, [STARTER, SHIM], {
      env: environment,
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#child = child;
    child.unref();
    // A pipe to a starter that has died; `close` says the same.
    child.stdin?.on('error', () => {});
    child.once('error', () => this.#onEnded(null));
    if (child.stdout !== null) {
      const lines = createInterface(child.stdout);
      lines.on('line', (line) => this.#take(line));
      lines.once('close', () => this.#onEnded(null));
    }
  }

  start(folder: string): Promise<StartedShim> {
    const { promise: ended, resolve } = Promise.withResolvers<number | null>();
    this.#onEnded = resolve;
    const started = new Promise<StartedShim>((resolveStarted, reject) => {
      this.#onStarted = (pid) => resolveStarted({ pid, ended });
      void ended.then((status) =>
        reject(
          new Error(`the parent of the script did not begin (${status ?? 'its starter died'})`),
        ),
      );
    });
    this.#child.stdin?.write(`${folder}\n`);
    return started;
  }

  close(): void {
    this.#child.stdin?.end();
  }

  #take(line: string): void {
    const [word, number] = line.split(' ');
    if (word === 'started') this.#onStarted(Number(number));
    else this.#onEnded(Number(number));
  }
}
