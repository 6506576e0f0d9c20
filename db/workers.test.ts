// Workers: what a session says of them is fenced by its epoch (I6), and an operation has a number that only rises.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { connectDatabase } from './connect.ts';
import type { Database } from './connect.ts';
import { openNodeSession } from './nodes.ts';
import {
  countUnusableSlots,
  listPendingOperations,
  listWorkers,
  operateWorker,
  saveWorkers,
} from './workers.ts';
import type { WorkerReport, WorkerState } from './workers.ts';

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await createTestDatabase();
  database = await connectDatabase({ url: test.url });
});

afterAll(async () => {
  await database?.close();
  await test?.drop();
});

/** Opens the next session of a node, and returns its epoch. */
async function open(nodeId: string): Promise<number> {
  const who = { nodeId, bootId: 'b', labels: {}, facts: {}, slots: 2, supervisorId: 's' };
  return (await openNodeSession(database.sql, who)).epoch;
}

function slot(name: string, state: WorkerState = 'idle', operatedSeq = 0): WorkerReport {
  return {
    name,
    kind: 'slot',
    state,
    since: 1_500.25,
    taskId: null,
    attempt: 0,
    failures: 0,
    nextStartAt: null,
    pid: null,
    why: `it's "so"`,
    command: '',
    keepPolicy: null,
    asked: null,
    operatedSeq,
  };
}

const save = (nodeId: string, epoch: number, workers: WorkerReport[], isWhole = false) =>
  saveWorkers(database.sql, [{ nodeId, epoch, isWhole, workers }]);

async function stored(nodeId: string): Promise<[string, WorkerState][]> {
  const records = await listWorkers(database.sql, { nodeId }, 100, null, 15_000);
  return records.map(({ name, state }) => [name, state]);
}

describe('what a session says', () => {
  it('comes back as it was said', async () => {
    const epoch = await open('a');
    const worker: WorkerReport = {
      ...slot('exporter', 'backing_off'),
      kind: 'kept',
      taskId: '0198c6e2-0000-7000-8000-000000000001',
      attempt: 3,
      failures: 2,
      nextStartAt: 9_000,
      pid: 7,
      command: './x --y "z\\n"\nsecond line',
      keepPolicy: 'on-failure',
      asked: 'restart',
    };
    await save('a', epoch, [worker], true);
    const [record] = await listWorkers(database.sql, { nodeId: 'a' }, 1, null, 15_000);
    expect(record).toEqual({ ...worker, nodeId: 'a', pending: null, isConnected: true });
  });

  it('is all of one node, and nothing of another', async () => {
    const [b, c] = [await open('b'), await open('c')];
    await saveWorkers(database.sql, [
      { nodeId: 'b', epoch: b, isWhole: true, workers: [slot('slot-0'), slot('slot-1')] },
      { nodeId: 'c', epoch: c, isWhole: true, workers: [slot('slot-0')] },
    ]);
    await saveWorkers(database.sql, [
      { nodeId: 'b', epoch: b, isWhole: true, workers: [slot('slot-1', 'crashed')] },
      { nodeId: 'c', epoch: c, isWhole: false, workers: [slot('slot-1', 'stopped')] },
    ]);
    expect(await stored('b')).toEqual([['slot-1', 'crashed']]);
    expect(await stored('c')).toEqual([
      ['slot-0', 'idle'],
      ['slot-1', 'stopped'],
    ]);
    const unusable = await countUnusableSlots(database.sql, ['b', 'c']);
    expect(Object.fromEntries(unusable)).toEqual({ b: 1, c: 1 });
    await saveWorkers(database.sql, [{ nodeId: 'b', epoch: b, isWhole: true, workers: [] }]);
    expect(await stored('b')).toEqual([]);
  });

  it('changes nothing once a newer one is open (I6)', async () => {
    const older = await open('d');
    await save('d', older, [slot('slot-0')], true);
    const newer = await open('d');
    await save('d', older, [slot('slot-0', 'crashed'), slot('slot-9')]);
    await save('d', older, [], true);
    expect(await stored('d')).toEqual([['slot-0', 'idle']]);
    await save('d', newer, [slot('slot-0', 'stopped')], true);
    expect(await stored('d')).toEqual([['slot-0', 'stopped']]);
    expect(await save('nobody', 1, [slot('slot-0')], true)).toEqual([]);
  });
});

describe('an operation', () => {
  it('is pending until its number is told, and the last one counts', async () => {
    const epoch = await open('e');
    await save('e', epoch, [slot('slot-0'), slot('slot-1')], true);
    const key = { nodeId: 'e', name: 'slot-0' };
    expect(await operateWorker(database.sql, key, 'stop')).toBe(true);
    expect(await operateWorker(database.sql, key, 'restart')).toBe(true);
    const pending = { nodeId: 'e', worker: 'slot-0', operation: 'restart', seq: 2 };
    expect(await listPendingOperations(database.sql, ['e', 'f'])).toEqual([pending]);
    // Each save says so as well, of the workers that it is about.
    expect(await save('e', epoch, [slot('slot-1')])).toEqual([]);
    expect(await save('e', epoch, [slot('slot-0', 'stopped', 1)])).toEqual([pending]);
    expect(await save('e', epoch, [slot('slot-0', 'starting', 2)])).toEqual([]);
    expect(await listPendingOperations(database.sql, ['e'])).toEqual([]);
  });

  it('outlives the session, and has a new number whatever the agent knows', async () => {
    const epoch = await open('g');
    await save('g', epoch, [slot('slot-0', 'idle', 7)], true);
    await operateWorker(database.sql, { nodeId: 'g', name: 'slot-0' }, 'stop');
    const next = await open('g');
    expect(await save('g', next, [slot('slot-0', 'idle', 7)], true)).toMatchObject([
      { operation: 'stop', seq: 8 },
    ]);
  });

  it('of a worker that is not there is none', async () => {
    const missing = { nodeId: 'e', name: 'slot-7' };
    expect(await operateWorker(database.sql, missing, 'stop')).toBe(false);
  });
});
