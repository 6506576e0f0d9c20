// Node patterns: what they stand for, and what is refused.
import { describe, expect, it } from 'vitest';
import { MAX_EXPANDED, expandPattern } from './host-pattern.ts';

describe('expandPattern', () => {
  it.each([
    ['web-1', ['web-1']],
    ['web[1-3]', ['web1', 'web2', 'web3']],
    ['web[08-10]', ['web08', 'web09', 'web10']],
    ['db[1,3,5-6]', ['db1', 'db3', 'db5', 'db6']],
    ['r[1-2]-n[01-02]', ['r1-n01', 'r1-n02', 'r2-n01', 'r2-n02']],
    ['a, b[1,2],a', ['a', 'b1', 'b2']],
  ])('reads %s', (pattern, names) => {
    expect(expandPattern(pattern)).toEqual(names);
  });

  it.each([
    ['', 'a name is empty'],
    ['a,,b', 'a name is empty'],
    ['web[1-', 'a [ has no ]'],
    ['web]', 'a ] has no ['],
    ['web[]', '"" is no number or range'],
    ['web[a-c]', '"a-c" is no number or range'],
    ['web[9-1]', 'the range 9-1 runs backwards'],
    ['web[1-99999]', `more than ${MAX_EXPANDED} names`],
    ['a[1-200]b[1-200]', `more than ${MAX_EXPANDED} names`],
  ])('refuses %j', (pattern, fault) => {
    expect(() => expandPattern(pattern)).toThrow(fault);
  });
});
