// One process group under a clock that stands still: deadline, grace, and that it is over only when nobody is left.

import { beforeEach, describe, expect, it } from 'vitest';
import { SimulatedClock } from '../src/process/clock.ts';
import type { AttemptRecord } from './attempt-record.ts';
import { Execution } from './execution.ts';
import { SimulatedGroup } from './testing/simulated-executor.ts';

let clock: SimulatedClock;
let group: SimulatedGroup;
let record: AttemptRecord;

beforeEach(() => {
  clock = new SimulatedClock();
  group = new SimulatedGroup(100);
  record = {
    taskId: 't',
    attempt: 1,
    bootId: 'b',
    policy: { timeoutMs: 60_000, stopGraceMs: 10_000, outputCapBytes: 1, leaseMs: null },
    acceptedAt: clock.now(),
    phase: 'executing',
    pid: 100,
    startedAt: clock.now(),
    stopCause: null,
    stopAt: null,
    end: null,
    acked: { stdout: 0, stderr: 0, result: 0 },
    isStartAcked: false,
    cut: null,
  };
});

function begin(): Execution {
  return new Execution({
    record,
    group,
    clock,
    onStopping: (cause) => {
      // The intent is committed before the first signal.
      expect(group.signals).toEqual([]);
      Object.assign(record, { stopCause: cause, stopAt: clock.now() });
    },
  });
}

/** Lets time pass and whatever waits for it happen. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 100) {
    clock.advance(Math.min(left, 100));
    for (let i = 0; i < 10; i += 1) await Promise.resolve();
  }
}

async function isOver(execution: Execution): Promise<boolean> {
  return await Promise.race([execution.over.then(() => true), pass(1).then(() => false)]);
}

describe('Execution', () => {
  it('is over when the process has ended by itself', async () => {
    const execution = begin();
    await pass(59_000);
    group.end({ exitCode: 3, signal: null, exitedAt: 5 });
    expect(await execution.over).toEqual({ exitCode: 3, signal: null, exitedAt: 5 });
    expect(group.signals).toEqual([]);
  });

  it('stops at the deadline, with a grace between the two signals (I9)', async () => {
    const execution = begin();
    await pass(59_900);
    expect(group.signals).toEqual([]);
    await pass(100);
    expect(record.stopCause).toBe('timeout');
    expect(group.signals).toEqual(['SIGTERM']);
    await pass(9_900);
    expect(group.signals).toEqual(['SIGTERM']);
    await pass(100);
    expect(group.signals).toEqual(['SIGTERM', 'SIGKILL']);
    expect(await isOver(execution)).toBe(false);
    group.end(null);
    await pass(200);
    expect(await execution.over).toMatchObject({ exitCode: 137, signal: 'SIGKILL' });
  });

  it('kills again and again while somebody is left', async () => {
    begin().stop('cancel');
    await pass(13_500);
    expect(group.signals).toEqual(['SIGTERM', 'SIGKILL', 'SIGKILL', 'SIGKILL', 'SIGKILL']);
  });

  it('keeps to the first cause', async () => {
    const execution = begin();
    execution.stop('cancel');
    execution.stop('timeout');
    await pass(60_000);
    expect(record.stopCause).toBe('cancel');
  });

  it('is not over while others of the group are left, and ends them', async () => {
    const execution = begin();
    group.others = 2;
    group.end({ exitCode: 0, signal: null, exitedAt: 5 });
    await pass(1_000);
    expect(group.signals).toEqual(['SIGTERM']);
    expect(await isOver(execution)).toBe(false);
    execution.stop('cancel');
    group.others = 0;
    await pass(200);
    expect(await execution.over).toMatchObject({ exitCode: 0 });
    expect(record.stopCause).toBeNull();
  });

  it('arms the deadline with what is left of it after a restart (I9)', async () => {
    record.startedAt = clock.now() - 50_000;
    begin();
    await pass(9_900);
    expect(record.stopCause).toBeNull();
    await pass(100);
    expect(record.stopCause).toBe('timeout');
  });

  it('goes on with a stop after a restart, with what is left of the grace (I9)', async () => {
    Object.assign(record, { stopCause: 'cancel', stopAt: clock.now() - 8_000 });
    begin();
    expect(group.signals).toEqual(['SIGTERM']);
    await pass(1_900);
    expect(group.signals).toEqual(['SIGTERM']);
    await pass(100);
    expect(group.signals).toEqual(['SIGTERM', 'SIGKILL']);
  });

  it('leaves the group alone once it is abandoned', async () => {
    const execution = begin();
    execution.stop('cancel');
    execution.abandon();
    await pass(100_000);
    group.end(null);
    expect(await isOver(execution)).toBe(false);
    expect(group.signals).toEqual(['SIGTERM']);
  });
});
