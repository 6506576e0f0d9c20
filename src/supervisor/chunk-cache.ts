/**
 * The chunks of contents that were read last: many nodes that get the same file at the same time cost one read of each chunk.
 *
 * A content never changes, so that what is here stays true. Chunks are the pieces of a content from multiples of CHUNK_BYTES on; what
 * is asked for otherwise is read past the cache.
 */

/** The pieces that are kept. */
export const CHUNK_BYTES = 2 ** 20;
/** So many MiB at most stay in memory. */
const MAX_CHUNKS = 16;

export interface ContentPart {
  readonly content: Uint8Array;
  /** Of the whole content. */
  readonly sizeBytes: number;
}

/** Reads a part; null if there is no such content. */
export type ReadPart = (
  sha256: string,
  offset: number,
  limitBytes: number,
) => Promise<ContentPart | null>;

export class ChunkCache {
  readonly #read: ReadPart;
  /** The one used last is the last. Also those whose read is under way. */
  readonly #chunks = new Map<string, Promise<ContentPart | null>>();

  constructor(read: ReadPart) {
    this.#read = read;
  }

  readonly read: ReadPart = async (sha256, offset, limitBytes) => {
    if (limitBytes !== CHUNK_BYTES || offset % CHUNK_BYTES !== 0) {
      return await this.#read(sha256, offset, limitBytes);
    }
    const key = `${sha256}/${offset}`;
    const known = this.#chunks.get(key);
    this.#chunks.delete(key);
    const chunk = known ?? this.#read(sha256, offset, limitBytes);
    this.#chunks.set(key, chunk);
    for (const oldest of this.#chunks.keys()) {
      if (this.#chunks.size <= MAX_CHUNKS) break;
      this.#chunks.delete(oldest);
    }
    try {
      const part = await chunk;
      if (part === null) this.#drop(key, chunk);
      return part;
    } catch (error) {
      this.#drop(key, chunk);
      throw error;
    }
  };

  /** What is not there now may be there later. */
  #drop(key: string, chunk: Promise<ContentPart | null>): void {
    if (this.#chunks.get(key) === chunk) this.#chunks.delete(key);
  }
}
