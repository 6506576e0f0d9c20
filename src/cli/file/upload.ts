/**
 * Uploads a local file, or standard input, to be put on hosts: what the supervisor has already is not sent again.
 *
 * A broken connection is waited out, and the upload goes on where it was, as one does whose command was interrupted.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Connection } from '../connection.ts';
import { unary } from '../connection.ts';
import { CliFault } from '../fault.ts';
import type { Reconnect } from '../reconnect.ts';
import { stderr } from '../sink.ts';

const MAX_BYTES = 100 * 2 ** 20;
const CHUNK_BYTES = 2 ** 20;
/** With the last chunk the supervisor reads all of them back. */
const patient = { timeoutMs: 60_000 } as const;

/** A content with its hash, to be read anywhere. */
export interface Source {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** @throws CliFault when the file has become shorter */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Opens a local file, or reads standard input for `-`. @throws CliFault when it cannot be read or is too large */
export async function openSource(source: string): Promise<Source> {
  if (source === '-') return await readStdin();
  try {
    return await openFile(source);
  } catch (error) {
    if (error instanceof CliFault) throw error;
    throw new CliFault(`cannot read ${source}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Sends what is missing. */
export async function uploadSource(
  { files }: Connection,
  reconnect: Reconnect,
  source: Source,
): Promise<void> {
  const { sha256, sizeBytes } = source;
  const known = await reconnect.run(() => files.getContent({ sha256 }, unary));
  let isComplete = known.complete;
  // Of an upload with another size nothing counts.
  let at = known.sizeBytes === BigInt(sizeBytes) ? Number(known.storedBytes) : 0;
  try {
    while (!isComplete) {
      await showProgress(at, sizeBytes);
      const content = await source.read(at, Math.min(CHUNK_BYTES, sizeBytes - at));
      const request = { sha256, sizeBytes: BigInt(sizeBytes), offset: BigInt(at), content };
      const progress = await reconnect.run(() => files.uploadChunk(request, patient));
      at = Number(progress.storedBytes);
      isComplete = progress.complete;
    }
  } finally {
    if (stderr.isTTY) await stderr.write('\r\u001b[K').catch(() => undefined);
  }
}

async function openFile(path: string): Promise<Source> {
  const file = await open(path, 'r');
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new CliFault(`cannot send ${path}: it is no regular file`);
    const { size: sizeBytes } = stats;
    if (sizeBytes > MAX_BYTES) throw tooLarge(path);
    const read = async (offset: number, length: number) => {
      const content = Buffer.alloc(length);
      for (let at = 0; at < length; ) {
        const { bytesRead } = await file.read(content, at, length - at, offset + at);
        if (bytesRead === 0) throw new CliFault(`cannot send ${path}: it changed meanwhile`);
        at += bytesRead;
      }
      return content;
    };
    const hash = createHash('sha256');
    for (let at = 0; at < sizeBytes; at += CHUNK_BYTES) {
      hash.update(await read(at, Math.min(CHUNK_BYTES, sizeBytes - at)));
    }
    return { sha256: hash.digest('hex'), sizeBytes, read, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readStdin(): Promise<Source> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of process.stdin as AsyncIterable<Uint8Array>) {
    parts.push(part);
    sizeBytes += part.length;
    if (sizeBytes > MAX_BYTES) throw tooLarge('standard input');
  }
  const content = Buffer.concat(parts);
  return {
    sha256: createHash('sha256').update(content).digest('hex'),
    sizeBytes,
    read: async (offset, length) => content.subarray(offset, offset + length),
    close: async () => undefined,
  };
}

async function showProgress(at: number, sizeBytes: number): Promise<void> {
  if (!stderr.isTTY || sizeBytes <= CHUNK_BYTES) return;
  const [done, all] = [at, sizeBytes].map((bytes) => (bytes / 2 ** 20).toFixed(1));
  await stderr.write(`\r\u001b[Kuploading: ${done} of ${all} MiB`).catch(() => undefined);
}

function tooLarge(name: string): CliFault {
  return new CliFault(`cannot send ${name}: it has more than 100 MiB`);
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a folder';
  return message;
}
