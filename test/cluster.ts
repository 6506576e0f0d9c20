/**
 * A real Muster for a test: supervisor and agents as processes of their own, on a database and a folder of its own.
 *
 * Used by the whole-process tests of this folder. Processes are started through the same command line that users type, killed
 * by pid, and all ended with `stop`, the processes of their attempts included.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfCommand } from '../src/process/runtime.ts';
import { createTestDatabase } from './database.ts';
import type { TestDatabase } from './database.ts';
import { eventually } from './eventually.ts';

const CLI = new URL('../src/cli/main.ts', import.meta.url);

/** What a command printed, and how it ended. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

interface Process {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
}

export class Cluster {
  readonly home: string;
  readonly url: string;
  readonly database: TestDatabase;
  readonly #port: number;
  readonly #processes = new Map<string, Process>();

  private constructor(home: string, port: number, database: TestDatabase) {
    this.home = home;
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.database = database;
  }

  static async create(): Promise<Cluster> {
    const home = await mkdtemp(join(tmpdir(), 'muster-cluster-'));
    return new Cluster(home, await freePort(), await createTestDatabase());
  }

  async startSupervisor(): Promise<void> {
    await this.#start('supervisor', ['supervisor', '--port', String(this.#port)]);
    await eventually(async () => (await fetch(`${this.url}/readyz`)).ok, 'the supervisor is ready');
  }

  async startAgent(nodeId: string, ...flags: string[]): Promise<void> {
    await this.startAgentAs(nodeId, nodeId, ...flags);
  }

  /** @param name of the process and its data folder, where it is not the node's */
  async startAgentAs(name: string, nodeId: string, ...flags: string[]): Promise<void> {
    const data = join(this.home, name);
    await mkdir(data, { recursive: true, mode: 0o700 });
    const args = ['agent', '--server', this.url, '--node', nodeId, '--data', data, ...flags];
    await this.#start(name, args);
  }

  /** Waits until these nodes are connected. */
  async online(...nodeIds: string[]): Promise<void> {
    await eventually(
      async () => {
        const { stdout } = await this.muster('node', 'list', '-o', 'json');
        const { nodes } = JSON.parse(stdout.toString()) as {
          nodes: { id: string; state: string }[];
        };
        const online = nodes.filter((node) => node.state === 'NODE_STATE_ONLINE');
        return nodeIds.every((nodeId) => online.some((node) => node.id === nodeId));
      },
      `${nodeIds.join(', ')} are online`,
    );
  }

  /** Ends one process, the hard way unless told otherwise. Resolves when it is gone. */
  async kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const running = this.#processes.get(name);
    if (running === undefined) throw new Error(`${name} is not running`);
    // By pid: Deno's child.kill makes up how the child has ended.
    process.kill(running.child.pid as number, signal);
    await running.ended;
  }

  isRunning(name: string): boolean {
    return this.#processes.has(name);
  }

  /** Runs a command of the command line to its end. */
  muster(...args: string[]): Promise<CommandResult> {
    return this.musterWithInput('', ...args);
  }

  musterWithInput(input: string, ...args: string[]): Promise<CommandResult> {
    const { child, result } = this.spawnMuster(...args);
    child.stdin?.end(input);
    return result;
  }

  /** Starts a command and leaves it running. */
  spawnMuster(...args: string[]): { child: ChildProcess; result: Promise<CommandResult> } {
    const { command, args: argv } = selfCommand(CLI, args);
    const child = spawn(command, argv, { stdio: ['pipe', 'pipe', 'pipe'], env: this.#env() });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => stdout.push(bytes));
    child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes));
    const result = new Promise<CommandResult>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) =>
        resolve({ code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }),
      );
    });
    return { child, result };
  }

  async token(): Promise<string> {
    return (await readFile(join(this.home, 'token'), 'utf8')).trim();
  }

  async log(name: string): Promise<string> {
    return readFile(join(this.home, `${name}.log`), 'utf8');
  }

  async stop(): Promise<void> {
    const names = Array.from(this.#processes.keys());
    for (const name of names) await this.kill(name);
    await this.#killAttempts();
    await this.database.drop();
    await rm(this.home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  /** Processes of attempts outlive their agents; those of this test end with it. */
  async #killAttempts(): Promise<void> {
    for (const pid of await readdir('/proc').catch(() => [])) {
      if (!/^\d+$/.test(pid)) continue;
      const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (!commandLine.includes(this.home)) continue;
      try {
        process.kill(-Number(pid), 'SIGKILL');
      } catch {
        // It has ended meanwhile, or leads no group.
      }
    }
  }

  #env(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      NO_COLOR: '1',
      MUSTER_HOME: this.home,
      MUSTER_SERVER: this.url,
      MUSTER_DATABASE_URL: this.database.url,
    };
  }

  async #start(name: string, args: string[]): Promise<void> {
    if (this.#processes.has(name)) throw new Error(`${name} is running already`);
    const { command, args: argv } = selfCommand(CLI, args);
    const log = openSync(join(this.home, `${name}.log`), 'a');
    const child = spawn(command, argv, { stdio: ['ignore', log, log], env: this.#env() });
    closeSync(log);
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => {
        this.#processes.delete(name);
        resolve();
      });
    });
    this.#processes.set(name, { child, ended });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
