// The end of a task as an exit code.
import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { TaskSchema, TaskState } from '../../proto/gen/muster/v1/task_pb.ts';
import { exitCodeOf, isFinal } from './exit-code.ts';

test.each([
  [{ state: TaskState.COMPLETED, exitCode: 0 }, 0],
  [{ state: TaskState.FAILED, reason: 'exit_code', exitCode: 7 }, 7],
  [{ state: TaskState.FAILED, reason: 'exit_code', exitCode: 255 }, 255],
  // A failure never looks like a success.
  [{ state: TaskState.FAILED, reason: 'exit_code', exitCode: 256 }, 1],
  [{ state: TaskState.FAILED, reason: 'signal', signal: 'SIGKILL' }, 137],
  [{ state: TaskState.FAILED, reason: 'signal', signal: 'SIGSEGV' }, 139],
  [{ state: TaskState.FAILED, reason: 'node_lost', signal: 'SIGKILL' }, 125],
  [{ state: TaskState.FAILED, reason: 'spawn_failed' }, 125],
  [{ state: TaskState.FAILED, reason: 'resolved' }, 1],
  [{ state: TaskState.FAILED }, 125],
  [{ state: TaskState.TIMEOUT, signal: 'SIGTERM' }, 124],
  // The deadline of many nodes: some have not completed.
  [{ state: TaskState.TIMEOUT, fanOut: { total: 2, timedOut: 1, cancelled: 1 } }, 3],
  [{ state: TaskState.CANCELLED, exitCode: 0 }, 130],
  [{ state: TaskState.CANCELLED, reason: 'cancelled', fanOut: { total: 2, cancelled: 2 } }, 130],
  // Nobody has cancelled anything: all nodes were offline.
  [{ state: TaskState.CANCELLED, reason: 'skipped', fanOut: { total: 2, skipped: 2 } }, 3],
  [{ state: TaskState.COMPLETED, fanOut: { total: 2, completed: 1, skipped: 1 } }, 0],
  [{ state: TaskState.CANCELLED, reason: 'skipped' }, 0],
  [{ state: TaskState.RUNNING }, 125],
])('%j is %d', (init, code) => {
  expect(exitCodeOf(create(TaskSchema, init))).toBe(code);
});

test('the last four states are final', () => {
  const states = [TaskState.COMPLETED, TaskState.FAILED, TaskState.TIMEOUT, TaskState.CANCELLED];
  expect(states.every((state) => isFinal(create(TaskSchema, { state })))).toBe(true);
  expect(isFinal(create(TaskSchema, { state: TaskState.RUNNING }))).toBe(false);
});
