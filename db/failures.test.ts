// Each kind of failure, provoked for real.

import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { connectDatabase } from './connect.ts';
import type { Database } from './connect.ts';
import { classifyFailure } from './failures.ts';
import { startPostgresServer } from './server/server.ts';

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await createTestDatabase({ template: 'empty' });
  database = await connectDatabase({ url: test.url });
  await database.sql`create table things (id integer primary key, note jsonb not null, size smallint check (size > 0))`;
});

afterAll(async () => {
  await database?.close();
  await test?.drop();
});

const failureOf = async (statement: Promise<unknown>) =>
  classifyFailure(
    await statement.then(
      () => 'no failure',
      (error: unknown) => error,
    ),
  );

describe('classifyFailure', () => {
  it('calls a terminated connection lost, and gives the next statement a new one', async () => {
    const { sql } = database;
    const victim = await connectDatabase({ url: test.url, maxConnections: 1 });
    const [row] = await victim.sql<[{ pid: number }]>`select pg_backend_pid() as pid`;
    const sleeping = failureOf(victim.sql`select pg_sleep(60)`);
    await isBusy(row.pid);
    await sql`select pg_terminate_backend(${row.pid})`;
    expect(await sleeping).toBe('connection_lost');
    await answersAgain(victim);
    await victim.close();
    expect(await failureOf(victim.sql`select 1`)).toBe('connection_lost');
  });

  it('calls a stopped, an absent and a dropping server a lost connection', async () => {
    const folder = join(tmpdir(), `muster-failures-${randomBytes(6).toString('hex')}`);
    const server = await startPostgresServer({ folder, settings: { fsync: 'off' } });
    const own = await connectDatabase({ url: server.url, maxConnections: 2 });
    try {
      const [row] = await own.sql<[{ pid: number }]>`select pg_backend_pid() as pid`;
      expect(row.pid).toBeGreaterThan(0);
      const sleeping = failureOf(own.sql`select pg_sleep(60)`);
      const writing = failureOf(own.sql`select pg_sleep(60)`);
      await server.stop();
      expect(await sleeping).toBe('connection_lost');
      expect(await writing).toBe('connection_lost');
      expect(await failureOf(own.sql`select 1`)).toBe('connection_lost');
      // Back again, on the same port or another one: a new start keeps its port.
      const again = await startPostgresServer({ folder, settings: { fsync: 'off' } });
      if (again.port === server.port) await answersAgain(own);
      await again.stop('immediate');
    } finally {
      await own.close();
      for (const path of [server.home, server.folder])
        await rm(path, { recursive: true, force: true });
    }
    const dropping = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => dropping.listen(0, '127.0.0.1', resolve));
    const { port } = dropping.address() as AddressInfo;
    const url = `postgres://a:b@127.0.0.1:${port}/c`;
    expect(await failureOf(connectDatabase({ url, connectTimeoutMs: 200 }))).toBe(
      'connection_lost',
    );
    dropping.close();
  });

  it('calls bad rows refused', async () => {
    const { sql } = database;
    await sql`insert into things values (1, '{}', 1)`;
    const refused = {
      'NUL in text': sql`select ${'a\u0000b'}::text`,
      'NUL in jsonb': sql`select ${JSON.stringify({ a: 'a\u0000b' })}::text::jsonb`,
      'half a character': sql`select ${JSON.stringify({ a: '\ud800' })}::text::jsonb`,
      'a number out of range': sql`insert into things values (2, '{}', ${40_000}::integer)`,
      'a time out of range': sql`select to_timestamp(1e300)`,
      'no uuid': sql`select ${'x'}::text::uuid`,
      'a key twice': sql`insert into things values (1, '{}', 1)`,
      'a missing value': sql`insert into things (id) values (3)`,
      'a check': sql`insert into things values (4, '{}', 0)`,
      'a program limit': sql`select repeat('x', 1073741824)`,
      'a message that is too long': sql`select pg_notify('x', ${'x'.repeat(9_000)})`,
    };
    for (const [what, statement] of Object.entries(refused)) {
      expect([what, await failureOf(statement)]).toEqual([what, 'refused_row']);
    }
  });

  it('calls deadlocks, serialization failures and missed row holds retryable', async () => {
    const { sql } = database;
    await sql`insert into things values (11, '{}', 1), (12, '{}', 1)`;
    const cross = (first: number, second: number, met: () => Promise<void>) =>
      sql.begin(async (tx) => {
        await tx`update things set size = 2 where id = ${first}`;
        await met();
        await tx`update things set size = 3 where id = ${second}`;
      });
    const meet = meeting(2);
    const kinds = await Promise.all([
      failureOf(cross(11, 12, meet)),
      failureOf(cross(12, 11, meet)),
    ]);
    expect(kinds.sort()).toEqual(['other', 'retryable']);
    const meetAgain = meeting(2);
    const count = () =>
      sql.begin('isolation level serializable', async (tx) => {
        const [row] = await tx<[{ n: number }]>`select count(*)::integer as n from things`;
        await meetAgain();
        await tx`insert into things values (${100 + Math.floor(Math.random() * 1e9)}, ${sql.json(row)}, 1)`;
      });
    expect((await Promise.all([failureOf(count()), failureOf(count())])).sort()).toEqual([
      'other',
      'retryable',
    ]);
    await sql.begin(async (tx) => {
      await tx`select 1 from things where id = 11 for update`;
      expect(await failureOf(sql`select 1 from things where id = 11 for update nowait`)).toBe(
        'retryable',
      );
    });
  });

  it('calls a cancelled statement interrupted, and a server that can store nothing a lost connection', async () => {
    const { sql } = database;
    const codes = ['25006', '53100', '53200', '53300', '53400', '57P01', '57P04', '57P05', '58030'];
    for (const code of codes) {
      const raised = sql.unsafe(`do $$ begin raise 'no' using errcode = '${code}'; end $$`);
      expect([code, await failureOf(raised)]).toEqual([code, 'connection_lost']);
    }
    const cancelled = sql`select pg_cancel_backend(pg_backend_pid()), pg_sleep(60)`;
    expect(await failureOf(cancelled)).toBe('interrupted');
  });

  it('calls everything else other', async () => {
    const { sql } = database;
    expect(await failureOf(sql`select nothing`)).toBe('other');
    for (const error of [undefined, null, 'x', new Error('x'), { code: 5 }, new TypeError('x')]) {
      expect(classifyFailure(error)).toBe('other');
    }
    expect(classifyFailure(new Error('outer', { cause: { code: '08006' } }))).toBe(
      'connection_lost',
    );
    expect(classifyFailure(new AggregateError([{ code: 'ECONNREFUSED' }]))).toBe('connection_lost');
  });
});

/** Resolves when a connection has a statement under way. */
async function isBusy(pid: number): Promise<void> {
  for (;;) {
    const [row] = await database.sql`select state from pg_stat_activity where pid = ${pid}`;
    if (row?.['state'] === 'active') return;
  }
}

/**
 * Resolves when a statement succeeds. Those before it fail as on a lost connection: postgres.js 3.4 hands the farewell of the
 * old connection to the first statement on the new one.
 */
async function answersAgain({ sql }: Database): Promise<void> {
  for (let tries = 0; tries < 10; tries += 1) {
    const kind = await sql`select 1`.then(() => null, classifyFailure);
    if (kind === null) return;
    expect(kind).toBe('connection_lost');
  }
  throw new Error('no statement has succeeded');
}

/** A place where so many wait for each other. */
function meeting(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let missing = count;
  return () => {
    missing -= 1;
    if (missing === 0) resolve();
    return promise;
  };
}
