/** Tests of how definitions are named. */
import { expect, test } from 'vitest';
import { versionAt, versionKey, versionWords } from './versions.ts';

const of = (version: string, digit: string, running = false) => ({
  version,
  hash: digit.repeat(64),
  running,
});
const all = [of('2', 'a', true), of('2', 'b'), of('1', 'c'), of('', 'd')];
const [running, twin, first, bare] = all as [
  (typeof all)[0],
  (typeof all)[0],
  (typeof all)[0],
  (typeof all)[0],
];

test('a URL names a definition by its hash or its version, the running one first', () => {
  expect(versionAt(all, versionKey(twin))).toBe(twin);
  expect(versionAt(all, 'BBBB')).toBe(twin);
  expect(versionAt(all, '2')).toBe(running);
  expect(versionAt(all, '1')).toBe(first);
  expect(versionAt(all, '')).toBeUndefined();
  expect(versionAt(all, '7')).toBeUndefined();
});

test('a version is enough where it is the only one', () => {
  expect(versionWords(first, all)).toBe('version 1');
  expect(versionWords(twin, all)).toBe('version 2 (bbbbbbbbbbbb)');
  expect(versionWords(bare, all)).toBe('definition (dddddddddddd)');
});
