// How a task looks in a list and in its details.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { FanOutOrder } from '../../proto/gen/muster/v1/fan_out_pb.ts';
import {
  AttemptSchema,
  OfflinePolicy,
  TaskSchema,
  TaskState,
  TaskType,
} from '../../proto/gen/muster/v1/task_pb.ts';
import {
  ATTEMPT_COLUMNS,
  attemptRow,
  endSentence,
  failureLine,
  taskDetails,
  taskRow,
} from './task-view.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
type TaskInit = MessageInitShape<typeof TaskSchema>;

function detailsOf(init: TaskInit): Record<string, string> {
  const details = taskDetails(create(TaskSchema, init), NOW_MS);
  return Object.fromEntries(details.filter(([, value]) => value !== ''));
}

const FAN_OUT: TaskInit = {
  type: TaskType.FAN_OUT,
  state: TaskState.RUNNING,
  maxAttempts: 2,
  fanOut: { total: 3, completed: 1, active: 2 },
};

test('a fan-out shows how its nodes were chosen and how far they are', () => {
  const selection = {
    nodes: ['web[01-20]', 'db-1'],
    selector: 'role in (a,b)',
    exclude: ['web07'],
  };
  const fanOut = {
    maxParallel: '10%',
    maxFailures: '3',
    order: FanOutOrder.RANDOM,
    deadline: durationFromMs(600_000),
  };
  const shown = detailsOf({
    ...FAN_OUT,
    spec: {
      target: { kind: { case: 'selection', value: { ...selection, groups: ['berlin'] } } },
      policy: { offline: OfflinePolicy.SKIP },
      fanOut,
    },
  });
  expect(shown).toMatchObject({
    Nodes: "-n 'web[01-20],db-1' -l 'role in (a,b)' -g berlin -x web07",
    Children: '1/3  2 running  1 completed',
    Attempts: 'up to 2 on each node',
    'At once': '10%',
    'Most failures': '3',
    Order: 'random',
    Altogether: '10m',
    'Offline nodes': 'skip',
  });
  expect(Object.keys(shown)).not.toContain('Node');
  expect(Object.keys(shown)).not.toContain('Attempt');
});

test('a task on one node shows that node and its attempt', () => {
  expect(detailsOf({ nodeId: 'web-1', attempt: 1, maxAttempts: 2 })).toMatchObject({
    Node: 'web-1',
    Attempt: '1 of 2',
  });
});

test('in a list a fan-out has a number of nodes and no attempt', () => {
  const row = taskRow(create(TaskSchema, FAN_OUT), NOW_MS);
  expect([row[2], row[4]]).toEqual(['3 nodes', '']);
  const single = taskRow(create(TaskSchema, { maxAttempts: 2 }), NOW_MS);
  expect([single[2], single[4]]).toEqual(['-', '0/2']);
});

test('an attempt under way shows how long it runs, and no count of its output', () => {
  const startedAt = timestampFromMs(NOW_MS - 90_000);
  const shown = (init: MessageInitShape<typeof AttemptSchema>) => {
    const row = attemptRow(create(AttemptSchema, { number: 1, startedAt, ...init }), NOW_MS);
    const at = (title: string) => row[ATTEMPT_COLUMNS.findIndex((one) => one.title === title)];
    return [at('DURATION'), at('STDOUT'), at('STDERR')];
  };
  expect(shown({})).toEqual(['1m 30s', '…', '…']);
  const over = { outcome: 'exited', stdoutBytes: 7n };
  expect(shown({ ...over, exitedAt: timestampFromMs(NOW_MS - 30_000) })).toEqual(['1m', '7', '0']);
  expect(shown({ outcome: 'lost' })).toEqual(['', '0', '0']);
});

const ENDS: [TaskInit, string, string][] = [
  [
    { state: TaskState.CANCELLED, reason: 'cancelled', message: 'cancelled while it was running' },
    'cancelled while it was running',
    'cancelled while it was running',
  ],
  [
    { state: TaskState.TIMEOUT, reason: 'timeout', message: 'stopped after its timeout of 1 s' },
    'stopped after its timeout of 1 s',
    'timeout: stopped after its timeout of 1 s',
  ],
  [{ state: TaskState.CANCELLED, reason: 'cancelled' }, 'cancelled', 'cancelled'],
  [{ state: TaskState.FAILED, reason: 'node_lost' }, 'failed: node_lost', 'failed: node_lost'],
];

test.each(ENDS)('%j is told once, whether alone or of a node of many', (init, many, alone) => {
  const task = create(TaskSchema, { id: 'ID', nodeId: 'local-3', ...init });
  expect(failureLine(task)).toBe(`local-3: ${many} (task ID)`);
  expect(endSentence(task)).toBe(`task ID on local-3: ${alone}`);
});

test('a node where the process failed is told in the same form', () => {
  const message = 'the process exited with code 3';
  const failed = { state: TaskState.FAILED, reason: 'exit_code', message };
  const task = create(TaskSchema, { id: 'ID', nodeId: 'local-3', ...failed });
  expect(failureLine(task)).toBe('local-3: the process exited with code 3 (task ID)');
});
