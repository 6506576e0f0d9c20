// Which reads of contents reach the database, and that none is ever answered with something else.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CHUNK_BYTES, ChunkCache, type ContentPart } from './chunk-cache.ts';

const partOf = (sha256: string, offset: number): ContentPart => ({
  content: Buffer.from(`${sha256}@${offset}`),
  sizeBytes: 99,
});

function counting(answer: (sha256: string, offset: number) => ContentPart | null | Error = partOf) {
  const reads: string[] = [];
  const cache = new ChunkCache(async (sha256, offset, limit) => {
    reads.push(`${sha256}/${offset}/${limit}`);
    const part = answer(sha256, offset);
    if (part instanceof Error) throw part;
    return part;
  });
  return { cache, reads };
}

it('reads a chunk once for all who ask, also at once', async () => {
  const { cache, reads } = counting();
  const ask = () => cache.read('a', CHUNK_BYTES, CHUNK_BYTES);
  expect(await Promise.all([ask(), ask(), ask()])).toEqual(
    Array.from({ length: 3 }, () => partOf('a', CHUNK_BYTES)),
  );
  await ask();
  expect(reads).toHaveLength(1);
  await cache.read('a', 5, CHUNK_BYTES);
  await cache.read('a', CHUNK_BYTES, 5);
  expect(reads).toHaveLength(3);
});

it('asks again for what was not there, or could not be read', async () => {
  const answers = [null, new Error('away'), partOf('a', 0)];
  const { cache, reads } = counting(() => answers.shift() ?? null);
  const ask = () => cache.read('a', 0, CHUNK_BYTES);
  expect(await ask()).toBeNull();
  await expect(ask()).rejects.toThrow('away');
  expect(await ask()).toEqual(partOf('a', 0));
  expect(await ask()).toEqual(partOf('a', 0));
  expect(reads).toHaveLength(3);
});

it('keeps a few, those used last, and mixes nothing up', async () => {
  const asked = fc.record({ sha256: fc.constantFrom('a', 'b'), number: fc.nat(12) });
  await fc.assert(
    fc.asyncProperty(fc.array(asked, { maxLength: 60 }), async (wishes) => {
      const { cache } = counting();
      for (const { sha256, number } of wishes) {
        const offset = number * CHUNK_BYTES;
        expect(await cache.read(sha256, offset, CHUNK_BYTES)).toEqual(partOf(sha256, offset));
      }
    }),
    { numRuns: 30 },
  );
  const { cache, reads } = counting();
  for (let number = 0; number < 17; number += 1) {
    await cache.read('a', number * CHUNK_BYTES, CHUNK_BYTES);
    await cache.read('a', 0, CHUNK_BYTES);
  }
  expect(reads).toHaveLength(17);
  await cache.read('a', CHUNK_BYTES, CHUNK_BYTES);
  expect(reads).toHaveLength(18);
});
