// How an attempt ended and what that means for its task, case by case.

import { describe, expect, it } from 'vitest';
import { VARIANTS, taskInput } from './task-cases.ts';
import type { Variant } from './task-cases.ts';
import { DEFAULT_TASK_POLICY } from './task-context.ts';
import type { StopCause } from './task-context.ts';
import { judgeAttempt } from './task-outcome.ts';
import { follow, stamp } from './task-walk.ts';

const EXECUTING = ['dispatched', 'started, current'];
const UNREACHABLE = [...EXECUTING, 'session lost, the same'];

interface Wish {
  readonly stop?: StopCause;
  readonly maxAttempts?: number;
  readonly path?: readonly string[];
}

/** The verdict, outcome and reason of a variant, on a task that was asked to stop or may try again. */
function judge(
  name: string,
  { stop, maxAttempts = 1, path = EXECUTING }: Wish = {},
): string | null {
  const policy = { ...DEFAULT_TASK_POLICY, maxAttempts };
  const { last } = follow(taskInput({ policy }), path);
  const before = { ...last, context: { ...last.context, stopCause: stop ?? null } };
  const variant = VARIANTS.find((one) => one.name === name) as Variant;
  const ending = judgeAttempt(before.context, stamp(variant, before, 2_000_000, 0.5));
  return ending && `${ending.verdict}, ${ending.outcome}, ${ending.reason}`;
}

describe('judgeAttempt', () => {
  it.each<[string, string, string, string, string]>([
    // an event             nothing asked                     cancel asked                      deadline over                     more attempts
    [
      'exited, code 0',
      'completed, exited, null',
      'completed, exited, null',
      'completed, exited, null',
      'completed, exited, null',
    ],
    [
      'exited, code 7',
      'failed, exited, exit_code',
      'cancelled, exited, cancelled',
      'failed, exited, exit_code',
      'retry, exited, exit_code',
    ],
    [
      'exited, signal',
      'failed, exited, signal',
      'cancelled, exited, cancelled',
      'failed, exited, signal',
      'retry, exited, signal',
    ],
    [
      'exited, failed handler',
      'failed, exited, handler_failed',
      'cancelled, exited, cancelled',
      'failed, exited, handler_failed',
      'retry, exited, handler_failed',
    ],
    [
      'exited, no process',
      'failed, spawn_failed, spawn_failed',
      'cancelled, spawn_failed, cancelled',
      'failed, spawn_failed, spawn_failed',
      'retry, spawn_failed, spawn_failed',
    ],
    [
      'exited, code 0, by cancel',
      'cancelled, stopped, cancelled',
      'cancelled, stopped, cancelled',
      'cancelled, stopped, cancelled',
      'cancelled, stopped, cancelled',
    ],
    [
      'exited, by cancel',
      'cancelled, stopped, cancelled',
      'cancelled, stopped, cancelled',
      'cancelled, stopped, cancelled',
      'cancelled, stopped, cancelled',
    ],
    [
      'exited, by timeout',
      'timeout, stopped, timeout',
      'cancelled, stopped, cancelled',
      'timeout, stopped, timeout',
      'retry, stopped, timeout',
    ],
    [
      'exited, by lease',
      'failed, stopped, node_lost',
      'cancelled, stopped, cancelled',
      'timeout, stopped, node_lost',
      'retry, stopped, node_lost',
    ],
    [
      'lost, current',
      'failed, lost, node_lost',
      'cancelled, lost, cancelled',
      'timeout, lost, node_lost',
      'retry, lost, node_lost',
    ],
    [
      'session new, not held',
      'failed, lost, node_lost',
      'cancelled, lost, cancelled',
      'timeout, lost, node_lost',
      'retry, lost, node_lost',
    ],
  ])('%s', (name, plain, cancel, timeout, retry) => {
    expect(judge(name)).toBe(plain);
    expect(judge(name, { stop: 'cancel' })).toBe(cancel);
    expect(judge(name, { stop: 'timeout' })).toBe(timeout);
    expect(judge(name, { maxAttempts: 2 })).toBe(retry);
    // A cancel is the end, whatever the policy allows.
    expect(judge(name, { stop: 'cancel', maxAttempts: 2 })).toBe(cancel);
  });

  it.each([
    ['resolve as lost', 'failed, lost, node_lost', 'retry, lost, node_lost'],
    ['resolve as completed', 'completed, resolved, resolved', 'completed, resolved, resolved'],
    ['resolve as failed', 'failed, resolved, resolved', 'failed, resolved, resolved'],
    ['resolve as cancelled', 'cancelled, resolved, resolved', 'cancelled, resolved, resolved'],
    ['timer due', 'failed, lost, node_lost', 'retry, lost, node_lost'],
  ])('%s on an unreachable node', (name, last, more) => {
    expect(judge(name, { path: UNREACHABLE })).toBe(last);
    expect(judge(name, { path: UNREACHABLE, maxAttempts: 2 })).toBe(more);
  });

  it('takes an attempt that never reached the agent for not begun, and sends it again', () => {
    const path = ['dispatched'];
    expect(judge('session new, not held', { path })).toBeNull();
    expect(judge('session new, not held', { path, stop: 'cancel' })).toBe(
      'cancelled, lost, cancelled',
    );
    expect(judge('session new after a boot, not held', { path })).toBe('failed, lost, node_lost');
  });

  it.each([
    'exited, old epoch',
    'exited, old attempt',
    'exited, another node',
    'lost, old epoch',
    'session old, not held',
    'session of another node, not held',
    'session new, holds it ended',
    'started, current',
    'timer long due',
    'cancel',
  ])('finds no end of the attempt in: %s (I6)', (name) => {
    expect(judge(name)).toBeNull();
  });
});
