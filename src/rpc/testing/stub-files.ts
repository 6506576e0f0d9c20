/**
 * The contents of a StubSupervisor: those of its map are complete, and an upload is when its last byte has come.
 */
import type { Chunk, Files, UploadProgress } from '../../supervisor/supervisor.ts';

/** @param called is told of each call, and throws where it is to fail */
export function stubFiles(
  stub: {
    readonly contents: ReadonlyMap<string, Uint8Array>;
    readonly specs: ReadonlyMap<string, unknown>;
  },
  called: (name: string, ...args: unknown[]) => void,
): Files {
  const takeChunk = (name: string, chunk: Chunk, ...args: unknown[]): UploadProgress => {
    called(name, chunk, ...args);
    const storedBytes = chunk.offset + chunk.content.length;
    return { storedBytes, isComplete: storedBytes === chunk.sizeBytes };
  };
  return {
    find: async (sha256) => {
      called('findContent', sha256);
      const sizeBytes = stub.contents.get(sha256)?.length ?? 0;
      return { sizeBytes, storedBytes: sizeBytes, isComplete: stub.contents.has(sha256) };
    },
    upload: async (chunk) => takeChunk('uploadChunk', chunk),
    read: async (sha256, offset, limitBytes) => {
      called('readContent', sha256, offset, limitBytes);
      const content = stub.contents.get(sha256) ?? new Uint8Array();
      return {
        content: content.subarray(offset, offset + limitBytes),
        sizeBytes: content.length,
      };
    },
    fetched: async (id) => {
      called('fetchedFile', id);
      return { sha256: 'f'.repeat(64), sizeBytes: 3, at: 0 };
    },
    specOf: async (attempt) => {
      called('specOfAttempt', attempt);
      return stub.specs.get(attempt.taskId) ?? {};
    },
    store: async (attempt, chunk) => takeChunk('storeChunk', chunk, attempt),
  };
}
