// The journal on a real file: what it has committed is there again, and what it must refuse stays refused.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StartAttemptSchema } from '../proto/gen/muster/v1/agent_service_pb.ts';
import { policyOf } from './attempt-policy.ts';
import { Journal, TOMBSTONE_MS } from './journal.ts';
import { startOf } from './testing/starts.ts';

let folder: string;
let journal: Journal;

const path = () => join(folder, 'journal.db');
const start = create(StartAttemptSchema, startOf('echo "ä€"', {}, { leaseMs: 1_500 }));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-journal-'));
  journal = Journal.open(path());
});

afterEach(() => {
  journal.close();
  rmSync(folder, { recursive: true });
});

function reopen(): void {
  journal.close();
  journal = Journal.open(path());
}

const accept = () => journal.accept(start, policyOf(start), 'boot', 1_000);

describe('Journal', () => {
  it('has every step of an attempt again after it was opened anew', () => {
    const record = accept();
    reopen();
    expect(journal.readHeld()).toEqual([record]);
    expect(record.policy).toEqual({
      timeoutMs: 60_000,
      stopGraceMs: 5_000,
      outputCapBytes: 16 * 2 ** 20,
      leaseMs: 1_500,
    });
    journal.markSpawning(record);
    journal.markExecuting(record, 4711, 1_001);
    journal.markStopping(record, 'cancel', 1_002);
    journal.markStopping(record, 'timeout', 1_003);
    journal.markCut(record, { stdout: 5, stderr: 6 });
    record.acked = { result: 0, stdout: 3, stderr: 4 };
    record.isStartAcked = true;
    journal.saveAcked([record]);
    reopen();
    expect(journal.readHeld()).toEqual([record]);
    expect(record).toMatchObject({ stopCause: 'cancel', stopAt: 1_002, phase: 'executing' });
    journal.markEnded(record, { kind: 'lost', why: 'it rained' });
    reopen();
    expect(journal.readHeld()).toMatchObject([{ phase: 'ended', end: { why: 'it rained' } }]);
  });

  it('keeps the command with which an attempt was accepted', () => {
    accept();
    reopen();
    expect(journal.readStart(start)).toEqual(start);
  });

  it('refuses to accept an attempt twice (I2)', () => {
    accept();
    expect(accept).toThrow(/UNIQUE/);
  });

  it('commits all of a transaction or nothing', () => {
    expect(() =>
      journal.inTransaction(() => {
        accept();
        accept();
      }),
    ).toThrow(/UNIQUE/);
    expect(journal.readHeld()).toEqual([]);
  });

  it('commits steps together that are asked for together, all or none', async () => {
    const one = accept();
    const again = { ...start, attempt: 2 };
    const other = journal.accept(again, policyOf(again), 'boot', 1_001);
    const order: number[] = [];
    await Promise.all([
      journal.soon(() => journal.markSpawning(one)).then(() => order.push(1)),
      journal.soon(() => journal.markSpawning(other)).then(() => order.push(2)),
    ]);
    expect(order).toEqual([1, 2]);
    const results = await Promise.allSettled([
      journal.soon(() => journal.markExecuting(one, 4711, 5)),
      journal.soon(() => {
        throw new Error('no disk');
      }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    reopen();
    expect(journal.readHeld().map(({ phase }) => phase)).toEqual(['spawning', 'spawning']);
  });

  it('remembers what it has forgotten for at least seven days (I2)', () => {
    accept();
    journal.inTransaction(() => journal.forget(start, 5_000));
    reopen();
    expect(journal.readHeld()).toEqual([]);
    expect(journal.isForgotten(start)).toBe(true);
    expect(journal.isForgotten({ ...start, attempt: 2 })).toBe(false);
    expect(journal.pruneForgotten(5_000 + TOMBSTONE_MS)).toBe(0);
    expect(journal.isForgotten(start)).toBe(true);
    expect(journal.pruneForgotten(5_001 + TOMBSTONE_MS)).toBe(1);
  });

  it('keeps its id, and when a supervisor was heard', () => {
    const { id } = journal;
    expect(journal.readHeardAt()).toBeNull();
    journal.saveHeardAt(1);
    journal.saveHeardAt(2);
    reopen();
    expect(journal.id).toBe(id);
    expect(journal.readHeardAt()).toBe(2);
  });

  it('is not read by an older program', () => {
    journal.close();
    const database = new DatabaseSync(path());
    database.exec('pragma user_version = 99');
    database.close();
    expect(() => Journal.open(path())).toThrow(/it has version 99, .*use the newer Muster/);
    const again = new DatabaseSync(path());
    again.exec('pragma user_version = 1');
    again.close();
    journal = Journal.open(path());
  });
});
