// `muster task list`: without the children of fan-outs, unless they are asked for.

import { Code } from '@connectrpc/connect';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { muster } from './testing/command.ts';
import { refusal, ScriptedSupervisor } from './testing/scripted-supervisor.ts';

const PARENT = '0198c5f2-7b1a-7000-8000-000000000001';

let supervisor: ScriptedSupervisor;
let asked: { topLevel: boolean | undefined; parentId: string | undefined }[];

beforeEach(async () => {
  asked = [];
  supervisor = new ScriptedSupervisor();
  supervisor.taskOverrides = {
    listTasks: ({ filter }) => {
      asked.push({ topLevel: filter?.topLevel, parentId: filter?.parentId });
      return filter?.idPrefix ? { tasks: [{ id: PARENT }] } : { tasks: [] };
    },
  };
  await supervisor.start();
});
afterEach(async () => {
  await supervisor.destroy();
});

test.each([
  [[], { topLevel: true, parentId: '' }],
  [['--all'], { topLevel: true, parentId: '' }],
  [['--children'], { topLevel: false, parentId: '' }],
  [['--parent', PARENT], { topLevel: false, parentId: PARENT }],
  [['--parent', '0198c5f2'], { topLevel: false, parentId: PARENT }],
  [['--node', 'web-1'], { topLevel: false, parentId: '' }],
])('with %j asks for %j', async (flags, filter) => {
  const { code } = await muster(supervisor, ['task', 'list', ...flags]);
  expect([code, asked.at(-1)]).toEqual([0, filter]);
});

test('refuses both ways at once', async () => {
  const { code, stderr } = await muster(supervisor, [
    'task',
    'list',
    '--children',
    '--parent',
    PARENT,
  ]);
  expect(code).toBe(2);
  expect(stderr).toContain('--children and --parent exclude each other');
});

test('what the supervisor refuses is told with its flag, as any wrong command line', async () => {
  supervisor.taskOverrides.listTasks = () => {
    const message = 'Cannot list tasks: filter.text is 300 bytes long';
    throw refusal('invalid_argument', Code.InvalidArgument, message);
  };
  await supervisor.destroy();
  await supervisor.start();
  const result = await muster(supervisor, ['task', 'list', '--text', 'long']);
  expect(result).toMatchObject({
    code: 2,
    stderr: 'muster: Cannot list tasks: --text is 300 bytes long\n',
  });
});
