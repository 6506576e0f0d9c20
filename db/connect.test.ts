// What an operator reads when the database cannot be used, and how values travel. No message shows a password.

import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { MusterError } from '../machines/errors.ts';
import { readDatabaseTime } from './clock.ts';
import { connectDatabase } from './connect.ts';
import type { Database } from './connect.ts';

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await createTestDatabase({ template: 'empty' });
  database = await connectDatabase({ url: test.url, applicationName: 'connect-test' });
});

afterAll(async () => {
  await database?.close();
  await test?.drop();
});

function changed(change: (url: URL) => void): string {
  const url = new URL(test.url);
  change(url);
  return url.href;
}

async function failureOf(url: string): Promise<MusterError> {
  const error = await connectDatabase({ url }).then(
    async (opened) => {
      await opened.close();
      return null;
    },
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(MusterError);
  return error as MusterError;
}

describe('connectDatabase', () => {
  it('says that nothing answers', async () => {
    const error = await failureOf('postgres://me:s3cret@127.0.0.1:1/muster');
    expect(error.kind).toBe('unavailable');
    expect(error.message).toBe(
      'Cannot connect to the database "muster" at 127.0.0.1:1: nothing answers there (ECONNREFUSED); ' +
        'start PostgreSQL or check the address',
    );
  });

  it('says that the password is wrong, without showing it', async () => {
    const error = await failureOf(changed((url) => (url.password = 's3cret')));
    expect(error.kind).toBe('invalid_argument');
    expect(error.message).toMatch(/the server refused user ".*" with this password; check both$/);
    expect(error.message).not.toContain('s3cret');
  });

  it('says that the database does not exist', async () => {
    const error = await failureOf(changed((url) => (url.pathname = '/nowhere')));
    expect(error.kind).toBe('invalid_argument');
    expect(error.message).toMatch(/"nowhere" at .*: it does not exist; create it first/);
  });

  it('says that the server is too old', async () => {
    const server = await startOldServer();
    const { port } = server.address() as AddressInfo;
    const error = await failureOf(`postgres://me:s3cret@127.0.0.1:${port}/muster`);
    expect(error.kind).toBe('invalid_argument');
    expect(error.message).toMatch(/it is PostgreSQL 14; use PostgreSQL 15 or newer$/);
    server.close();
  });

  it('says that the URL cannot be read, without showing it', async () => {
    const urls = [
      '',
      's3cret',
      'mysql://me:s3cret@host/db',
      'postgres://me:s3c/ret#@:x:/db',
      'postgres://',
    ];
    for (const url of urls) {
      const error = await failureOf(url);
      expect([url, error.kind]).toEqual([url, 'invalid_argument']);
      expect(error.message).toMatch(/^Cannot read the URL of the database; write it as postgres:/);
      expect(error.message).not.toMatch(/s3c/);
    }
  });

  it('goes to the next of several hosts when nothing answers at the first', async () => {
    const url = changed((one) => (one.hostname = 'first')).replace(
      'first:',
      '127.0.0.1:1,127.0.0.1:',
    );
    const opened = await connectDatabase({ url, maxConnections: 2 });
    expect(await opened.sql`select 1 as one`).toMatchObject([{ one: 1 }]);
    await opened.close();
  });

  it('gives its name to the server and prints no notices', async () => {
    const { sql } = database;
    const lines: string[] = [];
    const other = await connectDatabase({ url: test.url, log: (line) => lines.push(line) });
    await other.sql`create table if not exists twice (a integer)`;
    await other.sql`create table if not exists twice (a integer)`;
    await other.close();
    expect(lines).toEqual(['Postgres: relation "twice" already exists, skipping']);
    const [row] = await sql`select current_setting('application_name') as name`;
    expect(row).toEqual({ name: 'connect-test' });
  });
});

describe('the statements of db/', () => {
  it('use no transactions of postgres.js, which end the process when a connection is lost', () => {
    const folder = new URL('./', import.meta.url);
    const names = readdirSync(folder).filter((name) => /^[a-z-]+\.ts$/.test(name));
    const users = names.filter((name) =>
      /\.(begin|reserve)\(/.test(readFileSync(new URL(name, folder), 'utf8')),
    );
    expect(names).toContain('tasks.ts');
    expect(users).toEqual([]);
  });
});

describe('values', () => {
  it('travel in arrays unchanged', async () => {
    const { sql } = database;
    const texts = ['', ' ', 'NULL', 'a"b', 'back\\slash', '{1,2}', 'é😀\n\t', null, '\u0001'];
    const ids = ['0198a3c4-0000-7000-8000-000000000000', null];
    const numbers = [0, -0.5, 1e300, 5e-324, 1_790_000_000_000.123, null];
    const sizes = [0, -1, 2 ** 53 - 1, null];
    const [row] = await sql`
      select to_json(${texts}::text[]) as texts, to_json(${ids}::uuid[]) as ids,
             to_json(${numbers}::double precision[]) as numbers, to_json(${sizes}::bigint[]) as sizes,
             to_json(${[]}::text[]) as none`;
    expect(row).toEqual({ texts, ids, numbers, sizes, none: [] });
  });

  it('travel as big integers, bytes and times unchanged', async () => {
    const { sql } = database;
    const content = new Uint8Array(Array.from({ length: 256 }, (_, index) => index));
    const atMs = 1_790_000_000_123;
    const [row] = await sql`
      select ${2 ** 53 - 1}::bigint as size, ${content}::bytea as content,
             (extract(epoch from to_timestamp(${atMs}::double precision / 1000)) * 1000)::double precision as at_ms`;
    expect(row).toEqual({ size: 2 ** 53 - 1, content, at_ms: atMs });
  });

  it('have the time of the database', async () => {
    const earlier = await readDatabaseTime(database.sql);
    const later = await readDatabaseTime(database.sql);
    expect(later).toBeGreaterThan(earlier);
    expect(Math.abs(later - Date.now())).toBeLessThan(60_000);
  });
});

/** Speaks just enough of the protocol to say that it is PostgreSQL 14. */
async function startOldServer(): Promise<Server> {
  const message = (type: string, ...parts: Buffer[]) => {
    const body = Buffer.concat(parts);
    const head = Buffer.alloc(5);
    head.write(type);
    head.writeInt32BE(body.length + 4, 1);
    return Buffer.concat([head, body]);
  };
  const int16 = (value: number) => Buffer.from([value >> 8, value & 255]);
  const int32 = (value: number) => Buffer.from([0, 0, value >> 8, value & 255]);
  const ready = message('Z', Buffer.from('I'));
  const column = [
    Buffer.from('major\0'),
    int32(0),
    int16(0),
    int32(23),
    int16(4),
    int32(0),
    int16(0),
  ];
  const answer = Buffer.concat([
    message('1'),
    message('t', int16(0)),
    message('T', int16(1), ...column),
    message('2'),
    message('D', int16(1), int32(2), Buffer.from('14')),
    message('C', Buffer.from('SELECT 1\0')),
    ready,
  ]);
  const server = createServer((socket: Socket) => {
    let isStarted = false;
    socket.on('error', () => {});
    socket.on('data', () => {
      socket.write(isStarted ? answer : Buffer.concat([message('R', int32(0)), ready]));
      isStarted = true;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
