// Label selectors: what they match, and what is refused.
import { describe, expect, it } from 'vitest';
import { matchesSelector, parseSelector } from './label-selector.ts';

const LABELS = { role: 'web', region: 'eu', 'example.com/team': 'a', empty: '' };

describe('a selector', () => {
  it.each([
    ['role=web', true],
    ['role==web', true],
    ['role = db', false],
    ['role!=db', true],
    ['role!=web', false],
    ['zone!=a', true],
    ['role', true],
    ['zone', false],
    ['!zone', true],
    ['!role', false],
    ['region in (eu,us)', true],
    ['region in ( us , ap )', false],
    ['region notin (us)', true],
    ['region notin (eu,us)', false],
    ['zone notin (a)', true],
    ['example.com/team=a', true],
    ['empty=', true],
    ['role=web,region in (eu,us),!canary', true],
    ['role=web,region in (us),!canary', false],
    ['constructor', false],
  ])('%s', (text, isMatch) => {
    expect(matchesSelector(LABELS, parseSelector(text))).toBe(isMatch);
  });

  it.each([
    ['', '"" is no label key'],
    ['role=web,', '"" is no label key in ""'],
    ['=web', 'is no label key'],
    ['role=we b', 'is no label key'],
    ['role=-web', '"-web" is no label value'],
    ['role in (a b)', '"a b" is no label value'],
    ['role in a,b', 'is no label key'],
    ['role>3', 'is no label key'],
  ])('%j is refused', (text, fault) => {
    expect(() => parseSelector(text)).toThrow(fault);
  });
});
