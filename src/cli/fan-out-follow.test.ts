// What a command on many nodes shows of them, as a process against a supervisor whose fan-outs end at once.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TaskState } from '../../proto/gen/muster/v1/task_pb.ts';
import { muster, startMuster } from './testing/command.ts';
import type { ScriptedTask } from './testing/scripted-supervisor.ts';
import { makeTask, ScriptedSupervisor } from './testing/scripted-supervisor.ts';

let supervisor: ScriptedSupervisor;

beforeEach(async () => {
  supervisor = new ScriptedSupervisor();
  supervisor.taskOverrides = {
    async *watchTasks({ filter }) {
      for (const { task } of supervisor.tasks.values()) {
        if (task.parentId === filter?.parentId) yield { task };
      }
    },
  };
  await supervisor.start();
});
afterEach(() => supervisor.destroy());

/** The next task that is created is a fan-out whose nodes complete with this output. */
function fanOutOver(nodeIds: readonly string[], output: string): void {
  supervisor.onCreate = (task: ScriptedTask) => {
    for (const [index, nodeId] of nodeIds.entries()) {
      const id = `0198c5f2-7b1a-7000-9000-${String(index).padStart(12, '0')}`;
      supervisor
        .add(makeTask({ id, nodeId, parentId: task.task.id }))
        .write('stdout', output)
        .become({ state: TaskState.COMPLETED, exitCode: 0 });
    }
    const total = nodeIds.length;
    const fanOut = makeTask({ fanOut: { total, completed: total } }).fanOut;
    task.become({ state: TaskState.COMPLETED, nodeId: '', ...(fanOut && { fanOut }) });
  };
}

test.each([
  [['file', 'stat', '/etc/motd']],
  [['file', 'delete', '/etc/motd']],
  [['service', 'status', 'nginx']],
])('%j on many nodes prints what they answer, equal answers once', async (words) => {
  fanOutOver(['web-1', 'web-2'], 'the answer\n');
  const { code, stdout } = await muster(supervisor, [...words, '--all']);
  const printed = stdout.toString();
  expect(printed).toContain('web-[1-2] (2)\n');
  expect(printed.split('\n').filter((line) => line === 'the answer')).toHaveLength(1);
  expect(code).toBe(0);
});

test('with --prefix each line of an answer is behind its node', async () => {
  fanOutOver(['web-1', 'web-2'], 'the answer\n');
  const { stdout } = await muster(supervisor, ['file', 'stat', '/etc/motd', '--all', '--prefix']);
  expect(stdout.toString().trimEnd().split('\n').sort()).toEqual([
    'web-1: the answer',
    'web-2: the answer',
  ]);
});

test('a node that is waited for is named, with the reason and the way out', async () => {
  const id = '0198c5f2-7b1a-7000-9000-000000000001';
  supervisor.onCreate = ({ task }) => {
    const child = { id, nodeId: 'x1', parentId: task.id, attempt: 0 };
    supervisor.add(
      makeTask({ ...child, state: TaskState.PENDING, substate: 'queued', reason: 'node_offline' }),
    );
    supervisor.find(task.id).become(makeTask({ id: task.id, fanOut: { total: 1, active: 1 } }));
  };
  const { watchTasks } = supervisor.taskOverrides;
  supervisor.taskOverrides.watchTasks = async function* (request, context) {
    yield* watchTasks?.(request, context) ?? [];
    await supervisor.find(id).changed;
    yield { task: supervisor.find(id).task };
  };
  await supervisor.destroy();
  await supervisor.start();
  const running = startMuster(supervisor, ['run', '--all', '--', 'true']);
  await running.says('stderr', 'waiting for x1, which is offline; --offline skip passes it over\n');
  const done = { state: TaskState.COMPLETED, substate: '', reason: '' };
  for (const task of supervisor.tasks.values()) task.become(done);
  const { code, stderr } = await running.result;
  expect(stderr.match(/waiting for x1/g)).toHaveLength(1);
  expect(code).toBe(0);
});

test.each([[[]], [['--follow']]])(
  'the output of a fan-out as documents, one for each line, with %j',
  async (flags) => {
    fanOutOver(['web-1'], 'one\ntw');
    const { stdout } = await muster(supervisor, ['run', '--all', '--detach', '--', 'x']);
    const id = stdout.toString().trim();
    const [child] = [...supervisor.tasks.values()].filter(({ task }) => task.parentId === id);
    child?.write('stderr', 'odd\n').write('stdout', 'o\n').write('stdout', Buffer.from('h\xe9'));
    const words = ['task', 'logs', id, '-o', 'jsonl', ...flags];
    const { code, stdout: logs } = await muster(supervisor, words);
    const taskId = child?.task.id;
    const record = (stream: string, text: string) => ({ node: 'web-1', taskId, stream, text });
    const records = logs
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(records).toEqual([
      record('stdout', 'one'),
      record('stderr', 'odd'),
      record('stdout', 'two'),
      record('stdout', 'h\u00e9'),
    ]);
    expect(code).toBe(0);
  },
);

test.each([
  [['-b', '-o', 'json'], '--gather is for people and -o json prints the tasks'],
  [['--prefix', '-o', 'jsonl'], '--prefix is for people and -o jsonl prints the tasks'],
])('%j is refused before anything is made', async (flags, words) => {
  const { code, stderr } = await muster(supervisor, ['run', '--all', ...flags, '--', 'true']);
  expect(stderr).toContain(words);
  expect([code, supervisor.calls]).toEqual([125, []]);
});
