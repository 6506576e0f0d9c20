// `muster run` as a process against a supervisor on HTTP/2: bytes, exit codes, Ctrl-C, and a supervisor that dies meanwhile.
import { Code } from '@connectrpc/connect';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TaskState } from '../../proto/gen/muster/v1/task_pb.ts';
import { muster, startMuster } from './testing/command.ts';
import type { ScriptedTask } from './testing/scripted-supervisor.ts';
import { refusal, ScriptedSupervisor } from './testing/scripted-supervisor.ts';

let supervisor: ScriptedSupervisor;

beforeEach(async () => {
  supervisor = new ScriptedSupervisor();
  await supervisor.start();
});
afterEach(async () => {
  await supervisor.destroy();
});

/** Resolves with the first task that is created. */
function created(): Promise<ScriptedTask> {
  return new Promise((resolve) => {
    supervisor.onCreate = resolve;
  });
}

describe('output', () => {
  test('stdout goes to stdout and stderr to stderr, byte for byte', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 * 300 }, (_, index) => index % 256));
    supervisor.onCreate = (task) =>
      task
        .write('stdout', bytes)
        .write('stderr', 'warning\n')
        .write('stdout', 'no newline')
        .become({ state: TaskState.COMPLETED, exitCode: 0 });
    const result = await muster(supervisor, ['run', '--', 'cat', 'file']);
    expect(result.stdout.equals(Buffer.concat([bytes, Buffer.from('no newline')]))).toBe(true);
    expect(result.stderr).toBe('warning\n');
    expect(result.code).toBe(0);
  });

  test('comes while the task is running', async () => {
    const creation = created();
    const running = startMuster(supervisor, ['run', '--', 'slow']);
    const task = await creation;
    task.write('stdout', 'first\n');
    await running.says('stdout', 'first\n');
    task.write('stdout', 'second\n').become({ state: TaskState.COMPLETED, exitCode: 0 });
    expect((await running.result).stdout.toString()).toBe('first\nsecond\n');
  });

  test('a supervisor that dies in the middle and comes back costs no byte and repeats none', async () => {
    const creation = created();
    const running = startMuster(supervisor, ['run', '--', 'slow']);
    const task = await creation;
    const lines: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const line = `line ${round}\n`;
      lines.push(line);
      task.write('stdout', line).write('stderr', `error ${round}\n`);
      await running.says('stdout', line);
      await running.says('stderr', `error ${round}\n`);
      await supervisor.destroy();
      lines.push(`meanwhile ${round}\n`);
      task.write('stdout', `meanwhile ${round}\n`);
      await supervisor.start();
      await running.says('stdout', `meanwhile ${round}\n`);
    }
    task.become({ state: TaskState.FAILED, reason: 'exit_code', exitCode: 3 });
    const result = await running.result;
    expect(result.stdout.toString()).toBe(lines.join(''));
    const notes = result.stderr.split('\n').filter((line) => line.startsWith('muster:'));
    expect(notes).toEqual([expect.stringContaining('connecting again')]);
    expect(result.stderr.replace(`${notes[0]}\n`, '')).toBe('error 0\nerror 1\nerror 2\n');
    expect(result.code).toBe(3);
  });

  test('a connection that is lost while the task is created gives one task, not two', async () => {
    let isFirst = true;
    const creation = created();
    const { onCreate } = supervisor;
    supervisor.onCreate = (task) => {
      onCreate(task);
      task.write('stdout', 'once\n').become({ state: TaskState.COMPLETED, exitCode: 0 });
      if (isFirst) {
        isFirst = false;
        // The answer is on its way when the connection breaks.
        void supervisor.destroy().then(() => supervisor.start());
      }
    };
    const result = await muster(supervisor, ['run', '--', 'true']);
    await creation;
    expect(result.stdout.toString()).toBe('once\n');
    expect(result.code).toBe(0);
    expect(supervisor.requestIds.length).toBeGreaterThan(1);
    expect(new Set(supervisor.requestIds).size).toBe(1);
    expect(supervisor.tasks.size).toBe(1);
  });

  test('what the cap has dropped is told on stderr', async () => {
    supervisor.onCreate = (task) =>
      task.write('stdout', 'kept').drop(1000).become({ state: TaskState.COMPLETED, exitCode: 0 });
    const result = await muster(supervisor, ['run', '--', 'yes']);
    expect(result.stdout.toString()).toBe('kept');
    expect(result.stderr).toMatch(/^muster: 1000 bytes of the output of attempt 1 .*\n$/);
  });

  test('the output of all attempts comes in order', async () => {
    supervisor.onCreate = (task) =>
      task
        .write('stdout', 'one\n')
        .become({ attempt: 2, state: TaskState.RUNNING })
        .write('stdout', 'two\n')
        .become({ state: TaskState.COMPLETED, exitCode: 0 });
    const result = await muster(supervisor, ['run', '--max-attempts', '2', '--', 'flaky']);
    expect(result.stdout.toString()).toBe('one\ntwo\n');
  });

  test('a closed pipe ends it quietly, and the task goes on', async () => {
    const creation = created();
    const running = startMuster(supervisor, ['run', '--', 'yes']);
    const task = await creation;
    task.write('stdout', 'first\n');
    await running.says('stdout', 'first\n');
    running.child.stdout?.destroy();
    task.write('stdout', Buffer.alloc(300_000, 'y\n'));
    const result = await running.result;
    expect(result.stderr).toBe('');
    expect(result.code).toBe(141);
    expect(supervisor.calls).not.toContain('CancelTask');
  });

  test('a reader that is slow keeps Ctrl-C working', async () => {
    const creation = created();
    const running = startMuster(supervisor, ['run', '--', 'yes']);
    running.child.stdout?.pause();
    const task = await creation;
    task.write('stdout', Buffer.alloc(2_000_000, 'y\n'));
    await supervisor.called('TailOutput');
    running.signal('SIGINT');
    await supervisor.called('CancelTask');
    running.child.stdout?.resume();
    expect((await running.result).code).toBe(130);
  });
});

describe('exit codes', () => {
  test.each([
    ['0 when completed', { state: TaskState.COMPLETED, exitCode: 0 }, 0],
    ['that of the command', { state: TaskState.FAILED, reason: 'exit_code', exitCode: 7 }, 7],
    ['128+n for signal n', { state: TaskState.FAILED, reason: 'signal', signal: 'SIGKILL' }, 137],
    ['124 on timeout', { state: TaskState.TIMEOUT, reason: 'timeout', signal: 'SIGTERM' }, 124],
    ['130 when cancelled', { state: TaskState.CANCELLED, reason: 'cancelled' }, 130],
    ['125 for a lost node', { state: TaskState.FAILED, reason: 'node_lost' }, 125],
    ['125 when it could not start', { state: TaskState.FAILED, reason: 'spawn_failed' }, 125],
  ] as const)('%s', async (_name, end, code) => {
    supervisor.onCreate = (task) => task.become({ ...end, message: 'the reason' });
    const result = await muster(supervisor, ['run', '--', 'cmd']);
    expect(result.code).toBe(code);
    const isPlain = code === 0 || code === 7;
    expect(result.stderr).toMatch(
      isPlain ? /^$/ : /^muster: task \S+ on node-1: \w+: the reason\n$/,
    );
  });

  test('125 and one line when the supervisor refuses the spec', async () => {
    supervisor.taskOverrides = {
      createTask: () => {
        throw refusal(
          'invalid_argument',
          Code.InvalidArgument,
          'Cannot create the task: spec.script.cwd is "tmp"; it must be absolute',
        );
      },
    };
    await supervisor.destroy();
    await supervisor.start();
    const result = await muster(supervisor, ['run', '--cwd', 'tmp', '--', 'true']);
    expect(result.code).toBe(125);
    expect(result.stderr).toBe(
      'muster: Cannot create the task: --cwd is "tmp"; it must be absolute\n',
    );
  });

  test('125 when nobody listens', async () => {
    await supervisor.destroy();
    const result = await muster(supervisor, ['run', '--', 'true']);
    expect(result.code).toBe(125);
    expect(result.stderr).toBe(
      `muster: cannot reach the supervisor at ${supervisor.url}: connection refused; is it running? start one with: ./muster up\n`,
    );
  });

  test.each([
    [
      'an unknown flag',
      ['--tiemout', '3s', '--', 'ls'],
      "unknown option '--tiemout'; did you mean --timeout?",
    ],
    [
      'a flag of the command before --',
      ['ls', '-a'],
      "unknown option '-a'; the command goes after --",
    ],
    ['nothing to run', [], 'nothing to run'],
    ['a bad duration', ['--timeout', '30', '--', 'ls'], '30s or 30m'],
    ['a bad label', ['--label', 'nolabel', '--', 'ls'], "--label: 'nolabel' is no pair"],
    ['an unknown interpreter', ['--shell', 'ruby', '-f', 'x.rb'], "'ruby' is no interpreter"],
    ['two targets', ['--any', '--node', 'a', '--', 'ls'], '--any'],
    ['a missing script', ['-f', '/does/not/exist'], 'there is no such file'],
  ])('125 for %s', async (_name, args, message) => {
    const result = await muster(supervisor, ['run', ...args]);
    expect(result.code).toBe(125);
    expect(result.stderr).toContain(message);
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
    expect(supervisor.tasks.size).toBe(0);
  });
});

describe('Ctrl-C', () => {
  test('once cancels the task and waits for its end', async () => {
    supervisor.taskOverrides = {
      cancelTask: ({ id }) => ({
        task: supervisor.find(id).become({ state: TaskState.RUNNING, substate: 'stopping' }).task,
      }),
    };
    await supervisor.destroy();
    await supervisor.start();
    const creation = created();
    const running = startMuster(supervisor, ['run', '--', 'sleep', '1000']);
    const task = await creation;
    task.write('stdout', 'started\n');
    await running.says('stdout', 'started');
    running.signal('SIGINT');
    await running.says('stderr', `cancelling task ${task.task.id}`);
    await supervisor.called('CancelTask');
    task.write('stdout', 'cleaning up\n');
    await running.says('stdout', 'cleaning up');
    task.become({ state: TaskState.CANCELLED, reason: 'cancelled' });
    expect((await running.result).code).toBe(130);
  });

  test('once, when the command ends by itself all the same, gives its exit code', async () => {
    supervisor.taskOverrides = {
      cancelTask: () => {
        throw refusal(
          'illegal_transition',
          Code.FailedPrecondition,
          'Cannot cancel: it is completed',
        );
      },
    };
    await supervisor.destroy();
    await supervisor.start();
    const creation = created();
    const running = startMuster(supervisor, ['run', '--', 'sleep', '1']);
    const task = await creation;
    task.write('stdout', 'started\n');
    await running.says('stdout', 'started');
    running.signal('SIGINT');
    await supervisor.called('CancelTask');
    task.become({ state: TaskState.COMPLETED, exitCode: 0 });
    const result = await running.result;
    expect(result.code).toBe(0);
    expect(result.stderr).not.toContain('Cannot cancel');
  });

  test('twice leaves the task to itself and says how to follow it', async () => {
    supervisor.taskOverrides = { cancelTask: ({ id }) => ({ task: supervisor.find(id).task }) };
    await supervisor.destroy();
    await supervisor.start();
    const creation = created();
    const running = startMuster(supervisor, ['run', '--', 'sleep', '1000']);
    const task = await creation;
    task.write('stdout', 'started\n');
    await running.says('stdout', 'started');
    running.signal('SIGINT');
    await running.says('stderr', 'Ctrl-C again');
    running.signal('SIGINT');
    const result = await running.result;
    expect(result.code).toBe(130);
    expect(result.stderr).toContain(`muster task logs ${task.task.id} --follow`);
    expect(task.isFinal).toBe(false);
  });

  test('while the supervisor is away cancels as soon as it is back', async () => {
    const creation = created();
    const running = startMuster(supervisor, ['run', '--', 'sleep', '1000']);
    const task = await creation;
    task.write('stdout', 'started\n');
    await running.says('stdout', 'started');
    await supervisor.destroy();
    await running.says('stderr', 'connecting again');
    running.signal('SIGINT');
    await running.says('stderr', 'cancelling');
    await supervisor.start();
    expect((await running.result).code).toBe(130);
  });
});
