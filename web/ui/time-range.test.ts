// What a chart over time shows.
import { expect, it } from 'vitest';
import { timeRange } from './time-range.ts';

const NOW = 1_800_000_000;

it.each([
  ['nothing', [], [NOW - 3600, NOW]],
  ['one value', [NOW - 60], [NOW - 3600, NOW]],
  ['values that ended half an hour ago', [NOW - 3000, NOW - 1800], [NOW - 3600, NOW]],
  ['earlier values', [NOW - 4000, NOW], [NOW - 4000, NOW]],
  ['a clock that is ahead of ours', [NOW + 30], [NOW - 3570, NOW + 30]],
])('a chart of %s reaches over its span up to now', (_, times, range) => {
  expect(timeRange(times, 3600, NOW)).toEqual(range);
});
