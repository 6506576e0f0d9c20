/** Who gets the compressed form of a file, and which files have one. */
import { expect, it } from 'vitest';
import { compress, takesGzip } from './gzip.ts';

it.each([
  ['', false],
  ['gzip', true],
  ['GZIP', true],
  ['gzip, deflate, br, zstd', true],
  ['br', false],
  ['*', true],
  ['*;q=0', false],
  ['gzip;q=0, *', false],
  ['identity', false],
  ['identity;q=0.5, gzip;q=0.4', false],
  ['identity;q=0, gzip', true],
  ['gzip;q=2', false],
  [',,;q=1', false],
])('the header %j takes it: %s', (accepted, expected) => {
  expect(takesGzip(accepted)).toBe(expected);
});

it('a file that would not get smaller has none', async () => {
  const bytes = (text: string) => new Uint8Array(new TextEncoder().encode(text));
  expect(await compress(bytes('x'))).toBeNull();
  expect((await compress(bytes('over and over '.repeat(100))))?.length).toBeLessThan(100);
});
