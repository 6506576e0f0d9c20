/** Tests of which nodes a filter shows, and in which order. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { DrainState, NodeSchema, NodeState } from '../../../proto/gen/muster/v1/node_pb.ts';
import { compareNodes, matches, readSort, readStates, toggleState } from './node-filter.ts';

const node = (init: MessageInitShape<typeof NodeSchema>) =>
  create(NodeSchema, { state: NodeState.ONLINE, slots: 4, ...init });

const web = node({
  id: 'web-1',
  labels: { role: 'web', region: 'eu' },
  facts: { hostname: 'alpha', addresses: ['10.0.0.7'], os: 'linux', arch: 'x64' },
});

test.each([
  ['', true],
  ['WEB', true],
  ['alpha', true],
  ['10.0.0', true],
  ['linux/x64', true],
  ['role=web', true],
  ['role=web region=eu', true],
  ['role=web, region=us', false],
  ['role=we', false],
  ['role=', true],
  ['zone=', false],
  ['beta', false],
])('the text %j finds web-1: %j', (text, isFound) => {
  expect(matches(web, { text, states: [] })).toBe(isFound);
});

test.each([
  ['', 'active drained gone'],
  ['online', 'active drained'],
  ['offline,unreachable', 'gone'],
  ['active', 'active gone'],
  ['drained', 'drained'],
  ['draining,drained', 'drained'],
  ['online,active', 'active'],
  ['offline,drained', ''],
  ['nonsense', 'active drained gone'],
])('the states %j are those of: %s', (text, ids) => {
  const nodes = [
    node({ id: 'active' }),
    node({ id: 'drained', drain: { state: DrainState.DRAINED } }),
    node({ id: 'gone', state: NodeState.OFFLINE }),
  ];
  const found = nodes.filter((one) => matches(one, { text: '', states: readStates(text) }));
  expect(found.map(({ id }) => id).join(' ')).toBe(ids);
});

test('a state is put into the address, and taken out of it', () => {
  expect(toggleState('', 'drained')).toBe('drained');
  expect(toggleState('drained', 'online')).toBe('online,drained');
  expect(toggleState('online,drained', 'online')).toBe('drained');
  expect(toggleState('drained', 'drained')).toBe('');
  expect(toggleState('nonsense,offline', 'active')).toBe('offline,active');
});

test('names with numbers are sorted by the numbers', () => {
  const ids = ['web-10', 'web-2', 'db-1'].map((id) => node({ id }));
  expect(ids.toSorted(compareNodes('id')).map(({ id }) => id)).toEqual(['db-1', 'web-2', 'web-10']);
  expect(ids.toSorted(compareNodes('-id'))[0]?.id).toBe('web-10');
});

test('nodes of which nothing is known stand last in both directions', () => {
  const nodes = [
    node({ id: 'a' }),
    node({ id: 'b', metrics: { cpuShare: 0.2 } }),
    node({ id: 'c', metrics: { cpuShare: 0.9 } }),
  ];
  const order = (sort: string) => nodes.toSorted(compareNodes(sort)).map(({ id }) => id);
  expect([order('cpu'), order('-cpu')]).toEqual([
    ['b', 'c', 'a'],
    ['c', 'b', 'a'],
  ]);
});

test('a sort that is not known is by id', () => {
  expect(readSort('-nonsense')).toEqual({ sort: 'id', isDown: true });
});
