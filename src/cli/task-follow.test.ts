// `muster task logs`, `watch` and `wait` as processes against a supervisor that may go away.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TaskState } from '../../proto/gen/muster/v1/task_pb.ts';
import type { WatchTasksRequest } from '../../proto/gen/muster/v1/task_service_pb.ts';
import type { CommandResult } from './testing/command.ts';
import { muster, startMuster } from './testing/command.ts';
import type { NodeOverrides, TaskOverrides } from './testing/scripted-supervisor.ts';
import { makeTask, ScriptedSupervisor } from './testing/scripted-supervisor.ts';

const ID = (number: number) => `0198c5f2-7b1a-7000-8000-${String(number).padStart(12, '0')}`;

let supervisor: ScriptedSupervisor;

beforeEach(async () => {
  supervisor = new ScriptedSupervisor();
  await supervisor.start();
});
afterEach(async () => {
  await supervisor.destroy();
});

async function override(tasks: TaskOverrides, nodes: NodeOverrides = {}): Promise<void> {
  supervisor.taskOverrides = tasks;
  supervisor.nodeOverrides = nodes;
  await supervisor.destroy();
  await supervisor.start();
}

function lines(result: CommandResult): string[] {
  return result.stdout.toString().trimEnd().split('\n');
}

describe('task logs', () => {
  beforeEach(() => {
    supervisor
      .add(makeTask({ id: ID(1) }))
      .write('stdout', 'out 1\n')
      .write('stderr', 'err 1\n')
      .become({ attempt: 2 })
      .write('stdout', 'out 2\n')
      .drop(12);
  });

  test('shows what is stored, and says what is not', async () => {
    const result = await muster(supervisor, ['task', 'logs', ID(1)]);
    expect(result.stdout.toString()).toBe('out 1\nout 2\n');
    expect(result.stderr).toMatch(/^err 1\nmuster: 12 bytes of the output of attempt 2 /);
    expect(result.code).toBe(0);
  });

  test('of one stream, and of one attempt', async () => {
    expect((await muster(supervisor, ['task', 'logs', ID(1), '--stdout'])).stderr).not.toContain(
      'err 1',
    );
    const second = await muster(supervisor, ['task', 'logs', ID(1), '--attempt', '2']);
    expect(second.stdout.toString()).toBe('out 2\n');
    const first = await muster(supervisor, ['task', 'logs', ID(1), '--attempt', '1', '--stderr']);
    expect([first.stdout.toString(), first.stderr]).toEqual(['', 'err 1\n']);
  });

  test('of an attempt that there is not', async () => {
    const result = await muster(supervisor, ['task', 'logs', ID(1), '--attempt', '3']);
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('has no attempt 3') });
  });

  test('--follow goes on across a restart, until the task is final', async () => {
    const running = startMuster(supervisor, ['task', 'logs', ID(1), '--follow', '--stdout']);
    await running.says('stdout', 'out 2\n');
    await supervisor.destroy();
    supervisor.find(ID(1)).write('stdout', 'out 3\n');
    await supervisor.start();
    await running.says('stdout', 'out 3\n');
    supervisor.find(ID(1)).become({ state: TaskState.FAILED, reason: 'exit_code', exitCode: 3 });
    const result = await running.result;
    expect(result.stdout.toString()).toBe('out 1\nout 2\nout 3\n');
    expect(result.code).toBe(0);
  });
});

describe('task watch', () => {
  test('goes on after a lost connection from the versions it has seen', async () => {
    const requests: WatchTasksRequest[] = [];
    let version = 1;
    await override({
      async *watchTasks(request) {
        requests.push(request);
        if (requests.length === 1) {
          yield { task: makeTask({ id: ID(1), version: 1 }) };
          yield { task: makeTask({ id: ID(1), version: 2, name: 'second' }) };
          await new Promise(() => undefined);
        }
        version = request.seen[0]?.version ?? 0;
        // A repeat, which must not be shown again.
        yield { task: makeTask({ id: ID(1), version: 2, name: 'second' }) };
        yield { task: makeTask({ id: ID(1), version: 3, state: TaskState.COMPLETED }) };
      },
    });
    supervisor.add(makeTask({ id: ID(1) }));
    const running = startMuster(supervisor, ['task', 'watch', ID(1), '-o', 'jsonl']);
    await running.says('stdout', 'second');
    await supervisor.destroy();
    await supervisor.start();
    const result = await running.result;
    const versions = lines(result).map(
      (line) => (JSON.parse(line) as { task: { version: number } }).task.version,
    );
    expect(versions).toEqual([1, 2, 3]);
    expect(version).toBe(2);
    expect(requests[0]?.filter?.ids).toEqual([ID(1)]);
    expect(result.code).toBe(0);
  });

  test('an unknown task is not waited for', async () => {
    const result = await muster(supervisor, ['task', 'watch', ID(9)]);
    expect(result).toMatchObject({ code: 1, stderr: `muster: There is no task ${ID(9)}\n` });
  });
});

describe('task wait', () => {
  test('ends with the exit code that run would have, across a restart', async () => {
    const task = supervisor.add(makeTask({ id: ID(1) }));
    const running = startMuster(supervisor, ['task', 'wait', ID(1), '-o', 'json']);
    await supervisor.called('WaitTask');
    await supervisor.destroy();
    await supervisor.start();
    await supervisor.called('WaitTask', 2);
    task.become({ state: TaskState.FAILED, reason: 'signal', signal: 'SIGTERM' });
    const result = await running.result;
    expect(JSON.parse(result.stdout.toString())).toMatchObject({ state: 'TASK_STATE_FAILED' });
    expect(result.code).toBe(143);
  });

  test('a failure of Muster is 125', async () => {
    expect((await muster(supervisor, ['task', 'wait', ID(9)])).code).toBe(125);
    expect((await muster(supervisor, ['task', 'wait'])).code).toBe(125);
  });

  test('several tasks are waited for until all are over, and each is told as it ends', async () => {
    const tasks = [1, 2, 3].map((number) => supervisor.add(makeTask({ id: ID(number) })));
    const ids = [ID(1), ID(2), ID(3)];
    const running = startMuster(supervisor, ['task', 'wait', ...ids]);
    tasks[2]?.become({ state: TaskState.COMPLETED });
    await running.says('stdout', `${ID(3)}  ✓ completed`);
    tasks[0]?.become({ state: TaskState.FAILED, reason: 'exit_code', exitCode: 7 });
    await running.says('stdout', `${ID(1)}  ✗ failed`);
    tasks[1]?.become({ state: TaskState.COMPLETED });
    expect((await running.result).code).toBe(3);
    const completed = await muster(supervisor, ['task', 'wait', ID(3), ID(2), '-o', 'json']);
    expect(completed.code).toBe(0);
    const { tasks: shown } = JSON.parse(completed.stdout.toString()) as { tasks: { id: string }[] };
    expect(shown.map(({ id }) => id)).toEqual([ID(3), ID(2)]);
    expect((await muster(supervisor, ['task', 'wait', ID(1)])).code).toBe(7);
  });
});
