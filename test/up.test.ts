/**
 * `muster up` as a user meets it: a whole Muster from one command, its death and its return, and what it says when it cannot.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { selfCommand } from '../src/process/runtime.ts';
import { eventually } from './eventually.ts';

const CLI = new URL('../src/cli/main.ts', import.meta.url);
const TIMEOUT_MS = 120_000;

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  output(): string;
}

let folder: string;
let home: string;
let port: number;
let running: Running[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-up-'));
  home = join(folder, 'data');
  port = await freePort();
});

afterEach(async () => {
  for (const one of running) {
    const { child, ended } = one;
    if (child.exitCode === null && child.signalCode === null) kill(one, 'SIGTERM');
    await ended;
  }
  running = [];
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
});

describe('muster up', () => {
  it(
    'brings up a whole Muster, runs a first task, and finds its tasks again after Ctrl-C',
    async () => {
      const first = up('--agents', '2');
      await says(first, 'Ctrl-C stops everything');
      expect(first.output()).toContain('Hello from local-1');
      expect(first.output()).toContain('Hello from local-2');
      expect((await stat(join(home, 'token'))).mode & 0o777).toBe(0o600);
      const pids = await Promise.all(['supervisor', 'local-1', 'local-2'].map(pidOf));
      const run = await muster(
        'run',
        '--node',
        'local-1',
        '--',
        'sh',
        '-c',
        'echo out; echo err >&2; exit 3',
      );
      expect(run).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n' });

      kill(first, 'SIGINT');
      expect(await first.ended).toBe(0);
      expect(pids.filter(isAlive)).toEqual([]);

      const second = up('--agents', '2');
      await says(second, 'Ctrl-C stops everything');
      expect(second.output()).toContain('Found 3 tasks from before');
      const list = await muster('task', 'list', '-o', 'json');
      expect(JSON.parse(list.stdout).tasks).toHaveLength(3);
    },
    TIMEOUT_MS,
  );

  it(
    'starts the supervisor and an agent again when they are killed',
    async () => {
      const cluster = up('--agents', '1');
      await says(cluster, 'Ctrl-C stops everything');
      for (const name of ['supervisor', 'local-1']) {
        const pid = await pidOf(name);
        process.kill(pid, 'SIGKILL');
        await eventually(async () => (await pidOf(name)) !== pid, `${name} runs again`);
        const url = `http://127.0.0.1:${port}/readyz`;
        await eventually(async () => (await fetch(url)).ok, 'the supervisor is ready');
      }
      const run = await muster('run', '--node', 'local-1', '--', 'echo', 'back');
      expect(run.stdout).toBe('back\n');
    },
    TIMEOUT_MS,
  );

  it(
    'leaves nothing behind when it is killed itself, and starts again on the same folder',
    async () => {
      const first = up('--agents', '1');
      await says(first, 'Ctrl-C stops everything');
      const pids = await Promise.all(['supervisor', 'local-1'].map(pidOf));
      kill(first, 'SIGKILL');
      await first.ended;
      await eventually(() => pids.every((pid) => !isAlive(pid)), 'its processes have noticed');
      const second = up('--agents', '1');
      await says(second, 'Ctrl-C stops everything');
      expect(second.output()).toContain('Found 1 task from before');
    },
    TIMEOUT_MS,
  );

  it(
    'refuses a second start on the same folder in one sentence, and the first goes on',
    async () => {
      const first = up('--agents', '1');
      await says(first, 'Ctrl-C stops everything');
      const second = up('--agents', '1', '--port', String(await freePort()));
      expect(await second.ended).toBe(1);
      expect(lines(second)).toHaveLength(1);
      expect(second.output()).toContain(home);
      expect((await muster('run', '--', 'echo', 'still here')).stdout).toBe('still here\n');
    },
    TIMEOUT_MS,
  );

  it(
    'says in one sentence that the port is busy',
    async () => {
      const server = await occupy(port);
      const refused = up();
      expect(await refused.ended).toBe(1);
      expect(lines(refused)).toHaveLength(1);
      expect(refused.output()).toContain(`Port ${port} is in use`);
      server.close();
    },
    TIMEOUT_MS,
  );

  it(
    'says in one sentence that the data folder cannot be used',
    async () => {
      await mkdir(folder, { recursive: true });
      await writeFile(home, 'a file stands where the folder should be');
      const refused = up();
      expect(await refused.ended).toBe(1);
      expect(lines(refused)).toHaveLength(1);
      expect(refused.output()).toContain(home);
    },
    TIMEOUT_MS,
  );
});

function up(...flags: string[]): Running {
  const args = ['up', '--data', home, ...flags];
  if (!flags.includes('--port')) args.push('--port', String(port));
  const { command, args: argv } = selfCommand(CLI, args);
  const child = spawn(command, argv, { stdio: ['ignore', 'pipe', 'pipe'], env: environment() });
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => void (output += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => void (output += bytes.toString()));
  const ended = new Promise<number | null>((resolve) =>
    child.once('close', (code) => resolve(code)),
  );
  const one = { child, ended, output: () => output };
  running.push(one);
  return one;
}

function muster(
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { command, args: argv } = selfCommand(CLI, args);
  const child = spawn(command, argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...environment(), MUSTER_HOME: home },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (bytes: Buffer) => void (stdout += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => void (stderr += bytes.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}

/** Without what a developer may have set for a Muster of their own. */
function environment(): NodeJS.ProcessEnv {
  const names = Object.keys(process.env).filter((name) => !name.startsWith('MUSTER_'));
  return { ...Object.fromEntries(names.map((name) => [name, process.env[name]])), NO_COLOR: '1' };
}

async function says(one: Running, text: string): Promise<void> {
  await eventually(
    () => {
      if (one.child.exitCode !== null) throw new Error(`it has ended: ${one.output()}`);
      return one.output().includes(text);
    },
    `up says "${text}"`,
    60_000,
  );
}

function lines(one: Running): string[] {
  return one.output().trim().split('\n');
}

async function pidOf(name: string): Promise<number> {
  return Number(await readFile(join(home, `${name}.pid`), 'utf8'));
}

/** By pid: Deno's child.kill makes up how the child has ended. */
function kill(one: Running, signal: NodeJS.Signals): void {
  process.kill(one.child.pid as number, signal);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function occupy(number: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(number, '127.0.0.1', () => resolve(server));
  });
}

async function freePort(): Promise<number> {
  const server = await occupy(0);
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
