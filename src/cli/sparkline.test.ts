// Bars for numbers over time.

import { expect, it } from 'vitest';
import { sparkline } from './sparkline.ts';

const range = { from: 0, until: 100 };

it('draws the highest value of each part of the time, and nothing where nothing is known', () => {
  const samples = [
    { at: 0, value: 0 },
    { at: 26, value: 2 },
    { at: 49, value: 4 },
    { at: 100, value: 8 },
  ];
  expect(sparkline(samples, range, 8, 4)).toBe('▁▅ █');
});

it('stays in its bounds, whatever it is given', () => {
  expect(sparkline([{ at: 500, value: 1e9 }], range, 1, 3)).toBe('  █');
  expect(sparkline([{ at: -5, value: -1 }], range, 0, 3)).toBe('▁  ');
  expect(sparkline([{ at: 0, value: 1 }], { from: 0, until: 0 }, 1, 2)).toBe('█ ');
  expect(sparkline([], range, 1, 2)).toBe('  ');
});
