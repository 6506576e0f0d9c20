// What `muster service` asks for, what it prints, and how it ends.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ServiceOperation } from '../../proto/gen/muster/v1/service_action_pb.ts';
import { TaskState } from '../../proto/gen/muster/v1/task_pb.ts';
import { muster } from './testing/command.ts';
import { ScriptedSupervisor } from './testing/scripted-supervisor.ts';

let supervisor: ScriptedSupervisor;

beforeEach(async () => {
  supervisor = new ScriptedSupervisor();
  await supervisor.start();
});
afterEach(() => supervisor.destroy());

test('creates a task on the node, prints its output, ends with its exit code', async () => {
  supervisor.onCreate = (task) => {
    task.write('stdout', 'inactive (dead)\n');
    task.become({ state: TaskState.FAILED, reason: 'exit_code', exitCode: 3 });
  };
  const args = ['service', 'status', 'nginx', '--node', 'web-1', '--timeout', '30s'];
  const { code, stdout } = await muster(supervisor, args);
  expect([code, stdout.toString()]).toEqual([3, 'inactive (dead)\n']);
  const [task] = supervisor.tasks.values();
  expect(task?.spec).toMatchObject({
    target: { kind: { case: 'nodeId', value: 'web-1' } },
    policy: { timeout: { seconds: 30n } },
    action: { case: 'service', value: { unit: 'nginx', operation: ServiceOperation.STATUS } },
  });
});

test.each([
  [['service', 'restart', 'nginx'], '--node'],
  [['service', 'restart', '--node', 'web-1'], 'unit'],
  [['service', 'explode', 'nginx'], 'explode'],
])('%j is a wrong command line: 125, and it says what is wrong', async (args, word) => {
  const { code, stderr } = await muster(supervisor, args);
  expect(stderr).toContain(word);
  expect([code, supervisor.tasks.size]).toEqual([125, 0]);
});
