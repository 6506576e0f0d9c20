/**
 * A real agent for tests, with a data folder of its own: in this process, or as a process that can be killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { silentLogger } from '../../src/process/log.ts';
import { selfCommand } from '../../src/process/runtime.ts';
import { readConfig } from '../config.ts';
import { runAgent } from '../main.ts';
import type { TestSupervisor } from './supervisor.ts';

const PROGRAMS = fileURLToPath(new URL('../../node_modules/.bin', import.meta.url));
const PROGRAM = new URL('./agent-process.ts', import.meta.url);

export class TestAgent {
  readonly folder: string;
  readonly #supervisor: TestSupervisor;
  #stop: (() => Promise<void>) | null = null;
  #child: ChildProcess | null = null;

  private constructor(folder: string, supervisor: TestSupervisor) {
    this.folder = folder;
    this.#supervisor = supervisor;
  }

  static async create(supervisor: TestSupervisor): Promise<TestAgent> {
    return new TestAgent(await mkdtemp(join(tmpdir(), 'muster-agent-')), supervisor);
  }

  get pid(): number {
    return this.#child?.pid ?? process.pid;
  }

  /** Runs the agent in this process. */
  start(slots = 4, environment: Readonly<Record<string, string>> = {}): void {
    const controller = new AbortController();
    const flags = { server: this.#supervisor.url, node: 'web-1', data: this.folder, slots };
    const config = readConfig(flags, { ...this.#environment(), ...environment });
    const ended = runAgent(config, { signal: controller.signal, log: silentLogger });
    this.#stop = async () => {
      controller.abort();
      await ended;
    };
  }

  /** Runs the agent as a process of its own. */
  spawn(...more: string[]): ChildProcess {
    const { url } = this.#supervisor;
    const flags = ['--server', url, '--node', 'web-1', '--data', this.folder, ...more];
    const { command, args } = selfCommand(PROGRAM, flags);
    const child = spawn(command, args, {
      env: this.#environment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    return child;
  }

  /** Ends the agent, if it runs, and resolves with its exit code. Processes of attempts stay. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    await this.#stop?.();
    this.#stop = null;
    const child = this.#child;
    this.#child = null;
    if (child === null) return null;
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      // Not child.kill: under Deno the exit would then be reported as that of the signal.
      process.kill(child.pid ?? 0, signal);
      await exited;
    }
    return child.exitCode;
  }

  /** Ends the agent and whatever it has started, and removes its folder. */
  async dispose(): Promise<void> {
    await this.stop('SIGKILL');
    for (const pid of [...this.shims(), ...this.keptShims()]) {
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The pids in the records of all attempts that are not let go. */
  shims(): number[] {
    return pidsIn(join(this.folder, 'attempts'));
  }

  /** The pids in the records of kept commands, those that have ended included. */
  keptShims(): number[] {
    const folder = join(this.folder, 'kept');
    return namesIn(folder).flatMap((name) => pidsIn(join(folder, name)));
  }

  #environment(): Record<string, string> {
    const { HOME = '', DENO_DIR = '' } = process.env;
    return {
      PATH: scriptPath(),
      HOME,
      ...(DENO_DIR === '' ? {} : { DENO_DIR }),
      MUSTER_AGENT_TOKEN: this.#supervisor.agentToken,
      MUSTER_LOG_LEVEL: 'debug',
    };
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Those in the records of the folders in a folder. */
function pidsIn(folder: string): number[] {
  return namesIn(folder).flatMap((name) => {
    try {
      const pid = Number.parseInt(readFileSync(join(folder, name, 'record'), 'utf8'), 10);
      return pid > 1 ? [pid] : [];
    } catch {
      // It has no record yet, or has been removed.
      return [];
    }
  });
}

/** Where scripts look for programs: a test may run without those of this repository in its own path. */
export function scriptPath(): string {
  return `${process.env['PATH']}:${PROGRAMS}`;
}
