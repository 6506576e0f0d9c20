// What the supervisor is told of workers, and what its operations do, on a pool with a clock that stands still.

import { create } from '@bufbuild/protobuf';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Event,
  OperateWorkerSchema,
  type WorkerChanged,
} from '../proto/gen/muster/v1/agent_service_pb.ts';
import { WorkerOperation, WorkerState } from '../proto/gen/muster/v1/worker_pb.ts';
import { SimulatedClock } from '../src/process/clock.ts';
import { createLogger, silentLogger } from '../src/process/log.ts';
import { Operations } from './operations.ts';
import { Pool } from './pool.ts';
import type { OperationName } from './worker-actor.ts';
import { type KeptStatus, Workers } from './workers.ts';

const { IDLE, BUSY, STARTING, STOPPED, CRASHED } = WorkerState;

let folder: string;
let clock: SimulatedClock;
let checkError: Error | null;
let told: WorkerChanged[];
let keptOperations: [string, OperationName][];
let kept: KeptStatus;
let pool: Pool;
let workers: Workers;

const path = () => join(folder, 'operations.json');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-workers-'));
  clock = new SimulatedClock();
  checkError = null;
  told = [];
  keptOperations = [];
  kept = {
    name: 'exporter',
    state: 'busy',
    since: clock.now(),
    assignment: null,
    asked: null,
    failures: 0,
    nextStartAt: null,
    why: '',
    pid: 7,
    command: './exporter',
    policy: 'on-failure',
  };
  make(2);
});

afterEach(() => {
  workers.close();
  pool.close();
  rmSync(folder, { recursive: true });
});

function make(slots: number): void {
  const operations = new Operations(path(), silentLogger);
  pool = new Pool({
    slots,
    async check() {
      if (checkError !== null) throw checkError;
    },
    clock,
    random: () => 0.5,
    log: silentLogger,
    isStopped: (name) => operations.isStopped(name),
    onWorkerChanged: (name) => workers.changed(name),
  });
  workers = new Workers({
    pool,
    kept: {
      statuses: () => [kept],
      status: (name) => (name === kept.name ? kept : null),
      operate(name, operation) {
        keptOperations.push([name, operation]);
        return true;
      },
    },
    operations,
    reporter: {
      note(_, { event }: Event) {
        if (event.case === 'worker') told.push(event.value);
      },
    },
    clock,
    log: silentLogger,
  });
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
}

async function pass(ms: number): Promise<void> {
  await settle();
  clock.advance(ms);
  await settle();
}

/** A session with a pool that is ready. */
async function online(): Promise<void> {
  pool.start();
  await settle();
  workers.list();
  workers.online();
}

function submit(task: string): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  pool.submit({ taskId: task, attempt: 1 }, () => promise);
  return resolve;
}

const seen = () => told.map(({ name, state, taskId }) => [name, state, taskId]);

function operate(worker: string, operation: WorkerOperation, seq: number): void {
  workers.operate(create(OperateWorkerSchema, { worker, operation, seq: BigInt(seq) }));
}

describe('what a supervisor is told', () => {
  it('is all workers with Hello, and what has changed since then with Welcome', async () => {
    pool.start();
    expect(workers.list()).toMatchObject([
      { name: 'slot-0', slot: 0, state: STARTING },
      { name: 'slot-1', slot: 1, state: STARTING },
      { name: 'exporter', state: BUSY, pid: 7, command: './exporter' },
    ]);
    await settle();
    expect(told).toEqual([]);
    workers.online();
    expect(seen()).toEqual([
      ['slot-0', IDLE, ''],
      ['slot-1', IDLE, ''],
    ]);
    workers.online();
    expect(told).toHaveLength(2);
  });

  it('is nothing of attempts that last for less than a second', async () => {
    await online();
    for (let round = 0; round < 50; round += 1) {
      const end = submit(`t${round}`);
      await pass(200);
      end();
      await settle();
    }
    expect(told).toEqual([]);
  });

  it('is the attempt that lasts, and its end', async () => {
    await online();
    const end = submit('long');
    await pass(900);
    expect(told).toEqual([]);
    await pass(1_100);
    expect(seen()).toEqual([['slot-0', BUSY, 'long']]);
    end();
    await pass(300);
    // Short ones that follow do not keep it standing there.
    submit('short');
    await pass(700);
    expect(seen().slice(1)).toEqual([['slot-0', IDLE, '']]);
  });

  it('is at once what takes no work any more, and that it does again (I8)', async () => {
    checkError = new Error('no sh');
    await online();
    told.length = 0;
    checkError = null;
    await pass(500);
    expect(seen()).toEqual([
      ['slot-0', STARTING, ''],
      ['slot-1', STARTING, ''],
      ['slot-0', IDLE, ''],
      ['slot-1', IDLE, ''],
    ]);
  });

  it('is why a worker has crashed', async () => {
    checkError = new Error('no sh');
    await online();
    for (let i = 0; i < 12; i += 1) await pass(60_000);
    expect(told.at(-1)).toMatchObject({ state: CRASHED, failures: 10, why: 'no sh' });
  });
});

describe('an operation', () => {
  it('works once, and is answered with its number', async () => {
    await online();
    operate('slot-0', WorkerOperation.STOP, 3);
    operate('slot-0', WorkerOperation.STOP, 3);
    operate('slot-0', WorkerOperation.START, 2);
    await settle();
    expect(pool.status('slot-0')?.state).toBe('stopped');
    expect(told.at(-1)).toMatchObject({ name: 'slot-0', state: STOPPED, operationSeq: 3n });
    expect(told.filter(({ state }) => state === IDLE)).toEqual([]);
  });

  it('of a busy slot shows that it will stop, with its attempt (I8)', async () => {
    await online();
    const end = submit('t');
    await settle();
    operate('slot-0', WorkerOperation.STOP, 1);
    expect(told.at(-1)).toMatchObject({
      state: BUSY,
      taskId: 't',
      asked: WorkerOperation.STOP,
      operationSeq: 1n,
    });
    end();
    await settle();
    expect(told.at(-1)).toMatchObject({ state: STOPPED, taskId: '', asked: 0 });
  });

  it('is remembered by the next agent: stopped stays stopped', async () => {
    await online();
    operate('slot-1', WorkerOperation.STOP, 5);
    pool.close();
    make(2);
    await online();
    expect(workers.list()).toMatchObject([
      { name: 'slot-0', state: IDLE, operationSeq: 0n },
      { name: 'slot-1', state: STOPPED, operationSeq: 5n },
      { name: 'exporter' },
    ]);
    operate('slot-1', WorkerOperation.START, 6);
    await settle();
    expect(pool.status('slot-1')?.state).toBe('idle');
    expect(readdirSync(folder)).toEqual(['operations.json']);
  });

  it('reaches kept commands, and nothing that is not there', async () => {
    await online();
    operate('exporter', WorkerOperation.RESTART, 1);
    operate('slot-9', WorkerOperation.STOP, 1);
    operate('exporter', 9 as WorkerOperation, 2);
    expect(keptOperations).toEqual([['exporter', 'restart']]);
    expect(new Operations(path(), silentLogger).seqOf('slot-9')).toBe(0);
  });

  it('is not confirmed while it cannot be written down', async () => {
    await online();
    rmSync(folder, { recursive: true });
    operate('slot-0', WorkerOperation.STOP, 1);
    expect([told, pool.status('slot-0')?.state]).toEqual([[], 'idle']);
    folder = mkdtempSync(join(tmpdir(), 'muster-workers-'));
  });
});

describe('the file of operations', () => {
  it('that is damaged counts as none, and is said', () => {
    writeFileSync(path(), '{"slot-0": ');
    const lines: string[] = [];
    const operations = new Operations(
      path(),
      createLogger('a', 'warn', (line) => lines.push(line)),
    );
    expect(operations.seqOf('slot-0')).toBe(0);
    expect(lines.join()).toContain('the operations of workers cannot be read');
    expect(operations.accept('slot-0', 'stop', 1)).toBe(true);
    expect(new Operations(path(), silentLogger).isStopped('slot-0')).toBe(true);
  });

  it('forgets workers that are gone', () => {
    const operations = new Operations(path(), silentLogger);
    operations.accept('slot-0', 'stop', 1);
    operations.accept('it', 'stop', 1);
    operations.retain(['slot-0']);
    for (const one of [operations, new Operations(path(), silentLogger)]) {
      expect([one.seqOf('it'), one.isStopped('slot-0')]).toEqual([0, true]);
    }
  });
});
