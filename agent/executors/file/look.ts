/**
 * The file operations that change nothing but perhaps remove: fetching a file, deleting it, and saying what it is.
 */
import { closeSync, readlinkSync, readSync, type Stats, unlinkSync } from 'node:fs';
import { type AttemptContents, CHUNK_BYTES } from './contents.ts';
import { codeOf, FileFailure } from './failure.ts';
import { nameOfId } from './ids.ts';
import type { Place } from './place.ts';
import { hashOf, openRegular } from './put.ts';

/** The largest file that is fetched. A larger one has no hash in what stat says, either. */
const MAX_FILE_BYTES = 100 * 2 ** 20;
const MODE_BITS = 0o7777;

/**
 * Sends a file to the supervisor, as it is when it is opened: what is appended meanwhile is left out.
 *
 * @returns what was fetched, in words
 * @throws FileFailure if it is no regular file, too large, or changes meanwhile
 */
export async function fetchFile(place: Place, contents: AttemptContents): Promise<string> {
  const { fd, stats } = openRegular(place);
  try {
    const sizeBytes = stats.size;
    if (sizeBytes > MAX_FILE_BYTES) {
      throw new FileFailure(
        `it has ${sizeBytes} bytes; at most ${MAX_FILE_BYTES} (100 MiB) can be fetched`,
      );
    }
    const sha256 = hashOf(fd, sizeBytes);
    const ask = (offset: number, content: Uint8Array) =>
      contents.store({ sha256, sizeBytes, offset, content });
    let progress = await ask(0, new Uint8Array());
    while (!progress.isComplete) {
      const { storedBytes } = progress;
      if (storedBytes >= sizeBytes) throw changed();
      progress = await ask(storedBytes, readChunk(fd, storedBytes, sizeBytes));
    }
    return `${sizeBytes} bytes, SHA-256 ${sha256}`;
  } finally {
    closeSync(fd);
  }
}

/** Removes a file or a link, not what the link leads to. Tells whether there was one. */
export function deleteFile(place: Place): boolean {
  const existing = place.look();
  if (existing === null) return false;
  if (existing.isDirectory()) throw new FileFailure('it is a folder');
  try {
    unlinkSync(place.at());
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return false;
    throw cause;
  }
  place.sync();
  return true;
}

/** Says what the file is, a `name: value` on each line. @throws FileFailure if there is none */
export function describeFile(path: string, place: Place): string {
  const stats = place.look();
  if (stats === null) throw new FileFailure('there is no such file');
  const lines: [string, string][] = [
    ['path', path],
    ['type', typeOf(stats)],
    ['size', String(stats.size)],
    ['mode', (stats.mode & MODE_BITS).toString(8).padStart(4, '0')],
    ['owner', nameOfId('user', stats.uid)],
    ['group', nameOfId('group', stats.gid)],
    ['modified', stats.mtime.toISOString()],
  ];
  if (stats.isSymbolicLink()) lines.push(['target', readlinkSync(place.at())]);
  const sha256 = stats.isFile() && stats.size <= MAX_FILE_BYTES ? readHash(place) : null;
  if (sha256 !== null) lines.push(['sha256', sha256]);
  return lines.map(([name, value]) => `${name}: ${value}\n`).join('');
}

/** Null for a file that the agent may look at but not read. */
function readHash(place: Place): string | null {
  try {
    const { fd, stats } = openRegular(place);
    try {
      return hashOf(fd, stats.size);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    if (codeOf(cause) === 'EACCES') return null;
    throw cause;
  }
}

function readChunk(fd: number, offset: number, sizeBytes: number): Uint8Array {
  const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, sizeBytes - offset));
  for (let at = 0; at < chunk.length; ) {
    const count = readSync(fd, chunk, at, chunk.length - at, offset + at);
    if (count === 0) throw changed();
    at += count;
  }
  return chunk;
}

function changed(): FileFailure {
  return new FileFailure('it changed while it was being read');
}

function typeOf(stats: Stats): string {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  if (stats.isSymbolicLink()) return 'link';
  return 'special';
}
