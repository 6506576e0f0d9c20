/** Tests of machines in words and numbers. */
import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { ChartStateSchema, ChartTriggerSchema } from '../../../proto/gen/muster/v1/machine_pb.ts';
import { DrainState, NodeSchema, NodeState } from '../../../proto/gen/muster/v1/node_pb.ts';
import { TaskState } from '../../../proto/gen/muster/v1/task_pb.ts';
import { innerWords, triggerWords, wordsOf } from './machine-words.ts';
import { countsOf, isCounted, placeOf, type Sources } from './state-counts.ts';

test('names of code are words', () => {
  expect(['isStopAsked', 'endsAs completed', 'backing_off'].map(wordsOf)).toEqual([
    'is stop asked',
    'ends as completed',
    'backing off',
  ]);
});

test('a trigger says when, if and what', () => {
  const trigger = create(ChartTriggerSchema, {
    event: 'worker.failed',
    guard: 'isOneTooMany',
    actions: ['recordFailure'],
  });
  expect(triggerWords(trigger)).toEqual({
    when: 'on worker.failed',
    condition: 'if is one too many',
    actions: ['record failure'],
  });
  expect(triggerWords(create(ChartTriggerSchema, {}))).toEqual({
    when: 'at once',
    condition: '',
    actions: [],
  });
});

test('what a state does by itself is told', () => {
  const state = create(ChartStateSchema, {
    entry: ['endWait'],
    inner: [
      { event: 'stop.requested', actions: ['askStop'] },
      { event: 'x', guard: 'isY' },
    ],
  });
  expect(innerWords(state)).toEqual([
    'on the way in: end wait',
    'on stop.requested: ask stop',
    'on x, if is y: nothing changes',
  ]);
});

const NOTHING: Sources = {
  byState: null,
  fanOuts: null,
  nodes: null,
  schedules: null,
  workers: null,
};

test('fan-outs at work are not counted as tasks of the task machine', () => {
  const sources: Sources = {
    ...NOTHING,
    byState: [
      { state: TaskState.PENDING, substate: 'held', count: 3n },
      { state: TaskState.RUNNING, substate: 'rolling', count: 1n },
      { state: TaskState.COMPLETED, substate: '', count: 40n },
    ],
    fanOuts: [
      { state: TaskState.PENDING, substate: 'held' },
      { state: TaskState.RUNNING, substate: 'rolling' },
    ],
  };
  expect(Object.fromEntries(countsOf('task', sources) ?? [])).toEqual({
    'pending.held': 2,
    completed: 40,
  });
  expect(Object.fromEntries(countsOf('fan_out', sources) ?? [])).toEqual({
    'pending.held': 1,
    'running.rolling': 1,
  });
});

test('nodes are counted by their drains, sessions by who is online', () => {
  const nodes = [
    create(NodeSchema, { id: 'a', state: NodeState.ONLINE }),
    create(NodeSchema, { id: 'b', state: NodeState.OFFLINE, drain: { state: DrainState.DRAINED } }),
  ];
  const sources = { ...NOTHING, nodes };
  expect(Object.fromEntries(countsOf('node', sources) ?? [])).toEqual({ active: 1, drained: 1 });
  expect(Object.fromEntries(countsOf('session', sources) ?? [])).toEqual({ online: 1 });
  expect(countsOf('worker', sources)).toBeNull();
});

test('a state leads to the list of what is in it', () => {
  expect(placeOf('task', 'running.executing')).toMatchObject({
    to: '/tasks',
    search: { state: 'running' },
  });
  expect(placeOf('node', 'drained')).toMatchObject({ to: '/nodes', search: { state: 'drained' } });
  expect(placeOf('worker', 'idle')).toBeNull();
});

test('no number is better than a wrong one', () => {
  expect(isCounted('fan_out', 'completed')).toBe(false);
  expect(isCounted('fan_out', 'running.rolling')).toBe(true);
  expect(isCounted('session', 'backing_off')).toBe(false);
  expect(isCounted('task', 'completed')).toBe(true);
});
