/** Tests of nodes and workers in words, and of their curves. */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { HostMetricsSchema } from '../../../proto/gen/muster/v1/node_metrics_pb.ts';
import {
  WorkerKind,
  WorkerOperation,
  WorkerSchema,
  WorkerState,
} from '../../../proto/gen/muster/v1/worker_pb.ts';
import { curvesOf, inWords } from './load-curves.ts';
import { stepText } from './node-history-text.ts';
import { inOrder, operationsOf, wishText, workerLookOf } from './worker-state.ts';

test('the steps of a drain are sentences', () => {
  const asked = { by: 'user', deadlineMs: 600_000, onDeadline: 'leave', note: 'disk swap' };
  expect(stepText({ eventType: 'drain.requested', event: asked })).toBe(
    'drain asked for by user, at most 10 min 0 s, then left alone: disk swap',
  );
  expect(stepText({ eventType: 'drain.requested', event: { by: 'user', deadlineMs: null } })).toBe(
    'drain asked for by user',
  );
  expect(stepText({ eventType: 'tasks.counted', event: { active: 0 } })).toBe(
    'nothing is at work any more',
  );
  expect(stepText({ eventType: 'something.new' })).toBe('something.new');
});

test('workers stand in the order of their numbers', () => {
  const workers = ['slot-10', 'slot-2', 'exporter'].map((name) => create(WorkerSchema, { name }));
  expect(inOrder(workers).map(({ name }) => name)).toEqual(['exporter', 'slot-2', 'slot-10']);
});

test('what is offered for a worker makes a difference in its state', () => {
  const { START, STOP, RESTART } = WorkerOperation;
  const offered = (state: WorkerState) => operationsOf({ state });
  expect(offered(WorkerState.CRASHED)).toEqual([START]);
  expect(offered(WorkerState.BACKING_OFF)).toEqual([START, STOP]);
  expect(offered(WorkerState.BUSY)).toEqual([RESTART, STOP]);
});

test('a kept command runs where a slot is busy', () => {
  const state = WorkerState.BUSY;
  expect(workerLookOf({ state, kind: WorkerKind.KEPT }).word).toBe('runs');
  expect(workerLookOf({ state, kind: WorkerKind.SLOT }).word).toBe('busy');
});

test('a wish is told until it is done', () => {
  const stop = WorkerOperation.STOP;
  const text = (init: object) => wishText(create(WorkerSchema, init));
  expect(text({ pending: stop, connected: false })).toBe('stop when its agent connects');
  expect(text({ pending: stop, connected: true })).toBe('stop is on its way');
  expect(text({ asked: stop, connected: true })).toBe('stop when its work has ended');
  expect(text({})).toBe('');
});

test('curves are broken where nothing was measured', () => {
  const at = (minute: number, cpuShare: number) =>
    create(HostMetricsSchema, { at: timestampFromMs(minute * 60_000), cpuShare });
  const { times, cpu, memory } = curvesOf([at(1, 0.5), at(2, 0.25), at(9, 1)]);
  expect(times).toEqual([60, 120, 180, 540]);
  expect(cpu).toEqual([50, 25, null, 100]);
  expect(memory).toEqual([null, null, null, null]);
});

test('a curve is said in words', () => {
  expect(inWords('CPU', [50, null, 4, 12.34], ' %')).toBe('CPU 12.3 % at last, 4 % to 50 %');
  expect(inWords('disk', [null], ' %')).toBe('disk is not known');
});
