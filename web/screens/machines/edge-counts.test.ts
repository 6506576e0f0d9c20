/** Tests of how often edges were taken. */
import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { MachineCountsSchema, MachineSchema } from '../../../proto/gen/muster/v1/machine_pb.ts';
import {
  edgeCountsOf,
  placeBehind,
  rangeMs,
  rangeOf,
  shortCount,
  visitsOf,
} from './edge-counts.ts';

const machine = create(MachineSchema, {
  name: 'task',
  edges: [
    { from: 'running', to: 'completed' },
    { from: 'running', to: 'failed' },
    { from: 'pending', to: 'cancelled' },
  ],
});
const counts = edgeCountsOf(
  create(MachineCountsSchema, {
    name: 'task',
    edges: [
      { from: 'running', to: 'failed', event: 'attempt.exited', count: 12_000n },
      { from: 'running', to: 'failed', event: 'timer.fired', count: 345n },
      { from: 'pending', to: 'cancelled', event: 'cancel.requested', count: 7n },
    ],
  }),
);

test('the events of an edge are counted together and apart', () => {
  expect(Object.fromEntries(counts)).toEqual({
    'running>failed': {
      count: 12_345,
      events: [
        { event: 'attempt.exited', count: 12_000 },
        { event: 'timer.fired', count: 345 },
      ],
    },
    'pending>cancelled': { count: 7, events: [{ event: 'cancel.requested', count: 7 }] },
  });
});

test('a diagram draws those that were taken, in few characters', () => {
  const { visits, marks } = visitsOf(machine, counts);
  expect([...visits]).toEqual([
    [1, 12_345],
    [2, 7],
  ]);
  expect([...marks.values()]).toEqual(['12.3K', '7']);
  expect([9_999, 1_000_000, 12_345_678].map(shortCount)).toEqual(['9,999', '1M', '12.3M']);
});

test('a range is one of those that there are', () => {
  expect([undefined, '24h', '7d'].map(rangeOf)).toEqual(['1h', '24h', '1h']);
  expect(rangeMs('24h')).toBe(86_400_000);
});

test('an edge leads to the list of what has taken it', () => {
  expect(placeBehind('task', 'running.executing', '24h')).toEqual({
    to: '/tasks',
    search: { state: 'running', since: '24h' },
    label: 'tasks that are running, created in the last 24 h',
  });
  expect(placeBehind('node', 'drained', '1h')?.search).toEqual({ state: 'drained' });
  expect(placeBehind('worker', 'idle', '1h')).toBeNull();
});
