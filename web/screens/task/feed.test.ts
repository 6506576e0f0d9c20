/** What is known of a task, as messages come in. */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { TaskSchema, TaskSpecSchema, TaskState } from '../../../proto/gen/muster/v1/task_pb.ts';
import { applyChange, type Feed, knownVersion, mergeSteps, taskAt } from './feed.ts';
import { START_MS, STEPS } from './testing.ts';

const at = (seconds: number) => timestampFromMs(START_MS + seconds * 1_000);

const task = create(TaskSchema, {
  id: 'a',
  state: TaskState.COMPLETED,
  version: 8,
  attempt: 2,
  exitCode: 0,
  startedAt: at(3),
  finishedAt: at(21),
  spec: create(TaskSpecSchema, { name: 'backup' }),
  attempts: [
    { number: 1, nodeId: 'web-1', outcome: 'exited', exitCode: 3, endedAt: at(8) },
    { number: 2, nodeId: 'web-2', outcome: 'exited', exitCode: 0, endedAt: at(21) },
  ],
});

const feed = (version: number): Feed => ({
  task: create(TaskSchema, { ...task, version }),
  steps: STEPS.slice(0, version),
  isExpired: false,
  isDeleted: false,
});

describe('a change', () => {
  it('brings the next step and keeps spec and attempts, which the stream does not carry', () => {
    const bare = create(TaskSchema, { id: 'a', version: 3, state: TaskState.RUNNING });
    const next = applyChange(feed(2), { task: bare, transition: STEPS[2] });
    expect(next.steps.map(({ version }) => version)).toEqual([1, 2, 3]);
    expect(next.task.state).toBe(TaskState.RUNNING);
    expect(next.task.spec?.name).toBe('backup');
    expect(next.task.attempts).toHaveLength(2);
  });

  it('that is known already changes nothing', () => {
    const former = feed(3);
    const old = create(TaskSchema, { id: 'a', version: 2 });
    const next = applyChange(former, { task: old, transition: STEPS[1] });
    expect(next.task.version).toBe(3);
    expect(next.steps).toHaveLength(3);
  });

  it('at the same version brings progress', () => {
    const bare = create(TaskSchema, { id: 'a', version: 3, progress: { fraction: 0.5 } });
    expect(applyChange(feed(3), { task: bare }).task.progress?.fraction).toBe(0.5);
  });

  it('may be that the task is gone; what was known stays', () => {
    const next = applyChange(feed(3), { deleted: true });
    expect(next.isDeleted).toBe(true);
    expect(next.steps).toHaveLength(3);
  });
});

describe('the steps', () => {
  it('are in order, each once', () => {
    const merged = mergeSteps(STEPS.slice(2, 4), STEPS.slice(0, 3));
    expect(merged.map(({ version }) => version)).toEqual([1, 2, 3, 4]);
  });

  it('are known up to the first gap', () => {
    expect(knownVersion({ steps: STEPS })).toBe(8);
    expect(knownVersion({ steps: STEPS.filter(({ version }) => version !== 4) })).toBe(3);
    expect(knownVersion({ steps: [] })).toBe(0);
  });
});

describe('a task as it was', () => {
  it('is in the state of then, and knows nothing of what came later', () => {
    const past = taskAt(task, STEPS.slice(0, 3));
    expect([past.state, past.substate, past.version]).toEqual([TaskState.RUNNING, 'executing', 3]);
    expect(past.nodeId).toBe('web-1');
    expect(taskAt(task, STEPS.slice(0, 1)).nodeId).toBe('');
    expect([past.exitCode, past.finishedAt]).toEqual([undefined, undefined]);
    expect(past.attempts.map(({ number, outcome }) => [number, outcome])).toEqual([[1, '']]);
  });

  it('has the attempts that had ended by then', () => {
    const past = taskAt(task, STEPS.slice(0, 6));
    expect(past.nodeId).toBe('web-2');
    expect(past.attempts.map(({ number, outcome }) => [number, outcome])).toEqual([
      [1, 'exited'],
      [2, ''],
    ]);
  });
});
