/**
 * Puts a content into a file: whoever reads the file sees the old content or the new one, whole, whatever happens in between.
 *
 * The content goes into a temporary file beside it, which is renamed when it is complete and on the disk. So a file that other
 * names are linked to keeps its old content under those, and extended attributes are those of a new file.
 */
import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { readCommandLine } from '../process-table.ts';
import { type AttemptContents, CHUNK_BYTES } from './contents.ts';
import { codeOf, FileFailure } from './failure.ts';
import { idOf, nameOfId } from './ids.ts';
import type { Place } from './place.ts';
import type { PutOperation } from './request.ts';

const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const CREATE_FLAGS =
  constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** Stands in the command line of every worker. */
const WORKER = '/file/worker.ts';
const DEFAULT_MODE = 0o644;
const MODE_BITS = 0o7777;

/** What became of the file. */
export type PutResult = 'created' | 'updated' | 'unchanged';

export interface PutOptions {
  readonly nodeId: string;
  readonly contents: AttemptContents;
  /** Told how to remove the temporary file while there is one, for whoever ends the process; null afterwards. */
  readonly onTemporary: (remove: (() => void) | null) => void;
}

/** Owner and permissions that the file is to have. */
interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** @throws FileFailure, or an error of the system */
export async function putFile(
  place: Place,
  operation: PutOperation,
  options: PutOptions,
): Promise<PutResult> {
  const existing = place.look();
  if (existing !== null) checkReplaceable(place, existing);
  removeStale(place, options.nodeId);
  const wanted = attributesOf(operation, existing);
  if (existing?.size === operation.sizeBytes) {
    const fd = openReadable(place);
    try {
      if (fd !== null && hashOf(fd, operation.sizeBytes) === operation.sha256) {
        return adjust(fd, wanted) ? 'updated' : 'unchanged';
      }
    } finally {
      if (fd !== null) closeSync(fd);
    }
  }
  await replace(place, operation, wanted, options);
  return existing === null ? 'created' : 'updated';
}

/** Opens a regular file to be read, never through a link. @throws FileFailure if it is none */
export function openRegular(place: Place): { fd: number; stats: Stats } {
  const fd = openSync(place.at(), READ_FLAGS);
  const stats = fstatSync(fd);
  if (stats.isFile()) return { fd, stats };
  closeSync(fd);
  throw new FileFailure(stats.isDirectory() ? 'it is a folder' : 'it is no regular file');
}

/** Null for a file that the agent may replace but not read. */
function openReadable(place: Place): number | null {
  try {
    return openSync(place.at(), READ_FLAGS);
  } catch (cause) {
    if (codeOf(cause) === 'EACCES') return null;
    throw cause;
  }
}

/** SHA-256 of the first bytes of an open file, in hexadecimal digits; empty if it is shorter. */
export function hashOf(fd: number, sizeBytes: number): string {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(CHUNK_BYTES);
  for (let at = 0; at < sizeBytes; ) {
    const count = readSync(fd, buffer, 0, Math.min(buffer.length, sizeBytes - at), at);
    if (count === 0) return '';
    hash.update(buffer.subarray(0, count));
    at += count;
  }
  return hash.digest('hex');
}

/** A link is refused: that it is replaced, or followed, would surprise about as many. */
function checkReplaceable(place: Place, existing: Stats): void {
  if (existing.isFile()) return;
  if (existing.isSymbolicLink()) {
    const target = readlinkSync(place.at());
    throw new FileFailure(`it is a symbolic link to ${target}; name the file itself, or delete it`);
  }
  throw new FileFailure(existing.isDirectory() ? 'it is a folder' : 'it is no regular file');
}

function attributesOf(operation: PutOperation, existing: Stats | null): Attributes {
  const { mode, owner, group } = operation;
  const own = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  return {
    mode: mode === '' ? (existing?.mode ?? DEFAULT_MODE) & MODE_BITS : Number.parseInt(mode, 8),
    uid: owner === '' ? (existing ?? own).uid : idOf('user', owner),
    gid: group === '' ? (existing ?? own).gid : idOf('group', group),
  };
}

/** Gives an open file its owner and permissions, and tells whether that changed anything. */
function adjust(fd: number, { mode, uid, gid }: Attributes): boolean {
  const stats = fstatSync(fd);
  const isOwned = stats.uid === uid && stats.gid === gid;
  if (!isOwned) changeOwner(fd, uid, gid);
  // After the owner, whose change takes away set-user-id bits.
  if (isOwned && (stats.mode & MODE_BITS) === mode) return false;
  fchmodSync(fd, mode);
  fsyncSync(fd);
  return true;
}

function changeOwner(fd: number, uid: number, gid: number): void {
  try {
    fchownSync(fd, uid, gid);
  } catch (cause) {
    if (codeOf(cause) !== 'EPERM') throw cause;
    const owner = `${nameOfId('user', uid)}:${nameOfId('group', gid)}`;
    throw new FileFailure(
      `it is to belong to ${owner}, and only an agent that runs as root can see to that`,
      { cause },
    );
  }
}

async function replace(
  place: Place,
  operation: PutOperation,
  wanted: Attributes,
  { nodeId, contents, onTemporary }: PutOptions,
): Promise<void> {
  const temporary = place.at(temporaryName(nodeId, process.pid));
  const fd = openSync(temporary, CREATE_FLAGS, 0o600);
  onTemporary(() => rmSync(temporary, { force: true }));
  try {
    const hash = createHash('sha256');
    await download(fd, operation, contents, hash);
    if (hash.digest('hex') !== operation.sha256) {
      throw new FileFailure(`what came does not have the SHA-256 ${operation.sha256}`);
    }
    adjust(fd, wanted);
    fsyncSync(fd);
    renameSync(temporary, place.at());
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw cause;
  } finally {
    onTemporary(null);
    closeSync(fd);
  }
  place.sync();
}

async function download(
  fd: number,
  { sizeBytes }: PutOperation,
  contents: AttemptContents,
  hash: Hash,
): Promise<void> {
  for (let at = 0; at < sizeBytes; ) {
    const chunk = await contents.read(at);
    if (chunk.length === 0 || at + chunk.length > sizeBytes) {
      throw new FileFailure(`the content that came does not have ${sizeBytes} bytes`);
    }
    hash.update(chunk);
    for (let from = 0; from < chunk.length; ) from += writeSync(fd, chunk, from);
    at += chunk.length;
  }
}

/** Names the node, because hosts may share a folder, and the process, because it may live. */
function temporaryName(nodeId: string, pid: number): string {
  return `${temporaryPrefix(nodeId)}${pid}.tmp`;
}

function temporaryPrefix(nodeId: string): string {
  return `.muster-${createHash('sha256').update(nodeId).digest('hex').slice(0, 12)}-`;
}

/** Removes what killed processes of this node have left in the folder, whichever file it was for. */
function removeStale(place: Place, nodeId: string): void {
  const prefix = temporaryPrefix(nodeId);
  for (const name of readdirSync(place.folder)) {
    if (!name.startsWith(prefix)) continue;
    const pid = Number(/^(\d+)\.tmp$/.exec(name.slice(prefix.length))?.[1]);
    if (pid > 0 && (pid === process.pid || !isAlive(pid))) unlinkSync(place.at(name));
  }
}

/** A number may be used again by another program, and a killed process is nobody's until it is reaped: its command line tells. */
function isAlive(pid: number): boolean {
  return readCommandLine(pid)?.includes(WORKER) === true;
}
