// Every byte of output is stored once and in order, whatever an agent sends again (I5), and only by the current session (I6).

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { connectDatabase } from './connect.ts';
import type { Database } from './connect.ts';
import { openNodeSession } from './nodes.ts';
import { insertOutput, listOutput, readOutputRange } from './output.ts';
import type { LogStreamName } from './records.ts';
import { dispatch, start, storeTask } from './task-fixture.ts';

let test: TestDatabase;
let database: Database;
let epoch: number;

beforeAll(async () => {
  test = await createTestDatabase();
  database = await connectDatabase({ url: test.url });
  epoch = await openSession('n1');
});

afterAll(async () => {
  await database?.close();
  await test?.drop();
});

async function openSession(nodeId: string): Promise<number> {
  const facts = { nodeId, bootId: 'b', labels: {}, facts: {}, slots: 1, supervisorId: 's' };
  return (await openNodeSession(database.sql, facts)).epoch;
}

const newTask = async () => (await storeTask(database.sql, {}, dispatch(), start())).id;

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const text = (content: Uint8Array) => Buffer.from(content).toString();

function pieceOf(
  taskId: string,
  stream: LogStreamName,
  offset: number,
  content: Uint8Array,
  withEpoch = epoch,
) {
  const piece = { taskId, attempt: 1, stream, offset, content, at: 1_790_000_000_000 };
  return { nodeId: 'n1', epoch: withEpoch, piece };
}

async function readAll(taskId: string, stream: LogStreamName): Promise<string> {
  return text((await readOutputRange(database.sql, taskId, 1, stream, 0, 1e9)).content);
}

describe('insertOutput', () => {
  it('cuts off what is stored, skips what is stored whole, and refuses a gap (I5)', async () => {
    const { sql } = database;
    const id = await newTask();
    const send = (offset: number, content: string) => pieceOf(id, 'stdout', offset, bytes(content));
    expect(await insertOutput(sql, [])).toEqual([]);
    expect(await insertOutput(sql, [send(0, 'hello '), send(6, 'wor'), send(10, 'd')])).toEqual([
      'stored',
      'stored',
      'gap',
    ]);
    expect(await insertOutput(sql, [send(0, 'hel'), send(3, 'lo world'), send(11, '')])).toEqual([
      'stored',
      'stored',
      'stored',
    ]);
    expect(await readAll(id, 'stdout')).toBe('hello world');
  });

  it('stores nothing for a session that is over, and goes on for the others (I6)', async () => {
    const { sql } = database;
    const id = await newTask();
    const old = epoch;
    epoch = await openSession('n1');
    const stranger = { ...pieceOf(id, 'stderr', 0, bytes('x')), nodeId: 'never connected' };
    expect(
      await insertOutput(sql, [
        pieceOf(id, 'stdout', 0, bytes('old'), old),
        pieceOf(id, 'stdout', 0, bytes('new')),
        stranger,
      ]),
    ).toEqual(['stale', 'stored', 'stale']);
    expect(await readAll(id, 'stdout')).toBe('new');
    expect(await readAll(id, 'stderr')).toBe('');
  });

  it('holds back a new session until its bytes are stored (I6)', async () => {
    const { sql } = database;
    const id = await newTask();
    let isOpened = false;
    let storing: Promise<unknown> | undefined;
    let opening: Promise<number> | undefined;
    await sql.begin(async (tx) => {
      await tx`select 1 from tasks where id = ${id} for update`;
      // It holds the session and waits for the task.
      storing = insertOutput(sql, [pieceOf(id, 'stdout', 0, bytes('x'))]);
      await waiters(tx as never, 1);
      opening = openSession('n1').finally(() => {
        isOpened = true;
      });
      await waiters(tx as never, 2);
      expect(isOpened).toBe(false);
    });
    expect(await storing).toEqual(['stored']);
    expect(await opening).toBe(epoch + 1);
    epoch += 1;
    expect(await readAll(id, 'stdout')).toBe('x');
  });

  it('stores each stream once and in order, however it is cut and sent again (I5)', async () => {
    const { sql } = database;
    // Where a send begins and ends, as fractions of the stream; several sends overlap or leave a gap.
    const send = fc.record({
      stream: fc.constantFrom<LogStreamName>('stdout', 'stderr'),
      from: fc.nat(40),
      size: fc.nat(25),
    });
    const batches = fc.array(fc.array(send, { maxLength: 6 }), { maxLength: 6 });
    const source = { stdout: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ' } as {
      stdout: string;
      stderr: string;
    };
    source.stderr = Buffer.from(source.stdout).reverse().toString();
    await fc.assert(
      fc.asyncProperty(batches, async (sent) => {
        const id = await newTask();
        const ends = { stdout: 0, stderr: 0 };
        for (const batch of sent) {
          const expected = batch.map(({ stream, from, size }) => {
            const until = Math.min(from + size, source[stream].length);
            if (from > ends[stream]) return 'gap';
            ends[stream] = Math.max(ends[stream], until);
            return 'stored';
          });
          const pieces = batch.map(({ stream, from, size }) =>
            pieceOf(id, stream, from, bytes(source[stream].slice(from, from + size))),
          );
          expect(await insertOutput(sql, pieces)).toEqual(expected);
        }
        expect(await readAll(id, 'stdout')).toBe(source.stdout.slice(0, ends.stdout));
        expect(await readAll(id, 'stderr')).toBe(source.stderr.slice(0, ends.stderr));
      }),
      { numRuns: 60 },
    );
  });

  it('stores each byte once when two senders overlap at the same time (I5)', async () => {
    const { sql } = database;
    const id = await newTask();
    const whole = Array.from({ length: 300 }, (_, index) =>
      String.fromCharCode(65 + (index % 26)),
    ).join('');
    const chunks = (size: number) =>
      Array.from({ length: Math.ceil(whole.length / size) }, (_, index) => index * size).map(
        (offset) => pieceOf(id, 'stdout', offset, bytes(whole.slice(offset, offset + size))),
      );
    const results = await Promise.all(
      [7, 11, 13, 300].map((size) => insertOutput(sql, chunks(size))),
    );
    expect(results.flat().every((result) => result === 'stored')).toBe(true);
    expect(await readAll(id, 'stdout')).toBe(whole);
  });
});

describe('reading output', () => {
  it('reads any range, and nothing behind the end', async () => {
    const { sql } = database;
    const id = await newTask();
    const parts = ['abc', 'd', 'efghij', 'kl'];
    let offset = 0;
    for (const part of parts) {
      await insertOutput(sql, [pieceOf(id, 'stdout', offset, bytes(part))]);
      offset += part.length;
    }
    const whole = parts.join('');
    for (let from = 0; from <= whole.length + 1; from += 1) {
      for (let size = 1; size <= whole.length + 1; size += 1) {
        const range = await readOutputRange(sql, id, 1, 'stdout', from, size);
        const wanted = whole.slice(from, from + size);
        expect([text(range.content), range.nextOffset]).toEqual([wanted, from + wanted.length]);
      }
    }
  });

  it('lists both streams in order of arrival, in portions that lose and repeat nothing (I5)', async () => {
    const { sql } = database;
    const id = await newTask();
    const binary = new Uint8Array([0, 255, 128, 10, 13, 92, 34]);
    await insertOutput(sql, [
      pieceOf(id, 'stdout', 0, bytes('out1 ')),
      pieceOf(id, 'stderr', 0, bytes('err1 ')),
      pieceOf(id, 'stdout', 5, bytes('out2 ')),
    ]);
    await insertOutput(sql, [pieceOf(id, 'stderr', 5, bytes('err2 '))]);
    await insertOutput(sql, [pieceOf(id, 'stdout', 10, binary)]);
    const all = await listOutput(sql, id, 1, { stdout: 0, stderr: 0 }, 1e6);
    expect(all.slice(0, 4).map(({ content }) => text(content))).toEqual([
      'out1 ',
      'err1 ',
      'out2 ',
      'err2 ',
    ]);
    expect(all[4]).toEqual({ ...pieceOf(id, 'stdout', 10, binary).piece });
    for (const limit of [1, 2, 3, 7, 100]) {
      const from = { stdout: 0, stderr: 0 };
      let joined = '';
      for (;;) {
        const portion = await listOutput(sql, id, 1, from, limit);
        if (portion.length === 0) break;
        const size = portion.reduce((total, { content }) => total + content.length, 0);
        expect(size).toBeLessThanOrEqual(limit);
        for (const piece of portion) {
          expect(piece.offset).toBe(from[piece.stream]);
          from[piece.stream] += piece.content.length;
          joined += Buffer.from(piece.content).toString('latin1');
        }
      }
      expect(joined).toBe(`out1 err1 out2 err2 ${Buffer.from(binary).toString('latin1')}`);
    }
  });
});

/** Resolves when this many statements of the database wait for a row. */
async function waiters(sql: Database['sql'], count: number): Promise<void> {
  for (;;) {
    // pg_stat_activity stands still within a transaction unless it is asked for anew.
    await sql`select pg_stat_clear_snapshot()`;
    const [row] = await sql<[{ n: number }]>`
      select count(*)::integer as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    if (row.n >= count) return;
  }
}
