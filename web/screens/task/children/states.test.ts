/** States of children. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { TaskSchema, TaskState } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { childOf, countsOf, inOrder, wordsOf } from './states.ts';

const child = (id: string, state: TaskState, substate = '', reason = '') =>
  childOf(create(TaskSchema, { id, state, substate, reason }));

const CHILDREN = [
  child('1', TaskState.COMPLETED),
  child('2', TaskState.PENDING, 'held'),
  child('3', TaskState.CANCELLED, '', 'skipped'),
  child('4', TaskState.FAILED),
  child('5', TaskState.PENDING, 'queued'),
  child('6', TaskState.FAILED),
  child('7', TaskState.CANCELLED, '', 'cancelled'),
  child('8', TaskState.RUNNING, 'executing'),
];

describe('children', () => {
  it('are counted, skipped and held ones apart', () => {
    expect([...countsOf(CHILDREN)]).toEqual([
      ['failed', 2],
      ['running', 1],
      ['cancelled', 1],
      ['skipped', 1],
      ['pending', 1],
      ['held', 1],
      ['completed', 1],
    ]);
  });

  it('stand in the table with those that failed first', () => {
    expect(
      inOrder(CHILDREN)
        .map(({ id }) => id)
        .join(''),
    ).toBe('46873521');
  });

  it('are said in words: where, what, and why', () => {
    const wordsFor = (told: MessageInitShape<typeof TaskSchema>) =>
      wordsOf(childOf(create(TaskSchema, { nodeId: 'web-1', ...told })));
    const failed = { state: TaskState.FAILED, exitCode: 0, message: 'not found' };
    expect(wordsFor(failed)).toBe('web-1, failed, exit code 0, not found');
    expect(wordsFor({ state: TaskState.TIMEOUT, signal: 'SIGKILL' })).toBe(
      'web-1, timeout, SIGKILL',
    );
    const running = { state: TaskState.RUNNING, substate: 'stopping' };
    expect(wordsFor(running)).toBe('web-1, running stopping');
    expect(wordsFor({ state: TaskState.PENDING, substate: 'held' })).toBe('web-1, held');
  });
});
