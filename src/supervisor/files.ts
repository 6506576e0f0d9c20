/**
 * What can be asked of contents of files: the part of the supervisor that FileService and the calls of attempts speak to.
 *
 * A content is complete only when all its bytes have been read back here and have the hash that it is stored under.
 */
import { createHash } from 'node:crypto';
import {
  appendFileChunk,
  completeFileContent,
  deleteUpload,
  findFileContent,
  MAX_CHUNK_BYTES,
  readFetchedFile,
  readFileChunk,
  readFileContent,
  saveFetchedFile,
  touchFileContents,
} from '../../db/file-contents.ts';
import { readSpecs } from '../../db/specs.ts';
import { MusterError } from '../../machines/errors.ts';
import { ChunkCache } from './chunk-cache.ts';
import type { Store } from './store.ts';

/** The largest content there can be. */
const MAX_CONTENT_BYTES = 100 * 2 ** 20;
/** A chunk that is not the last one has at least this many bytes, so that a content has few rows. */
const MIN_CHUNK_BYTES = 2 ** 18;
/** Who uploads through FileService: there is one token of users. */
const USER = 'user';

/** The next bytes of a content. */
export interface Chunk {
  /** Of the whole content: 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /** Of the whole content. */
  readonly sizeBytes: number;
  readonly offset: number;
  readonly content: Uint8Array;
}

export interface UploadProgress {
  /** Where to go on. */
  readonly storedBytes: number;
  readonly isComplete: boolean;
}

/** An attempt as the agent names it that calls. */
export interface CallingAttempt {
  /** Whose token came with the call. */
  readonly nodeId: string;
  readonly taskId: string;
  readonly attempt: number;
}

export interface Files {
  /** Tells how much of a content is stored. */
  find(sha256: string): Promise<UploadProgress & { readonly sizeBytes: number }>;
  /** Stores a chunk if it is the next one. @throws MusterError `invalid_argument` for wrong bounds, or a wrong hash at the end */
  upload(chunk: Chunk): Promise<UploadProgress>;
  /** @throws MusterError `unknown_content` */
  read(
    sha256: string,
    offset: number,
    limitBytes: number,
  ): Promise<{ readonly content: Uint8Array; readonly sizeBytes: number }>;
  /** Returns what a task has fetched. @throws MusterError `unknown_content` */
  fetched(
    taskId: string,
  ): Promise<{ readonly sha256: string; readonly sizeBytes: number; readonly at: number }>;
  /** Returns the spec of an attempt that runs on the calling node now. @throws MusterError `permission_denied` */
  specOf(attempt: CallingAttempt): Promise<unknown>;
  /** As `upload`, for the file that an attempt fetches; the task is given the content once it is complete. */
  store(attempt: CallingAttempt, chunk: Chunk): Promise<UploadProgress>;
}

export function createFileActions(store: Store): Files {
  const cache = new ChunkCache((sha256, offset, limitBytes) =>
    store.read((sql) => readFileContent(sql, sha256, offset, limitBytes)),
  );
  const upload = (chunk: Chunk, uploader: string) => storeChunk(store, chunk, uploader);
  return {
    async find(sha256) {
      const found = await store.read((sql) => findFileContent(sql, sha256, USER));
      return found ?? { sizeBytes: 0, storedBytes: 0, isComplete: false };
    },
    upload: (chunk) => upload(chunk, USER),
    async read(sha256, offset, limitBytes) {
      const found = await cache.read(sha256, offset, limitBytes);
      if (found === null) throw unknownContent(sha256);
      return found;
    },
    async fetched(taskId) {
      const found = await store.read((sql) => readFetchedFile(sql, taskId));
      if (found !== null) return found;
      const why = `task ${taskId} has fetched no file`;
      throw new MusterError('unknown_content', `There is no content: ${why}`);
    },
    specOf: (attempt) => specOfRunning(store, attempt),
    async store({ taskId, attempt }, chunk) {
      const progress = await upload(chunk, `${taskId}/${attempt}`);
      if (progress.isComplete) {
        await store.read((sql) => saveFetchedFile(sql, taskId, chunk.sha256));
      }
      return progress;
    },
  };
}

/** A content that tasks are to put on hosts. */
export interface NeededContent {
  readonly sha256: string;
  readonly sizeBytes: number;
}

/**
 * Keeps contents that tasks are about to be created for.
 *
 * @throws MusterError `unknown_content` for one that is not complete, `invalid_argument` for one of another size
 */
export async function checkContents(store: Store, needed: readonly NeededContent[]): Promise<void> {
  if (needed.length === 0) return;
  const hashes = [...new Set(needed.map(({ sha256 }) => sha256))];
  const sizes = await store.read((sql) => touchFileContents(sql, hashes));
  for (const { sha256, sizeBytes } of needed) {
    const size = sizes.get(sha256);
    if (size === undefined) {
      throw new MusterError(
        'unknown_content',
        `Cannot create the task: the content ${sha256} is not stored; upload it first with FileService.UploadChunk`,
      );
    }
    if (size !== sizeBytes) {
      throw new MusterError(
        'invalid_argument',
        `Cannot create the task: file.put.size_bytes is ${sizeBytes}; the content ${sha256} has ${size} bytes`,
      );
    }
  }
}

async function storeChunk(store: Store, chunk: Chunk, uploader: string): Promise<UploadProgress> {
  checkBounds(chunk);
  const appended = { ...chunk, uploader, isSingle: uploader !== USER };
  const { id, storedBytes, isComplete } = await store.read((sql) => appendFileChunk(sql, appended));
  if (isComplete || storedBytes < chunk.sizeBytes) return { storedBytes, isComplete };
  if ((await hashOf(store, id, chunk.sizeBytes)) === chunk.sha256) {
    const isThere = await store.read((sql) => completeFileContent(sql, id));
    if (isThere) return { storedBytes, isComplete: true };
  } else {
    await store.read((sql) => deleteUpload(sql, id));
  }
  throw new MusterError(
    'invalid_argument',
    `Cannot store the content: what was sent does not have the SHA-256 ${chunk.sha256}; send all of it again`,
  );
}

function checkBounds({ sizeBytes, offset, content }: Chunk): void {
  const refuse = (fault: string): never => {
    throw new MusterError('invalid_argument', `Cannot store the content: ${fault}`);
  };
  const end = offset + content.length;
  if (sizeBytes > MAX_CONTENT_BYTES) {
    refuse(`it has ${sizeBytes} bytes; there can be ${MAX_CONTENT_BYTES}`);
  }
  if (content.length > MAX_CHUNK_BYTES) {
    refuse(`the chunk has ${content.length} bytes; it may have ${MAX_CHUNK_BYTES}`);
  }
  if (end > sizeBytes) refuse(`the chunk ends at byte ${end}, and size_bytes is ${sizeBytes}`);
  if (content.length > 0 && content.length < MIN_CHUNK_BYTES && end < sizeBytes) {
    refuse(
      `the chunk has ${content.length} bytes; one that is not the last must have at least ${MIN_CHUNK_BYTES}`,
    );
  }
}

/** Of what is stored of an upload, chunk by chunk; empty when it has been given up meanwhile. */
async function hashOf(store: Store, id: number, sizeBytes: number): Promise<string> {
  const hash = createHash('sha256');
  for (let offset = 0; offset < sizeBytes; ) {
    const from = offset;
    const chunk = await store.read((sql) => readFileChunk(sql, id, from));
    if (chunk === null) return '';
    hash.update(chunk);
    offset += chunk.length;
  }
  return hash.digest('hex');
}

async function specOfRunning(
  store: Store,
  { nodeId, taskId, attempt }: CallingAttempt,
): Promise<unknown> {
  const record = await store.load(taskId);
  const current = record?.snapshot.context.current ?? null;
  const isHeld =
    record !== null &&
    record.snapshot.path.startsWith('running.') &&
    record.snapshot.context.attempt === attempt &&
    current?.nodeId === nodeId;
  if (!isHeld) {
    throw new MusterError(
      'permission_denied',
      `Cannot transfer the content: attempt ${attempt} of task ${taskId} does not run on node ${nodeId}`,
    );
  }
  const specs = await store.read((sql) => readSpecs(sql, [record.specId]));
  return specs.get(record.specId);
}

function unknownContent(sha256: string): MusterError {
  return new MusterError('unknown_content', `There is no content ${sha256}; upload it first`);
}
