// Node sets as short patterns, which are read back as the same names.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandPattern } from '../../machines/host-pattern.ts';
import { foldNodes } from './fold-nodes.ts';

describe('foldNodes', () => {
  it.each([
    [[], ''],
    [['a'], 'a'],
    [['web20', 'web01', 'web02', 'web03'], 'web[01-03,20]'],
    [['web9', 'web10', 'web11'], 'web[9-11]'],
    [['web09', 'web10', 'web11'], 'web[09-11]'],
    [['db1', 'web1', 'web2'], 'db1,web[1-2]'],
    [['n1-a', 'n2-a', 'n1-b'], 'n1-b,n[1-2]-a'],
  ])('folds %j', (names, pattern) => {
    expect(foldNodes(names)).toBe(pattern);
  });

  it('is read back as the same names', () => {
    const name = fc
      .tuple(
        fc.constantFrom('web', 'db-', 'r1n', ''),
        fc.nat(1200),
        fc.constantFrom(0, 2, 3, 4),
        fc.constantFrom('', '-a', '.b'),
      )
      .map(
        ([head, number, width, tail]) => `x${head}${String(number).padStart(width, '0')}${tail}`,
      );
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 60 }), (names) => {
        expect(expandPattern(foldNodes(names)).sort()).toEqual([...new Set(names)].sort());
      }),
      { numRuns: 2_000 },
    );
  });
});
