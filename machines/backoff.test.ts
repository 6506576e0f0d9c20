// The bounds of a wait, whatever the number of failures.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs } from './backoff.ts';

const POLICY = { initialMs: 1_000, maxMs: 300_000 };
const ALMOST_ONE = 1 - Number.EPSILON / 2;

describe('backoffMs', () => {
  it('doubles the bound of the wait with each failure, up to the longest', () => {
    const bounds = Array.from({ length: 11 }, (_, i) => backoffMs(POLICY, i + 1, ALMOST_ONE) + 1);
    expect(bounds).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000,
    ]);
  });

  it('spreads the wait evenly from nothing to its bound (full jitter)', () => {
    const waits = [0, 0.25, 0.5, 0.75].map((random) => backoffMs(POLICY, 3, random));
    expect(waits).toEqual([0, 1_000, 2_000, 3_000]);
  });

  it('takes no failure for the first one', () => {
    expect(backoffMs(POLICY, 0, 0.5)).toBe(backoffMs(POLICY, 1, 0.5));
  });

  it('goes on doubling as far as the longest wait allows', () => {
    expect(backoffMs({ initialMs: 1, maxMs: 1e12 }, 40, 0.5)).toBe(2 ** 38);
  });

  it('is bounded by the longest wait even where that is shorter than the first', () => {
    expect(backoffMs({ initialMs: 5_000, maxMs: 100 }, 1, 0.5)).toBe(50);
  });

  it('is a whole number of ms within its bounds for any number of failures', () => {
    const durations = fc.integer({ min: 0, max: 7 * 86_400_000 });
    const failures = fc.oneof(
      fc.integer({ min: 0, max: 100 }),
      fc.constantFrom(1e6, 1e15, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE),
    );
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(durations, durations, failures, random, (initialMs, maxMs, count, dice) => {
        const wait = backoffMs({ initialMs, maxMs }, count, dice);
        expect(Number.isSafeInteger(wait)).toBe(true);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThanOrEqual(Math.max(maxMs - 1, 0));
      }),
      { numRuns: 1_000, seed: 1 },
    );
  });
});
