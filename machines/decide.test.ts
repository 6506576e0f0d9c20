// What a task says of itself and to whoever asks in vain, along the stories that users meet.

import { describe, expect, it } from 'vitest';
import { createTask, decideTask, wakeAt } from './decide.ts';
import type { Decision, TaskSnapshot } from './decide.ts';
import { CREATED_AT, VARIANTS, taskInput } from './task-cases.ts';
import type { Variant } from './task-cases.ts';
import { DEFAULT_TASK_POLICY } from './task-context.ts';
import { follow, stamp } from './task-walk.ts';

const STEP_MS = 10_000;
const EXECUTING = ['dispatched', 'started, current'];
const ADDRESS = { taskId: taskInput().id, attempt: 1, nodeId: 'n1' };

function decide(before: TaskSnapshot, name: string, at = CREATED_AT + 9 * STEP_MS): Decision {
  const variant = VARIANTS.find((one) => one.name === name) as Variant;
  return decideTask(before, stamp(variant, before, at, 0.5));
}

function after(names: readonly string[], input = taskInput()): TaskSnapshot {
  return follow(input, names).last;
}

describe('a command that the state does not allow', () => {
  it.each([
    ['execute', EXECUTING, 'it is running.executing; only a held task can be executed'],
    ['cancel', [...EXECUTING, 'exited, code 0'], 'it is completed; a final state never changes'],
    [
      'resolve',
      ['dispatched'],
      'it is running.dispatched; only a task on an unreachable node can be resolved',
    ],
  ])('%s is refused with the state and what would do', (verb, path, sentence) => {
    const decision = decide(after(path), verb === 'resolve' ? 'resolve as lost' : verb);
    const message = `Cannot ${verb} task ${ADDRESS.taskId}: ${sentence}`;
    expect(decision).toMatchObject({
      kind: 'refused',
      error: { name: 'MusterError', kind: 'illegal_transition', message },
    });
  });

  it('is no second cancel, which asks for what is under way', () => {
    expect(decide(after([...EXECUTING, 'cancel']), 'cancel')).toEqual({ kind: 'ignored' });
  });
});

describe('a cancel of what has not begun (I7)', () => {
  it.each([
    ['held', [], { held: true }],
    ['queued', [], {}],
  ])('cancels a task that is %s', (_, path, change) => {
    const decision = decide(after(path, taskInput(change)), 'cancel if not begun');
    expect(decision).toMatchObject({ kind: 'transition', snapshot: { path: 'cancelled' } });
  });

  it.each([
    ['dispatched a moment before', ['dispatched']],
    ['executing', EXECUTING],
    ['waiting for its next attempt', [...EXECUTING, 'exited, code 7']],
  ])('changes nothing about one that is %s, which ends by itself', (_, path) => {
    const before = after(path, taskInput({ maxAttempts: 2 }));
    expect(decide(before, 'cancel if not begun')).toEqual({ kind: 'ignored' });
  });
});

describe('a start that did not return before the timeout (I9)', () => {
  it('is a timeout that says so', () => {
    const decision = decide(after(['dispatched']), 'exited, start overdue');
    expect(decision).toMatchObject({ kind: 'transition', snapshot: { path: 'timeout' } });
    const context = { reason: 'timeout', message: 'the start has not returned' };
    expect(decision).toMatchObject({ snapshot: { context } });
  });
});

describe('a late report (I6)', () => {
  it.each([
    ['exited, code 0', [...EXECUTING, 'exited, code 7'], 'the task is failed'],
    ['exited, old attempt', EXECUTING, 'attempt 1 is under way'],
    ['exited, old epoch', EXECUTING, "the node's session has epoch 5"],
    ['exited, another node', EXECUTING, 'attempt 1 is on node n1'],
    ['exited, future attempt', [], 'the task has had no attempt 1 yet'],
    [
      'lost, current',
      [...EXECUTING, 'exited, code 7'],
      'the task is pending.delayed, and attempt 1 is over',
      2,
    ],
  ])('%s says why', (name, path, why, maxAttempts = 1) => {
    expect(decide(after(path, taskInput({ maxAttempts })), name)).toEqual({ kind: 'late', why });
  });

  it('is not one that says again what is committed: its acknowledgement was lost', () => {
    const failed = after([...EXECUTING, 'exited, code 7']);
    const { ended } = failed.context;
    const origin = { attempt: 1, nodeId: 'n1', epoch: 6 };
    const times = {
      acceptedAt: ended?.acceptedHostAt ?? null,
      startedAt: ended?.startedHostAt ?? null,
    };
    const when = { at: failed.context.createdAt + 60_000, random: 0 };
    const started = { type: 'attempt.started', ...origin, ...times, ...when } as const;
    const exited = {
      type: 'attempt.exited',
      ...origin,
      ...times,
      ...when,
      exitedAt: ended?.exitedHostAt ?? null,
      exitCode: 7,
      signal: null,
      stopCause: null,
      spawnError: null,
      stdoutBytes: 3,
      stderrBytes: 2,
      droppedBytes: 1,
    } as const;
    expect(decideTask(failed, started)).toEqual({ kind: 'ignored' });
    expect(decideTask(failed, exited)).toEqual({ kind: 'ignored' });
    expect(decideTask(failed, { ...exited, exitedAt: 99 }).kind).toBe('late');
    expect(decideTask(failed, { ...exited, nodeId: 'n9' }).kind).toBe('late');
  });

  it('is not one from a newer session that the task has not been told of', () => {
    const started = after(['dispatched', 'started, newer epoch']);
    expect(started.context.current?.epoch).toBe(6);
    // So the end of the older session concerns it no more.
    expect(decide(started, 'session lost, old')).toEqual({ kind: 'ignored' });
    expect(decide(started, 'session lost, the same').kind).toBe('transition');
  });
});

describe('the effects', () => {
  it.each([
    ['dispatched', [], [{ type: 'startAttempt', params: ADDRESS }]],
    ['cancel', EXECUTING, [{ type: 'stopAttempt', params: { ...ADDRESS, cause: 'cancel' } }]],
    ['timer due', EXECUTING, [{ type: 'stopAttempt', params: { ...ADDRESS, cause: 'timeout' } }]],
    ['exited, code 0', EXECUTING, [{ type: 'forgetAttempt', params: ADDRESS }]],
    [
      'timer long due',
      [...EXECUTING, 'session lost, the same'],
      [{ type: 'abandonAttempt', params: ADDRESS }],
    ],
  ])('of %s name the attempt and its node', (name, path, effects) => {
    expect(decide(after(path), name)).toMatchObject({ kind: 'transition', effects });
  });

  it('of a creation offer the task unless it waits', () => {
    const offer = [{ type: 'offerTask', params: { taskId: ADDRESS.taskId } }];
    expect(createTask(taskInput()).effects).toEqual(offer);
    expect(createTask(taskInput({ held: true })).effects).toEqual([]);
    expect(createTask(taskInput({ startAt: CREATED_AT + 1 })).effects).toEqual([]);
    expect(createTask(taskInput({ startAt: CREATED_AT })).effects).toEqual(offer);
  });
});

describe('the time that a task waits for', () => {
  it('is its start', () => {
    expect(wakeAt(createTask(taskInput({ startAt: CREATED_AT + 5 })).snapshot)).toBe(
      CREATED_AT + 5,
    );
    expect(
      wakeAt(createTask(taskInput({ held: true, startAt: CREATED_AT + 5 })).snapshot),
    ).toBeNull();
  });

  it('is its deadline while it executes, counted from the start of the process', () => {
    const deadline = CREATED_AT + 2 * STEP_MS + DEFAULT_TASK_POLICY.timeoutMs;
    expect(wakeAt(after(EXECUTING))).toBe(deadline);
    // A new session does not give it more time.
    expect(wakeAt(after([...EXECUTING, 'session new, holds it executing']))).toBe(deadline);
  });

  it('is the end of lost_after on an unreachable node, or the deadline before it (I9)', () => {
    const path = [...EXECUTING, 'session lost, the same'];
    expect(wakeAt(after(path))).toBe(CREATED_AT + 3 * STEP_MS + DEFAULT_TASK_POLICY.lostAfterMs);
    const short = taskInput({ policy: { ...DEFAULT_TASK_POLICY, timeoutMs: 30_000 } });
    const lost = after(path, short);
    expect(wakeAt(lost)).toBe(CREATED_AT + 2 * STEP_MS + 30_000);
    expect(wakeAt(after([...path, 'timer due'], short))).toBe(CREATED_AT + 3 * STEP_MS + 120_000);
  });

  it('makes no difference by how late it is told: deadline, then loss (I9)', () => {
    const short = taskInput({ policy: { ...DEFAULT_TASK_POLICY, timeoutMs: 30_000 } });
    const path = [...EXECUTING, 'session lost, the same'];
    const inTime = after([...path, 'timer due', 'timer due'], short);
    const once = after([...path, 'timer long due'], short);
    expect([inTime.path, once.path]).toEqual(['timeout', 'timeout']);
    expect([inTime.context.reason, once.context.reason]).toEqual(['node_lost', 'node_lost']);
  });

  it('is the backoff before another attempt', () => {
    const failed = after([...EXECUTING, 'exited, code 7'], taskInput({ maxAttempts: 2 }));
    expect(failed).toMatchObject({
      path: 'pending.delayed',
      context: { attempt: 1, reason: 'exit_code', exitCode: 7, finishedAt: null },
    });
    expect(wakeAt(failed)).toBe(CREATED_AT + 3 * STEP_MS + 500);
  });
});

describe('what a task remembers', () => {
  it('of an attempt that has ended: where, when by both clocks, how and how much', () => {
    expect(after([...EXECUTING, 'exited, signal']).context).toMatchObject({
      current: null,
      ended: {
        number: 1,
        nodeId: 'n1',
        outcome: 'exited',
        exitCode: 137,
        signal: 'SIGKILL',
        message: 'the process was ended by SIGKILL',
        dispatchedAt: CREATED_AT + STEP_MS,
        endedAt: CREATED_AT + 3 * STEP_MS,
        acceptedHostAt: 11,
        startedHostAt: 12,
        exitedHostAt: 13,
        stdoutBytes: 3,
        stderrBytes: 2,
        droppedBytes: 1,
      },
      firstStartedAt: CREATED_AT + 2 * STEP_MS,
      finishedAt: CREATED_AT + 3 * STEP_MS,
    });
  });

  it('of a cancel: how far it had come', () => {
    const twice = taskInput({ maxAttempts: 2 });
    const messages = [
      after(['cancel']),
      after([...EXECUTING, 'exited, code 7', 'cancel'], twice),
      after([...EXECUTING, 'cancel', 'exited, by cancel']),
    ].map(({ path, context }) => [path, context.reason, context.message]);
    expect(messages).toEqual([
      ['cancelled', 'cancelled', 'cancelled before it ran'],
      ['cancelled', 'cancelled', 'cancelled before attempt 2'],
      ['cancelled', 'cancelled', 'cancelled while it was running'],
    ]);
  });

  it('nothing of the former attempt once the next is dispatched', () => {
    const path = [...EXECUTING, 'exited, code 7', 'timer due', 'dispatched'];
    expect(after(path, taskInput({ maxAttempts: 2 })).context).toMatchObject({
      attempt: 2,
      exitCode: null,
      reason: null,
      message: '',
      current: { startedAt: null, deadlineAt: null },
    });
  });
});
