// Groups of nodes on a real database: a tree without cycles, a node in several, and what a selection of groups chooses.
import { expect, it } from 'vitest';
import type { NodeSelection, Supervisor } from './supervisor.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import { kindOf, useBench } from './testing/test-bench.ts';

const bench = useBench();

const choose = (more: Partial<NodeSelection>): NodeSelection => ({
  nodes: [],
  selector: '',
  groups: [],
  all: false,
  exclude: [],
  ...more,
});

async function fleet(): Promise<Supervisor> {
  const supervisor = await bench.start();
  for (const id of ['web01', 'web02', 'db1']) {
    await new ScriptedAgent(id).connect(supervisor, { labels: { role: id.replace(/\d+/, '') } });
  }
  return supervisor;
}

const idsOf = async ({ nodes }: Supervisor, ...groups: string[]) =>
  (await nodes.resolve(choose({ groups }))).ids;

it('chooses the nodes of a group and of those below it, each once', async () => {
  const supervisor = await fleet();
  const { groups } = supervisor;
  await groups.create({ name: 'europe' });
  await groups.create({ name: 'berlin', parent: 'europe', description: 'the old hall' });
  expect(await groups.add('berlin', choose({ nodes: ['web[01-02]'] }))).toBe(2);
  expect(await groups.add('berlin', choose({ selector: 'role=web' }))).toBe(0);
  expect(await groups.add('europe', choose({ nodes: ['db1', 'web01'] }))).toBe(2);
  expect(await idsOf(supervisor, 'europe')).toEqual(['db1', 'web01', 'web02']);
  expect(await idsOf(supervisor, 'berlin')).toEqual(['web01', 'web02']);
  expect(await groups.get('europe')).toMatchObject({
    nodeIds: ['db1', 'web01'],
    totalNodes: 3,
    parent: null,
  });
  expect(await groups.remove('berlin', choose({ all: true }))).toBe(2);
  expect(await idsOf(supervisor, 'europe')).toEqual(['db1', 'web01']);
  await expect(idsOf(supervisor, 'berlin')).rejects.toThrow('no node is in these groups');
  expect((await groups.list()).map(({ name }) => name)).toEqual(['berlin', 'europe']);
});

it('refuses cycles, also of two changes at once, and names that are taken or unknown', async () => {
  const { groups } = await fleet();
  for (const name of ['a', 'b', 'c']) await groups.create({ name });
  await groups.update({ name: 'b', parent: 'a' });
  await groups.update({ name: 'c', parent: 'b', description: 'deep' });
  await expect(groups.update({ name: 'a', parent: 'c' })).rejects.toThrow(
    'c is below a; a group cannot include itself',
  );
  await expect(groups.update({ name: 'a', parent: 'a' })).rejects.toThrow('it is the same group');
  await groups.update({ name: 'c', parent: '' });
  const moves = await Promise.all([
    kindOf(groups.update({ name: 'a', parent: 'c' })),
    kindOf(groups.update({ name: 'c', parent: 'a' })),
  ]);
  expect(moves.sort()).toEqual(['group_refused', 'none']);
  await expect(groups.create({ name: 'a' })).rejects.toThrow('it exists already');
  await expect(groups.create({ name: 'd', parent: 'x' })).rejects.toThrow('Group x is unknown');
  expect(await kindOf(groups.get('x'))).toBe('unknown_group');
  expect((await groups.get('c')).description).toBe('deep');
});

it('deletes a group without groups below it, and leaves its nodes', async () => {
  const supervisor = await fleet();
  const { groups, nodes } = supervisor;
  await groups.create({ name: 'top' });
  await groups.create({ name: 'below', parent: 'top' });
  await groups.add('below', choose({ all: true }));
  await expect(groups.delete('top')).rejects.toThrow('there are groups below it');
  await groups.delete('below');
  await groups.delete('top');
  expect(await kindOf(groups.delete('top'))).toBe('unknown_group');
  expect(await nodes.list({}, 10, null)).toHaveLength(3);
});
