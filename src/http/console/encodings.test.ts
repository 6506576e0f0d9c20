/** Which form of a file is chosen for whom. */
import { describe, expect, it } from 'vitest';
import { chooseEncoding, compress } from './encodings.ts';

const text = (content: string) => new Uint8Array(new TextEncoder().encode(content));
const encoded = await compress(text('over and over '.repeat(100)));

describe('the form of a file', () => {
  it.each([
    ['', null],
    ['gzip', 'gzip'],
    ['br', 'br'],
    ['gzip, deflate, br, zstd', 'br'],
    ['GZIP', 'gzip'],
    ['deflate', null],
    ['*', 'br'],
    ['*;q=0', null],
    ['br;q=0, *', 'gzip'],
    ['br;q=0.5, gzip;q=0.8', 'gzip'],
    ['br;q=0,gzip;q=0', null],
    ['identity', null],
    ['identity;q=0.5, gzip;q=0.4', null],
    ['identity;q=0, gzip', 'gzip'],
    ['gzip;q=2, br;q=x', null],
    [',,;q=1', null],
  ])('for %j is %s', (accepted, expected) => {
    expect(chooseEncoding(accepted, encoded)).toBe(expected);
  });

  it('is the content itself where compression would not make it smaller', async () => {
    const short = await compress(text('x'));
    expect(short.size).toBe(0);
    expect(chooseEncoding('gzip, br', short)).toBeNull();
  });
});
