// GroupService and ResolveNodes in memory: what reaches the supervisor, and what is refused before.
import { createClient } from '@connectrpc/connect';
import { expect, it } from 'vitest';
import { openInMemory, TOKENS } from '../http/testing/transports.ts';
import { GroupService } from '../../proto/gen/muster/v1/group_service_pb.ts';
import { NodeService } from '../../proto/gen/muster/v1/node_service_pb.ts';
import { StubSupervisor } from './testing/stub-supervisor.ts';

const stub = new StubSupervisor();
const transport = openInMemory(stub, TOKENS.user);
const groups = createClient(GroupService, transport);
const nodes = createClient(NodeService, transport);

it('passes everything on', async () => {
  const selection = { nodes: ['web[01-02]'], selector: 'role=web', groups: ['g'], exclude: ['x'] };
  const read = { ...selection, all: false };
  await groups.createGroup({ name: 'g', parent: 'p', description: 'd' });
  await groups.updateGroup({ name: 'g', parent: '' });
  expect((await groups.getGroup({ name: 'g' })).group?.nodes).toEqual(['a']);
  expect((await groups.listGroups({})).groups).toHaveLength(1);
  expect((await groups.addToGroup({ name: 'g', selection })).added).toBe(1);
  expect((await groups.removeFromGroup({ name: 'g', selection })).removed).toBe(1);
  await groups.deleteGroup({ name: 'g' });
  expect(await nodes.resolveNodes({ selection })).toMatchObject({ nodeIds: ['a', 'b'], online: 1 });
  const calls = stub.calls.filter(({ name }) => name !== 'getGroup');
  expect(calls.map(({ name, args }) => [name, ...args])).toEqual([
    ['createGroup', 'g', { name: 'g', parent: 'p', description: 'd' }],
    ['updateGroup', 'g', { name: 'g', parent: '', description: undefined }],
    ['listGroups', 'g'],
    ['addToGroup', 'g', expect.objectContaining(read)],
    ['removeFromGroup', 'g', expect.objectContaining(read)],
    ['deleteGroup', 'g'],
    ['resolveNodes', expect.objectContaining(read)],
  ]);
});

it.each<[string, () => Promise<unknown>, string]>([
  ['a name with a space', () => groups.createGroup({ name: 'a b' }), 'name is "a b"'],
  [
    'an empty selection',
    () => groups.addToGroup({ name: 'g', selection: {} }),
    'selection names no node',
  ],
  ['no selection', () => nodes.resolveNodes({}), 'selection is missing'],
  [
    'a selection of nothing',
    () => nodes.resolveNodes({ selection: { exclude: ['a'] } }),
    'names no node; give nodes, selector, groups or all',
  ],
])('refuses %s', async (_, call, sentence) => {
  const before = stub.calls.length;
  await expect(call()).rejects.toThrow(sentence);
  expect(stub.calls).toHaveLength(before);
});
