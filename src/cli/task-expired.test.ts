// What has expired of a task is said by `muster task history`, `logs` and `verify`, and is no fault.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TaskState } from '../../proto/gen/muster/v1/task_pb.ts';
import { muster } from './testing/command.ts';
import { makeTask, ScriptedSupervisor } from './testing/scripted-supervisor.ts';

const ID = (number: number) => `0198c5f2-7b1a-7000-8000-${String(number).padStart(12, '0')}`;

let supervisor: ScriptedSupervisor;

beforeEach(() => {
  supervisor = new ScriptedSupervisor();
});
afterEach(async () => {
  await supervisor.destroy();
});

test('what has expired is said, and is no fault', async () => {
  for (const id of [ID(1), ID(2)]) supervisor.add(makeTask({ id }));
  supervisor.taskOverrides = {
    getTaskHistory: () => ({ expired: true }),
    verifyTask: ({ id }) =>
      id === ID(1) ? { clean: true, expired: true } : { clean: true, transitions: 4 },
    async *tailOutput() {
      yield { item: { case: 'expired', value: { attempt: 1, bytes: 12n } } } as const;
      yield { item: { case: 'task', value: { state: TaskState.COMPLETED } } } as const;
    },
  };
  await supervisor.start();
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await muster(supervisor, ['task', ...args]);
    return [code, stdout.toString(), stderr.toString()];
  };
  expect(await run('history', ID(1))).toEqual([
    0,
    '',
    expect.stringContaining('its history has expired and is deleted'),
  ]);
  expect(await run('logs', ID(1))).toEqual([
    0,
    '',
    expect.stringContaining('12 bytes of the output of attempt 1 have expired and are deleted'),
  ]);
  expect(await run('verify', ID(1), ID(2))).toEqual([
    0,
    `${ID(1)}  - its history has expired, there is nothing to replay\n` +
      `${ID(2)}  ✓ clean, 4 transitions\n` +
      '2 tasks, 4 transitions: 1 with an expired history, the others clean\n',
    '',
  ]);
});
