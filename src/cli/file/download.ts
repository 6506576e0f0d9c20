/**
 * Writes down here what a task has fetched: to standard output, or to a file that appears whole or not at all.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Connection } from '../connection.ts';
import { unary } from '../connection.ts';
import { CliFault } from '../fault.ts';
import type { Reconnect } from '../reconnect.ts';
import { stdout } from '../sink.ts';

/** What stands for standard output among local files. */
export const STDOUT = '-';

/** @throws CliFault when it cannot be written, or is not what was fetched */
export async function downloadTo(
  connection: Connection,
  reconnect: Reconnect,
  taskId: string,
  local: string,
): Promise<void> {
  const chunks = readFetched(connection, reconnect, taskId);
  if (local === STDOUT) {
    for await (const chunk of chunks) await stdout.write(chunk);
    return;
  }
  try {
    await writeWhole(local, chunks);
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    // A system error has a name for its code, one of a call a number.
    if (typeof code !== 'string') throw error;
    throw new CliFault(`cannot write ${local}: ${message}`, { cause: error });
  }
}

/** Yields the content in order. @throws CliFault after the last chunk when its hash is wrong */
async function* readFetched(
  { files }: Connection,
  reconnect: Reconnect,
  taskId: string,
): AsyncIterable<Uint8Array> {
  const fetched = await reconnect.run(() => files.getFetchedFile({ taskId }, unary));
  const { sha256 } = fetched;
  const hash = createHash('sha256');
  for (let offset = 0n; offset < fetched.sizeBytes; ) {
    const from = offset;
    const { content } = await reconnect.run(() =>
      files.readContent({ sha256, offset: from }, unary),
    );
    if (content.length === 0) throw new CliFault(`the content ${sha256} is incomplete`);
    hash.update(content);
    yield content;
    offset += BigInt(content.length);
  }
  if (hash.digest('hex') !== sha256) {
    throw new CliFault(`what came does not have the SHA-256 ${sha256}`);
  }
}

async function writeWhole(local: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  await mkdir(dirname(local), { recursive: true });
  const fresh = `${local}.${randomBytes(4).toString('hex')}.part`;
  const file = await open(fresh, 'wx');
  try {
    for await (const chunk of chunks) await file.writeFile(chunk);
    await file.close();
    await rename(fresh, local);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(fresh, { force: true });
    throw error;
  }
}
