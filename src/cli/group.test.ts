// `muster group …` as a process: what it asks the supervisor for.
import type { MessageInitShape } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { GroupSchema } from '../../proto/gen/muster/v1/group_service_pb.ts';
import { muster } from './testing/command.ts';
import { ScriptedSupervisor } from './testing/scripted-supervisor.ts';

const group: MessageInitShape<typeof GroupSchema> = { name: 'berlin' };
let supervisor: ScriptedSupervisor;
let asked: unknown[];

beforeEach(async () => {
  asked = [];
  supervisor = new ScriptedSupervisor();
  supervisor.groupMethods = {
    addToGroup: ({ selection }) => {
      asked.push(selection?.nodes);
      return { group, added: 1 };
    },
    removeFromGroup: ({ selection }) => {
      asked.push(selection?.nodes);
      return { group, removed: 1 };
    },
    updateGroup: ({ parent }) => {
      asked.push(parent);
      return { group };
    },
  };
  await supervisor.start();
});
afterEach(() => supervisor.destroy());

test.each([
  [['add', 'berlin', 'local-1'], ['local-1']],
  [
    ['add', 'berlin', 'web[01-20]', 'db-1', '-n', 'x1'],
    ['web[01-20]', 'db-1', 'x1'],
  ],
  [['add', 'berlin', '-n', 'x1'], ['x1']],
  [['remove', 'berlin', 'local-1'], ['local-1']],
])('%j names nodes', async (words, nodes) => {
  const { code, stderr } = await muster(supervisor, ['group', ...words]);
  expect([code, asked]).toEqual([0, [nodes]]);
  expect(stderr).toMatch(/1 (added|removed)/);
});

test('without a node it is told how they are chosen', async () => {
  const { code, stderr } = await muster(supervisor, ['group', 'add', 'berlin']);
  expect([code, asked]).toEqual([2, []]);
  expect(stderr).toContain('choose nodes by name, or with -l, -g or --all');
});

test.each([
  ['none', ''],
  ['', ''],
  ['europe', 'europe'],
])('--parent %j puts it below %j', async (given, parent) => {
  const { code } = await muster(supervisor, ['group', 'update', 'berlin', '--parent', given]);
  expect([code, asked]).toEqual([0, [parent]]);
});
