/**
 * The command line against a real supervisor and a real agent, as a user types it.
 */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandResult } from './cluster.ts';
import { Cluster } from './cluster.ts';
import { eventually } from './eventually.ts';

const TIMEOUT_MS = 60_000;

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.create();
  await cluster.startSupervisor();
  await cluster.startAgent('web-1', '--label', 'role=web');
  await cluster.online('web-1');
}, TIMEOUT_MS);

afterAll(async () => {
  await cluster.stop();
}, TIMEOUT_MS);

interface TaskJson {
  id: string;
  state: string;
  substate: string;
  reason: string;
  message: string;
  nodeId: string;
  attempt: number;
  exitCode?: number;
  signal: string;
  version: number;
}

async function detached(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.muster('run', '--detach', ...args);
  expect(code, stderr).toBe(0);
  return stdout.toString().trim();
}

async function get(id: string): Promise<TaskJson> {
  const { stdout } = await cluster.muster('task', 'get', id, '-o', 'json');
  return JSON.parse(stdout.toString()) as TaskJson;
}

async function is(id: string, state: string, substate = ''): Promise<void> {
  await eventually(async () => {
    const task = await get(id);
    return task.state === `TASK_STATE_${state}` && (substate === '' || task.substate === substate);
  }, `${id} is ${state} ${substate}`);
}

function text(result: CommandResult): { code: number | null; stdout: string; stderr: string } {
  return { ...result, stdout: result.stdout.toString() };
}

describe('muster run', () => {
  it('gives the output and the exit code of the command', async () => {
    const run = await cluster.muster('run', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7');
    expect(text(run)).toEqual({ code: 7, stdout: 'out\n', stderr: 'err\n' });
  });

  it(
    'gives 5 MB of binary output byte for byte (I5)',
    async () => {
      const script =
        'process.stdout.write(Buffer.alloc(5_000_000, Uint8Array.from({length: 256}, (_, i) => i)))';
      const run = await cluster.muster(
        'run',
        '--node',
        'web-1',
        '--',
        process.execPath,
        ...evalFlags(script),
      );
      const expected = Buffer.alloc(
        5_000_000,
        Uint8Array.from({ length: 256 }, (_, index) => index),
      );
      expect(digest(run.stdout)).toBe(digest(expected));
      expect(run.code).toBe(0);
    },
    TIMEOUT_MS,
  );

  it('takes a script from a file with its arguments, environment and folder', async () => {
    const file = join(cluster.home, 'script.sh');
    await writeFile(file, '#!/usr/bin/env bash\necho "$1 $COLOUR $PWD ${BASH_VERSION:+bash}"\n');
    const run = await cluster.muster(
      'run',
      '--env',
      'COLOUR=blue',
      '--cwd',
      '/tmp',
      '-f',
      file,
      '--',
      'first',
    );
    expect(text(run)).toMatchObject({ code: 0, stdout: 'first blue /tmp bash\n' });
  });

  it('takes a script from standard input', async () => {
    const run = await cluster.musterWithInput('print(6 * 7)', 'run', '--shell', 'python3', '-');
    expect(text(run)).toMatchObject({ code: 0, stdout: '42\n' });
  });

  it('ends with 124 on timeout, and the whole process group is gone (I9)', async () => {
    const run = await cluster.muster(
      'run',
      '--timeout',
      '1s',
      '--',
      'sh',
      '-c',
      'sleep 987 & sleep 987',
    );
    expect(run.code).toBe(124);
    const left = await cluster.muster(
      'run',
      '--',
      'sh',
      '-c',
      "ps ax | grep '[s]leep 987' | wc -l",
    );
    expect(left.stdout.toString().trim()).toBe('0');
  });

  it('ends with 128 and the signal when the command is killed', async () => {
    const run = await cluster.muster('run', '--', 'sh', '-c', 'kill -9 $$');
    expect(run.code).toBe(137);
  });

  it('ends with 125 and a sentence when the program cannot be started', async () => {
    const run = text(await cluster.muster('run', '--cwd', '/does/not/exist', '--', 'true'));
    expect(run.code).toBe(125);
    expect(run.stderr).toContain('/does/not/exist');
  });

  it('cancels on Ctrl-C and ends with 130 when the process is gone', async () => {
    const { child, result } = cluster.spawnMuster('run', '--', 'sh', '-c', 'echo ready; sleep 986');
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    process.kill(child.pid as number, 'SIGINT');
    expect((await result).code).toBe(130);
    const left = await cluster.muster(
      'run',
      '--',
      'sh',
      '-c',
      "ps ax | grep '[s]leep 986' | wc -l",
    );
    expect(left.stdout.toString().trim()).toBe('0');
  });

  it('shows output as it comes, not at the end', async () => {
    const { child, result } = cluster.spawnMuster(
      'run',
      '--',
      'sh',
      '-c',
      'echo first; read -r _ < /dev/null; sleep 985',
    );
    const [bytes] = await new Promise<Buffer[]>((resolve) =>
      child.stdout?.once('data', (...data: Buffer[]) => resolve(data)),
    );
    expect(bytes?.toString()).toBe('first\n');
    process.kill(child.pid as number, 'SIGINT');
    await result;
  });

  it(
    'tries a failing command again as often as it was told',
    async () => {
      const mark = join(cluster.home, 'tries');
      const run = await cluster.muster(
        'run',
        '--max-attempts',
        '3',
        '--',
        'sh',
        '-c',
        `echo x >> ${mark}; [ $(wc -l < ${mark}) -ge 3 ]`,
      );
      expect(run.code).toBe(0);
    },
    TIMEOUT_MS,
  );

  it('holds a task until it is executed, and refuses to execute it twice', async () => {
    const id = await detached('--hold', '--', 'echo', 'released');
    expect(await get(id)).toMatchObject({ state: 'TASK_STATE_PENDING', substate: 'held' });
    expect((await cluster.muster('task', 'execute', id)).code).toBe(0);
    await is(id, 'COMPLETED');
    const again = text(await cluster.muster('task', 'execute', id));
    expect(again.code).not.toBe(0);
    expect(again.stderr).toContain(
      `Cannot execute task ${id}: it is completed; only a held task can be executed`,
    );
  });
});

describe('muster task', () => {
  it('gets a task by a prefix of its id, as one document of JSON', async () => {
    const id = await detached('--', 'true');
    await is(id, 'COMPLETED');
    expect(await get(id.slice(0, 30))).toMatchObject({
      id,
      nodeId: 'web-1',
      attempt: 1,
      exitCode: 0,
    });
  });

  it('cancels a running task for real', async () => {
    const id = await detached('--', 'sleep', '984');
    await is(id, 'RUNNING', 'executing');
    expect((await cluster.muster('task', 'cancel', id)).code).toBe(0);
    await is(id, 'CANCELLED');
    const again = text(await cluster.muster('task', 'cancel', id));
    expect(again.stderr).toContain(
      `Cannot cancel task ${id}: it is cancelled; a final state never changes`,
    );
  });

  it(
    'prints logs, history, statistics, and verifies all histories (I4)',
    async () => {
      const id = await detached('--', 'sh', '-c', 'echo one; echo two >&2');
      await is(id, 'COMPLETED');
      expect(text(await cluster.muster('task', 'logs', id))).toEqual({
        code: 0,
        stdout: 'one\n',
        stderr: 'two\n',
      });
      const history = (await cluster.muster('task', 'history', id)).stdout.toString();
      for (const word of [
        'task.created',
        'attempt.dispatched',
        'attempt.started',
        'attempt.exited',
      ]) {
        expect(history).toContain(word);
      }
      expect((await cluster.muster('task', 'stats')).code).toBe(0);
      const verified = text(await cluster.muster('task', 'verify', '--all'));
      expect(verified.code, verified.stderr + verified.stdout).toBe(0);
    },
    TIMEOUT_MS,
  );

  it('retries a final task as a new one, and deletes final ones only', async () => {
    const id = await detached('--', 'false');
    await is(id, 'FAILED');
    const retried = text(await cluster.muster('task', 'retry', id, '-o', 'json'));
    const copy = JSON.parse(retried.stdout) as TaskJson;
    expect(copy.id).not.toBe(id);
    await is(copy.id, 'FAILED');
    expect((await cluster.muster('task', 'delete', id)).code).toBe(0);
    expect(text(await cluster.muster('task', 'get', id)).stderr).toContain(id);
    await is(copy.id, 'FAILED');
    expect((await cluster.muster('task', 'logs', copy.id)).code).toBe(0);
  });

  it('lists by state, node and label of time, newest first, page by page', async () => {
    const ids = [
      await detached('--label', 'team=a', '--', 'true'),
      await detached('--label', 'team=a', '--', 'true'),
    ];
    for (const id of ids) await is(id, 'COMPLETED');
    const list = await cluster.muster(
      'task',
      'list',
      '--label',
      'team=a',
      '--state',
      'completed',
      '--node',
      'web-1',
      '-o',
      'json',
    );
    const { tasks } = JSON.parse(list.stdout.toString()) as { tasks: TaskJson[] };
    expect(tasks.map((task) => task.id)).toEqual([...ids].reverse());
  });
});

/** Runs JavaScript with the runtime of this process. */
function evalFlags(script: string): string[] {
  return 'deno' in process.versions
    ? [
        'eval',
        `import { Buffer } from 'node:buffer'; import process from 'node:process'; ${script}`,
      ]
    : ['-e', script];
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
