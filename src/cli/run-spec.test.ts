// What the flags and words of `muster run` become, and what it prints in each output form.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Interpreter, StartMode, TaskState } from '../../proto/gen/muster/v1/task_pb.ts';
import { muster } from './testing/command.ts';
import type { ScriptedTask } from './testing/scripted-supervisor.ts';
import { ScriptedSupervisor } from './testing/scripted-supervisor.ts';

let supervisor: ScriptedSupervisor;
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'muster-run-'));
  supervisor = new ScriptedSupervisor();
  await supervisor.start();
});
afterEach(async () => {
  await supervisor.destroy();
  rmSync(folder, { recursive: true });
});

function onlyTask(): ScriptedTask {
  const [task] = supervisor.tasks.values();
  if (task === undefined) throw new Error('no task was created');
  return task;
}

describe('the spec', () => {
  beforeEach(() => {
    supervisor.onCreate = (task) => task.become({ state: TaskState.COMPLETED, exitCode: 0 });
  });

  test('an argv is sent word by word, for any node, without a shell', async () => {
    await muster(supervisor, ['run', '--', 'echo hello; id', '-n', '--', '']);
    const { spec } = onlyTask();
    expect(spec?.target?.kind.case).toBe('any');
    expect(spec?.action.value).toMatchObject({
      program: { case: 'argv', value: { words: ['echo hello; id', '-n', '--', ''] } },
    });
  });

  test('flags become what they say', async () => {
    const flags = [
      '--node',
      'web-1',
      '--name',
      'deploy',
      '--timeout',
      '1h30m',
      '--max-attempts',
      '3',
    ];
    flags.push('--priority', '0', '--label', 'app=shop', '--label', 'tier=', '--env', 'A=b=c');
    flags.push('--cwd', '/srv', '--user', 'www', '--hold', '--stdin', '-');
    await muster(supervisor, ['run', ...flags, '--', 'true'], { stdin: 'typed\n' });
    expect(onlyTask().spec).toMatchObject({
      name: 'deploy',
      target: { kind: { case: 'nodeId', value: 'web-1' } },
      policy: { timeout: { seconds: 5400n, nanos: 0 }, maxAttempts: 3, priority: 0 },
      labels: { app: 'shop', tier: '' },
      start: StartMode.MANUAL,
      action: { value: { env: { A: 'b=c' }, cwd: '/srv', user: 'www', stdin: 'typed\n' } },
    });
  });

  test('a script is sent as it is, with the interpreter of its first line and its arguments', async () => {
    const file = join(folder, 'script');
    const body = '#!/usr/bin/env python3\nprint("ü")\n';
    writeFileSync(file, body);
    await muster(supervisor, ['run', '-f', file, '--', '--flag', 'x']);
    expect(onlyTask().spec?.action.value).toMatchObject({
      program: { case: 'body', value: body },
      interpreter: Interpreter.PYTHON3,
      args: ['--flag', 'x'],
    });
  });

  test('- is a script from standard input, and --shell goes before its first line', async () => {
    const args = ['run', '--shell', 'bash', '-', '--', 'one'];
    await muster(supervisor, args, { stdin: '#!/usr/bin/perl\necho $1\n' });
    expect(onlyTask().spec?.action.value).toMatchObject({
      program: { case: 'body', value: '#!/usr/bin/perl\necho $1\n' },
      interpreter: Interpreter.BASH,
      args: ['one'],
    });
  });

  test('a script that is not UTF-8 is refused', async () => {
    const file = join(folder, 'binary');
    writeFileSync(file, Buffer.from([0x23, 0xff, 0xfe]));
    const result = await muster(supervisor, ['run', '-f', file]);
    expect(result.code).toBe(125);
    expect(result.stderr).toContain('is not UTF-8 text');
  });
});

describe('output forms', () => {
  beforeEach(() => {
    supervisor.onCreate = (task) =>
      task
        .write('stdout', 'out\n')
        .become({ state: TaskState.FAILED, reason: 'exit_code', exitCode: 7 });
  });

  test('--detach prints the id only', async () => {
    const result = await muster(supervisor, ['run', '--detach', '--', 'true']);
    expect(result.stdout.toString()).toBe(`${onlyTask().task.id}\n`);
    expect(result.code).toBe(0);
  });

  test('json is the task at its end on stdout, its output aside', async () => {
    const result = await muster(supervisor, ['run', '-o', 'json', '--', 'true']);
    expect(JSON.parse(result.stdout.toString())).toMatchObject({
      id: onlyTask().task.id,
      state: 'TASK_STATE_FAILED',
      exitCode: 7,
    });
    expect(result.stderr).toBe('out\n');
    expect(result.code).toBe(7);
  });

  test('jsonl is each piece of output and then the task', async () => {
    const result = await muster(supervisor, ['run', '-o', 'jsonl', '--', 'true']);
    const lines = result.stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([
      { chunk: expect.objectContaining({ content: Buffer.from('out\n').toString('base64') }) },
      { task: expect.objectContaining({ state: 'TASK_STATE_FAILED' }) },
    ]);
  });
});
