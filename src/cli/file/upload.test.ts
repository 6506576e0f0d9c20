// What `muster file put` sends: only what is missing, from where the supervisor says, across lost connections.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code, ConnectError, createClient, createRouterTransport } from '@connectrpc/connect';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FileService } from '../../../proto/gen/muster/v1/file_service_pb.ts';
import type { Connection } from '../connection.ts';
import { Reconnect } from '../reconnect.ts';
import { openSource, uploadSource } from './upload.ts';

const MIB = 2 ** 20;

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-upload-'));
  path = join(folder, 'file');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A supervisor that stores bytes in order, and breaks the connection in each of these calls, after it has stored. */
function storing(stored: Buffer, sizeBytes: number, broken: number[] = []) {
  let content = stored;
  const offsets: number[] = [];
  const transport = createRouterTransport(({ service }) => {
    service(FileService, {
      getContent: () => ({
        complete: content.length === sizeBytes,
        storedBytes: BigInt(content.length),
        sizeBytes: BigInt(sizeBytes),
      }),
      uploadChunk(request) {
        offsets.push(Number(request.offset));
        if (Number(request.offset) === content.length) {
          content = Buffer.concat([content, request.content]);
        }
        if (broken.includes(offsets.length)) throw new ConnectError('lost', Code.Unavailable);
        const storedBytes = BigInt(content.length);
        return { storedBytes, complete: storedBytes === request.sizeBytes };
      },
    });
  });
  const files = createClient(FileService, transport);
  const connection = { url: 'http://x', files, explain: String } as unknown as Connection;
  const parts = {
    nowMs: () => 0,
    random: () => 0,
    sleep: async () => undefined,
    say: async () => undefined,
  };
  const reconnect = new Reconnect(connection, parts);
  return { connection, reconnect, offsets, content: () => content };
}

async function upload(content: Uint8Array, to: ReturnType<typeof storing>): Promise<void> {
  writeFileSync(path, content);
  const source = await openSource(path);
  expect(source.sha256).toBe(createHash('sha256').update(content).digest('hex'));
  await uploadSource(to.connection, to.reconnect, source);
  await source.close();
}

test('sends everything in chunks', async () => {
  const content = randomBytes(2 * MIB + 5);
  const to = storing(Buffer.alloc(0), content.length);
  await upload(content, to);
  expect(to.offsets).toEqual([0, MIB, 2 * MIB]);
  expect(Buffer.compare(to.content(), content)).toBe(0);
});

test('goes on where an earlier upload ended, and sends nothing that is there', async () => {
  const content = randomBytes(2 * MIB);
  const half = storing(content.subarray(0, MIB + 7), content.length);
  await upload(content, half);
  expect(half.offsets).toEqual([MIB + 7]);
  expect(Buffer.compare(half.content(), content)).toBe(0);
  const whole = storing(content, content.length);
  await upload(content, whole);
  expect(whole.offsets).toEqual([]);
});

test('begins at the beginning when the other upload had another size', async () => {
  const content = randomBytes(10);
  const to = storing(Buffer.alloc(0), 99);
  await upload(content, to);
  expect(to.offsets).toEqual([0]);
});

test('repeats what a lost connection has broken, and stores it once', async () => {
  const content = randomBytes(2 * MIB);
  const to = storing(Buffer.alloc(0), content.length, [1, 3]);
  await upload(content, to);
  expect(to.offsets).toEqual([0, 0, MIB, MIB]);
  expect(Buffer.compare(to.content(), content)).toBe(0);
});

test('sends a file of no bytes', async () => {
  const to = storing(Buffer.alloc(0), 1);
  await upload(new Uint8Array(), to);
  expect(to.offsets).toEqual([0]);
});

test('says that the file became shorter, is none, or is too large', async () => {
  writeFileSync(path, randomBytes(10));
  const source = await openSource(path);
  truncateSync(path, 3);
  await expect(source.read(0, 10)).rejects.toThrow(`cannot send ${path}: it changed meanwhile`);
  await source.close();
  truncateSync(path, 100 * MIB + 1);
  await expect(openSource(path)).rejects.toThrow('it has more than 100 MiB');
  await expect(openSource(folder)).rejects.toThrow('it is no regular file');
  await expect(openSource(join(folder, 'none'))).rejects.toThrow('there is no such file');
});
