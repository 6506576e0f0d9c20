// Durations as people write and read them.
import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';
import { UsageFault } from './fault.ts';

test.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['2d', 172_800_000],
  ['1.5s', 1500],
  ['0', 0],
  ['0s', 0],
  [' 3s ', 3000],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text, '--timeout')).toBe(ms);
});

test.each(['', 's', '3', '-3s', '3 s', '3sec', '1h30', '1e3s', '٣s', '99999999d'])(
  '%j is no duration, and the message names the flag',
  (text) => {
    expect(() => parseDuration(text, '--timeout')).toThrow(UsageFault);
    expect(() => parseDuration(text, '--timeout')).toThrow('--timeout');
  },
);

test('a number alone is told that it needs a unit', () => {
  expect(() => parseDuration('30', '--timeout')).toThrow(
    "'30' is no duration; it needs a unit: 30s or 30m",
  );
});

test.each([
  [0, '0ms'],
  [999, '999ms'],
  [1000, '1s'],
  [3249, '3.2s'],
  [59_949, '59.9s'],
  [59_999, '1m'],
  [310_000, '5m 10s'],
  [3_599_999, '1h'],
  [3_900_000, '1h 5m'],
  [183_600_000, '2d 3h'],
  [-5, '0ms'],
])('%d ms are shown as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
