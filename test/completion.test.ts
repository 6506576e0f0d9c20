/**
 * Completion in real shells, against a real supervisor, and without one.
 */
import { execFile, spawnSync } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selfCommand } from '../src/process/runtime.ts';
import { Cluster } from './cluster.ts';

const TIMEOUT_MS = 60_000;
const run = promisify(execFile);

/** Each prints a line for every candidate of the words in its arguments, `muster` first. */
const DRIVERS = {
  bash: `
    source <(muster completion bash)
    compopt() { echo "files"; }
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=\${#COMP_LINE}
    _muster
    printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: `
    compdef() { }
    _files() { echo files; }
    compadd() { print -l -- $texts; }
    source <(muster completion zsh)
    words=("$@"); CURRENT=$#
    _muster || true`,
  fish: `
    muster completion fish | source
    complete -C (string join ' ' -- $argv) | string replace -r '\\t.*' ''; true`,
} as const;

let cluster: Cluster;
let bin: string;
let taskId: string;

beforeAll(async () => {
  cluster = await Cluster.create();
  bin = join(cluster.home, 'bin');
  await mkdir(bin);
  const { command, args } = selfCommand(new URL('../src/cli/main.ts', import.meta.url), []);
  const words = [command, ...args].map((word) => `'${word}'`).join(' ');
  await writeFile(join(bin, 'muster'), `#!/bin/sh\nexec ${words} "$@"\n`);
  await chmod(join(bin, 'muster'), 0o755);
  await cluster.startSupervisor();
  await cluster.startAgent('web-1', '--label', 'role=web');
  await cluster.online('web-1');
  const created = await cluster.muster('run', '-d', '--label', 'app=shop', '--', 'true');
  taskId = created.stdout.toString().trim();
  await cluster.muster('schedule', 'create', 'nightly', '--every', '1d', '--', 'true');
  await cluster.muster('group', 'create', 'berlin');
}, TIMEOUT_MS);

afterAll(async () => {
  await cluster.stop();
}, TIMEOUT_MS);

async function completed(
  shell: keyof typeof DRIVERS,
  words: readonly string[],
  server = cluster.url,
): Promise<string[]> {
  const flags = { bash: ['--norc', '-c'], zsh: ['-f', '-c'], fish: ['--no-config', '-c'] }[shell];
  const name = shell === 'fish' ? [] : [shell];
  const { stdout } = await run(shell, [...flags, DRIVERS[shell], ...name, 'muster', ...words], {
    env: {
      ...process.env,
      PATH: `${bin}:${process.env['PATH']}`,
      HOME: cluster.home,
      MUSTER_HOME: cluster.home,
      MUSTER_SERVER: server,
    },
  });
  return stdout.split('\n').filter((line) => line !== '');
}

const isPresent = (shell: string) => spawnSync(shell, ['--version']).status === 0;

describe.each(['bash', 'zsh', 'fish'] as const)('in %s', (shell) => {
  it.skipIf(!isPresent(shell)).each([
    ['commands', ['sched'], ['schedule']],
    ['commands of a command', ['task', 'li'], ['list']],
    ['flags', ['run', '--max-p'], ['--max-parallel']],
    ['words', ['run', '--shell', 'py'], ['python3']],
    ['nodes', ['node', 'get', ''], ['web-1']],
    ['schedules', ['schedule', 'pause', 'ni'], ['nightly']],
    ['groups', ['run', '-g', ''], ['berlin']],
    ['labels of nodes', ['run', '-l', 'ro'], ['role=web']],
    ['labels of tasks', ['task', 'list', '--label', ''], ['app=shop']],
  ])(
    'completes %s',
    async (_, words, expected) => {
      expect(await completed(shell, words)).toEqual(expected);
    },
    TIMEOUT_MS,
  );

  it.skipIf(!isPresent(shell))(
    'completes ids of tasks, and gives nothing without a supervisor',
    async () => {
      const words = ['task', 'get', taskId.slice(0, 4)];
      expect(await completed(shell, words)).toEqual([taskId]);
      expect(await completed(shell, words, 'http://127.0.0.1:1')).toEqual([]);
      expect(await completed(shell, ['task', 'ge'], 'http://127.0.0.1:1')).toEqual(['get']);
    },
    TIMEOUT_MS,
  );
});

it(
  'completes in bash what stands behind = and in a list, and leaves files to the shell',
  async () => {
    expect(await completed('bash', ['run', '-l', 'role', '=', 'w'])).toEqual(['web']);
    expect(await completed('bash', ['run', '-l', 'role', '='])).toEqual(['web']);
    expect(await completed('bash', ['run', '-n', 'db-1,we'])).toEqual(['db-1,web-1']);
    expect(await completed('bash', ['task', 'list', '--output', '=', 'ta'])).toEqual(['table']);
    expect(await completed('bash', ['run', '-f', ''])).toEqual(['files']);
  },
  TIMEOUT_MS,
);

it(
  'gives nothing when the supervisor takes the call and does not answer',
  async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => void sockets.add(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    const asked = await cluster.muster('__complete', '--', '--server', url, 'node', 'get', '');
    expect([asked.code, asked.stdout.toString(), asked.stderr]).toEqual([0, 'words\n', '']);
    expect(sockets.size).toBe(1);
    for (const socket of sockets) socket.destroy();
    silent.close();
  },
  TIMEOUT_MS,
);

it(
  'says nothing where it knows nothing, however it is asked',
  async () => {
    for (const words of [['nonsense', 'x', ''], ['--', ''], ['task', 'get', '$(', ''], []]) {
      const { code, stdout, stderr } = await cluster.muster('__complete', '--', ...words);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout.toString()).toMatch(/^(words|files)\n/);
    }
    const wrong = await cluster.muster('completion', 'tcsh');
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      "muster: there is no completion for 'tcsh'; there is for bash, zsh, fish\n",
    ]);
  },
  TIMEOUT_MS,
);
