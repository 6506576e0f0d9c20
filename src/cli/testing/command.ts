/**
 * Runs the command line as a process of its own, on the runtime of the test.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { selfCommand } from '../../process/runtime.ts';
import type { ScriptedSupervisor } from './scripted-supervisor.ts';
import { TOKEN } from './scripted-supervisor.ts';

const MAIN = new URL('../main.ts', import.meta.url);

/** What a command has printed, and how it ended. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A command under way. */
export class RunningCommand {
  readonly child: ChildProcess;
  readonly result: Promise<CommandResult>;
  readonly #out: Buffer[] = [];
  readonly #err: Buffer[] = [];
  #ended = false;
  #waiting: (() => void)[] = [];

  constructor(args: readonly string[], env: NodeJS.ProcessEnv, cwd: string) {
    const { command, args: argv } = selfCommand(MAIN, args);
    this.child = spawn(command, argv, { env, cwd, stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdin?.on('error', () => undefined);
    this.child.stdout?.on('data', (bytes: Buffer) => this.#collect(this.#out, bytes));
    this.child.stderr?.on('data', (bytes: Buffer) => this.#collect(this.#err, bytes));
    this.result = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code) => {
        this.#ended = true;
        this.#wake();
        resolve({ code, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  get stdout(): Buffer {
    return Buffer.concat(this.#out);
  }

  get stderr(): string {
    return Buffer.concat(this.#err).toString();
  }

  /** Resolves once a stream holds a text; rejects when the command ends without it. */
  async says(stream: 'stdout' | 'stderr', text: string): Promise<void> {
    while (!String(this[stream]).includes(text)) {
      if (this.#ended) throw new Error(`it has ended without "${text}": ${this.stderr}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Sends a signal. Deno reports a child it has sent one with `child.kill` as ended by it, whatever it did. */
  signal(name: NodeJS.Signals): void {
    process.kill(Number(this.child.pid), name);
  }

  #collect(parts: Buffer[], bytes: Buffer): void {
    parts.push(bytes);
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** Starts `muster ARGS…` against a supervisor, or against none. */
export function startMuster(
  supervisor: ScriptedSupervisor | undefined,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd: string = tmpdir(),
): RunningCommand {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(MUSTER_|VITEST|NO_COLOR)/.test(name),
  );
  const target =
    supervisor === undefined ? {} : { MUSTER_SERVER: supervisor.url, MUSTER_TOKEN: TOKEN };
  return new RunningCommand(args, { ...Object.fromEntries(own), ...target, ...env }, cwd);
}

/** Runs `muster ARGS…` to its end. */
export async function muster(
  supervisor: ScriptedSupervisor | undefined,
  args: readonly string[],
  options: { env?: Record<string, string>; stdin?: string; cwd?: string } = {},
): Promise<CommandResult> {
  const running = startMuster(supervisor, args, options.env, options.cwd);
  running.child.stdin?.end(options.stdin ?? '');
  return await running.result;
}
