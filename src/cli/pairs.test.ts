// Pairs, lists and numbers of flags.
import { expect, test } from 'vitest';
import { UsageFault } from './fault.ts';
import { collect, parseInteger, parseList, parsePairs } from './pairs.ts';

test('pairs become a record; a value may be empty and hold =', () => {
  expect(parsePairs(['a=1', 'b=', 'c=x=y', '__proto__=1'], '--env')).toEqual(
    Object.fromEntries([
      ['a', '1'],
      ['b', ''],
      ['c', 'x=y'],
      ['__proto__', '1'],
    ]),
  );
  expect(parsePairs(undefined, '--env')).toEqual({});
});

test.each([[['nolabel']], [['=x']], [['']], [['a=1', 'a=2']]])('%j are no pairs', (pairs) => {
  expect(() => parsePairs(pairs, '--label')).toThrow(UsageFault);
});

test('lists are repeated, separated by commas, or both', () => {
  expect(parseList(collect('c', collect('a, b')))).toEqual(['a', 'b', 'c']);
});

test('whole numbers are read as they are; whether they are allowed the server says', () => {
  expect(parseInteger('-1', '--max-attempts')).toBe(-1);
  expect(parseInteger('10000', '--limit')).toBe(10_000);
  for (const text of ['', '1.5', 'x', '99999999999', '0x10', '1e3']) {
    expect(() => parseInteger(text, '--limit')).toThrow(UsageFault);
  }
});
