// Times for people: the largest units, rounded where one says how long ago.

import { expect, it } from 'vitest';
import { durationText, relativeText } from './time.tsx';

const HOUR = 3_600_000;

it('a time from now is said in its largest unit, rounded', () => {
  expect(relativeText(47 * HOUR, 0)).toBe('in 2 d');
  expect(relativeText(0, 25 * HOUR)).toBe('1 d ago');
  expect(relativeText(0, 90_000)).toBe('2 min ago');
  expect(relativeText(0, 12_300)).toBe('12 s ago');
  expect(relativeText(500, 0)).toBe('now');
});

it('a duration is said in two units at most', () => {
  expect(durationText(420)).toBe('420 ms');
  expect(durationText(9_940)).toBe('9.9 s');
  expect(durationText(245_000)).toBe('4 min 5 s');
  expect(durationText(26 * HOUR)).toBe('1 d 2 h');
});
