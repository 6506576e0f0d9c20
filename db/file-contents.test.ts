// Contents in chunks: an upload that is resumed, repeated or begun anew, what counts as complete, and what is deleted.

import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { connectDatabase } from './connect.ts';
import type { Database } from './connect.ts';
import {
  appendFileChunk,
  completeFileContent,
  deleteUnusedContents,
  deleteUpload,
  findFileContent,
  MAX_CHUNK_BYTES,
  readFetchedFile,
  readFileChunk,
  readFileContent,
  saveFetchedFile,
  touchFileContents,
} from './file-contents.ts';
import { storeTask } from './task-fixture.ts';
import { deleteTask } from './tasks.ts';

const DAY = 86_400_000;

let test: TestDatabase;
let database: Database;

beforeEach(async () => {
  test = await createTestDatabase();
  database = await connectDatabase({ url: test.url, maxConnections: 4 });
});

afterEach(async () => {
  await database?.close();
  await test?.drop();
});

const hashOf = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

interface Sent {
  readonly offset?: number;
  readonly part?: Uint8Array;
  readonly uploader?: string;
  readonly isSingle?: boolean;
  readonly sizeBytes?: number;
}

const send = (content: Uint8Array, sent: Sent = {}) =>
  appendFileChunk(database.sql, {
    sha256: hashOf(content),
    uploader: sent.uploader ?? 'user',
    isSingle: sent.isSingle ?? false,
    sizeBytes: sent.sizeBytes ?? content.length,
    offset: sent.offset ?? 0,
    content: sent.part ?? content,
  });

async function store(content: Uint8Array): Promise<string> {
  const { id } = await send(content);
  expect(await completeFileContent(database.sql, id)).toBe(true);
  return hashOf(content);
}

const age = (sha256: string) =>
  database.sql`update file_contents set used_at = now() - interval '25 hours' where sha256 = ${sha256}`;

it('takes chunks in order only, each once, and says where to go on', async () => {
  const { sql } = database;
  const content = randomBytes(10);
  const first = await send(content, { part: content.subarray(0, 6) });
  expect(first).toMatchObject({ storedBytes: 6, isComplete: false });
  for (const offset of [0, 3, 9]) {
    const again = await send(content, { offset, part: content.subarray(offset) });
    expect(again).toEqual(first);
  }
  const last = await send(content, { offset: 6, part: content.subarray(6) });
  expect(last).toEqual({ ...first, storedBytes: 10 });
  expect(await readFileContent(sql, hashOf(content), 0, 10)).toBeNull();
  expect(await findFileContent(sql, hashOf(content), 'user')).toEqual({
    sizeBytes: 10,
    storedBytes: 10,
    isComplete: false,
  });
  expect(Buffer.from((await readFileChunk(sql, last.id, 6)) ?? [])).toEqual(content.subarray(6));
  expect(await completeFileContent(sql, last.id)).toBe(true);
  expect(await send(content)).toEqual({ ...last, isComplete: true });
});

it('keeps the bytes of two calls at once apart: one of them is stored', async () => {
  const content = randomBytes(8);
  const states = await Promise.all(
    [1, 2, 3, 4].map(() => send(content, { part: content.subarray(0, 5) })),
  );
  expect(states.map(({ storedBytes }) => storedBytes)).toEqual([5, 5, 5, 5]);
  const [row] = await database.sql<{ count: number }[]>`select count(*) as count from file_chunks`;
  expect(Number(row?.count)).toBe(1);
});

it('begins anew under another id when another size is given', async () => {
  const content = randomBytes(10);
  const wrong = await send(content, { part: content.subarray(0, 4), sizeBytes: 99 });
  const right = await send(content);
  expect(right.storedBytes).toBe(10);
  expect(right.id).not.toBe(wrong.id);
  expect(await completeFileContent(database.sql, wrong.id)).toBe(false);
});

it('keeps uploaders apart, and one upload at a time for those that may have no more', async () => {
  const { sql } = database;
  const [one, two] = [randomBytes(10), randomBytes(10)];
  await send(one, { part: one.subarray(0, 4) });
  const single = { uploader: 't/1', isSingle: true };
  expect(await send(one, { ...single, part: randomBytes(3) })).toMatchObject({ storedBytes: 3 });
  await send(two, { ...single, part: two.subarray(0, 5) });
  expect(await findFileContent(sql, hashOf(one), 't/1')).toBeNull();
  expect(await findFileContent(sql, hashOf(one), 'user')).toMatchObject({ storedBytes: 4 });
  expect(await findFileContent(sql, hashOf(two), 't/1')).toMatchObject({ storedBytes: 5 });
});

it('is complete once, whoever was first', async () => {
  const { sql } = database;
  const content = randomBytes(10);
  const uploads = await Promise.all(['a', 'b', 'c'].map((uploader) => send(content, { uploader })));
  const done = await Promise.all(uploads.map(({ id }) => completeFileContent(sql, id)));
  expect(done).toEqual([true, true, true]);
  const rows = await sql<{ is_complete: boolean }[]>`select is_complete from file_contents`;
  expect(rows).toEqual([{ is_complete: true }]);
  await deleteUpload(sql, uploads[0]?.id ?? 0);
  expect(Buffer.from((await readFileContent(sql, hashOf(content), 0, 99))?.content ?? [])).toEqual(
    content,
  );
});

it('is not complete before its last byte', async () => {
  const content = randomBytes(10);
  const { id } = await send(content, { part: content.subarray(0, 9) });
  expect(await completeFileContent(database.sql, id)).toBe(false);
});

it('reads any range across chunks', async () => {
  const { sql } = database;
  const content = randomBytes(2 * MAX_CHUNK_BYTES + 100);
  const sha256 = hashOf(content);
  let id = 0;
  for (let offset = 0; offset < content.length; offset += MAX_CHUNK_BYTES) {
    const part = content.subarray(offset, offset + MAX_CHUNK_BYTES);
    ({ id } = await send(content, { offset, part }));
  }
  await completeFileContent(sql, id);
  const ranges: [number, number][] = [
    [0, 10],
    [MAX_CHUNK_BYTES - 5, 10],
    [MAX_CHUNK_BYTES, MAX_CHUNK_BYTES],
    [5, 2 * MAX_CHUNK_BYTES],
    [content.length - 3, 100],
    [content.length, 100],
    [content.length + MAX_CHUNK_BYTES * 3, 5],
  ];
  for (const [offset, limit] of ranges) {
    const found = await readFileContent(sql, sha256, offset, limit);
    expect(found?.sizeBytes).toBe(content.length);
    const expected = content.subarray(offset, offset + limit);
    expect(Buffer.compare(Buffer.from(found?.content ?? []), expected)).toBe(0);
  }
});

it('has a content of no bytes', async () => {
  const sha256 = await store(new Uint8Array());
  expect(await readFileContent(database.sql, sha256, 0, 10)).toMatchObject({ sizeBytes: 0 });
  expect(await touchFileContents(database.sql, [sha256, 'f'.repeat(64)])).toEqual(
    new Map([[sha256, 0]]),
  );
});

it('deletes what nothing refers to a day after its last use, and uploads that stopped', async () => {
  const { sql } = database;
  const [unused, fresh, put, fetched, scheduled] = await Promise.all(
    Array.from({ length: 5 }, () => store(randomBytes(10))),
  );
  if (!unused || !fresh || !put || !fetched || !scheduled) throw new Error('not stored');
  const stopped = randomBytes(10);
  await send(stopped, { part: stopped.subarray(0, 5) });
  const spec = { file: { path: '/x', put: { sha256: put } } };
  const { id } = await storeTask(sql, { spec });
  const getting = await storeTask(sql, {});
  await saveFetchedFile(sql, getting.id, unused);
  await saveFetchedFile(sql, getting.id, fetched);
  expect(await readFetchedFile(sql, getting.id)).toMatchObject({ sha256: fetched, sizeBytes: 10 });
  await sql`
    insert into schedules (
      id, name, version, machine_version, state, context, spec, draft, creator, created_at, updated_at
    ) values (
      ${id}, 's', 1, 1, 'active', '{}', ${JSON.stringify({ task: { file: { put: { sha256: scheduled } } } })}::text::json,
      '{}', 'user', now(), now()
    )`;
  for (const sha256 of [unused, put, fetched, scheduled, hashOf(stopped)]) await age(sha256);
  expect(await deleteUnusedContents(sql, DAY, 10)).toBe(2);
  expect(
    [...(await touchFileContents(sql, [unused, fresh, put, fetched, scheduled])).keys()].sort(),
  ).toEqual([fresh, put, fetched, scheduled].sort());
  await sql`delete from schedules`;
  await sql`update tasks set state = 'completed', substate = ''`;
  for (const task of [id, getting.id]) await deleteTask(sql, task);
  expect(await readFetchedFile(sql, getting.id)).toBeNull();
  for (const sha256 of [put, fetched, scheduled]) await age(sha256);
  expect(await deleteUnusedContents(sql, DAY, 2)).toBe(2);
  expect(await deleteUnusedContents(sql, DAY, 2)).toBe(1);
  const [row] = await sql<{ count: number }[]>`select count(*) as count from file_chunks`;
  expect(Number(row?.count)).toBe(1);
});
