// Starts that return late or never: what is told of them, when, and that nothing of them begins afterwards.

import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { StartAttemptSchema } from '../proto/gen/muster/v1/agent_service_pb.ts';
import { SimulatedClock } from '../src/process/clock.ts';
import { createLogger } from '../src/process/log.ts';
import { policyOf } from './attempt-policy.ts';
import type { AttemptRecord } from './attempt-record.ts';
import type { FoundGroup, StartResult } from './executors/executor.ts';
import { Starting } from './starting.ts';
import { SimulatedGroup } from './testing/simulated-executor.ts';
import { startOf } from './testing/starts.ts';

const TIMEOUT_MS = 60_000;
const never: FoundGroup = { kind: 'never_begun' };

/** A start that returns when the test says so. */
function begin(found: FoundGroup = never, stopCause: string | null = null) {
  const start = create(StartAttemptSchema, startOf('x', {}, { timeoutMs: TIMEOUT_MS }));
  const record = { ...start, policy: policyOf(start), stopCause } as unknown as AttemptRecord;
  const clock = new SimulatedClock();
  const lines: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<StartResult>();
  let signal: AbortSignal | null = null;
  const starting = new Starting({
    nodeId: 'web-1',
    record,
    clock,
    log: createLogger('web-1', 'debug', (line) => lines.push(line)),
    start: (its) => {
      signal = its;
      return promise;
    },
    find: async () => {
      // From here on the executor is told that nobody waits.
      expect(signal?.aborted).toBe(true);
      return found;
    },
    onOverdue: () => {
      record.stopCause = 'timeout';
    },
  });
  let result: StartResult | null = null;
  void starting.over.then(
    (its) => (result = its),
    () => {},
  );
  return { record, clock, lines, starting, resolve, reject, result: () => result };
}

/** Lets everything happen that waits for nothing but its turn. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
}

it('is given up when the timeout of the attempt is over, and says so (I9)', async () => {
  const { record, clock, lines, result } = begin();
  clock.advance(TIMEOUT_MS - 1);
  await settle();
  expect(result()).toBeNull();
  clock.advance(1);
  await settle();
  const why = 'cannot start it on node web-1: the start has not returned for 60 s';
  expect(result()).toEqual({ kind: 'failed', why });
  expect(record.stopCause).toBe('timeout');
  expect(lines[0]).toContain('a start does not return and is given up');
});

it('is given up a moment after a stop, whose cause stays', async () => {
  const { record, clock, starting, result } = begin();
  record.stopCause = 'cancel';
  starting.stop();
  clock.advance(1_999);
  await settle();
  expect(result()).toBeNull();
  starting.stop();
  clock.advance(1);
  await settle();
  expect(result()).toMatchObject({ kind: 'failed' });
  expect(record.stopCause).toBe('cancel');
});

it('is given up as soon when the stop came before it', async () => {
  const { clock, result } = begin(never, 'cancel');
  clock.advance(2_000);
  await settle();
  expect(result()).toMatchObject({ kind: 'failed' });
});

it('that returns in time is what it returns, stopped or not', async () => {
  const group = new SimulatedGroup(7);
  const { clock, starting, resolve, result } = begin();
  starting.stop();
  resolve({ kind: 'started', group });
  await settle();
  clock.advance(TIMEOUT_MS);
  await settle();
  expect(result()).toEqual({ kind: 'started', group });
  expect(group.signals).toEqual([]);
});

it('that has begun after all is started, and its process is to be stopped', async () => {
  const group = new SimulatedGroup(7);
  const { clock, result } = begin({ kind: 'begun', group, begunAt: 0 });
  clock.advance(TIMEOUT_MS);
  await settle();
  expect(result()).toEqual({ kind: 'started', group });
});

it('that returns a process after it was given up has it killed, and fails without a word (I2)', async () => {
  for (const isStarted of [true, false]) {
    const group = new SimulatedGroup(7);
    const { clock, lines, resolve, reject } = begin();
    clock.advance(TIMEOUT_MS);
    await settle();
    if (isStarted) resolve({ kind: 'started', group });
    else reject(new Error('too late'));
    await settle();
    expect(group.signals).toEqual(isStarted ? ['SIGKILL'] : []);
    expect(lines).toHaveLength(isStarted ? 2 : 1);
  }
});

it('does nothing more once the agent ends', async () => {
  const { clock, starting, record, result } = begin();
  starting.abandon();
  clock.advance(TIMEOUT_MS);
  await settle();
  expect([result(), record.stopCause]).toEqual([null, null]);
});
