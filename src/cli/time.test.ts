// Points in time as people write and read them.
import { expect, test } from 'vitest';
import { UsageFault } from './fault.ts';
import { formatAge, formatSpan, formatTime, parseTime } from './time.ts';

const NOW = Date.UTC(2026, 10, 23, 12, 0, 0);

test('a distance leads into the past or the future', () => {
  expect(parseTime('30m', '--since', 'past', NOW)).toBe(NOW - 1_800_000);
  expect(parseTime('1h30m', '--start-at', 'future', NOW)).toBe(NOW + 5_400_000);
});

test('an ISO time with an offset is exact', () => {
  expect(parseTime('2026-11-23T10:00:00Z', '--since', 'past', NOW)).toBe(NOW - 7_200_000);
  expect(parseTime('2026-11-23T10:00+02:00', '--since', 'past', NOW)).toBe(NOW - 14_400_000);
});

test('a date, and a time without an offset, are local', () => {
  const midnight = new Date(2026, 10, 23).getTime();
  expect(parseTime('2026-11-23', '--since', 'past', NOW)).toBe(midnight);
  expect(parseTime('2026-11-23 01:00', '--since', 'past', NOW)).toBe(midnight + 3_600_000);
});

test.each(['yesterday', '', '2026-13-40', '10:00', '-5m', '5'])('%j is no time', (text) => {
  expect(() => parseTime(text, '--since', 'past', NOW)).toThrow(UsageFault);
});

test.each([
  [0, 'now'],
  [3000, '3s ago'],
  [61_000, '1m ago'],
  [7_200_000, '2h ago'],
  [90_000_000, '1d ago'],
  [-5000, 'in 5s'],
])('%d ms before now is %s', (distance, text) => {
  expect(formatAge(NOW - distance, NOW)).toBe(text);
});

test('a time is shown in local time with its offset, and read back as the same', () => {
  const text = formatTime(NOW + 123);
  expect(text).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.123 [+-]\d\d:\d\d$/);
  expect(Date.parse(text.replace(' ', 'T').replace(' ', ''))).toBe(NOW + 123);
});

test('a span without an end is empty', () => {
  expect(formatSpan(NOW, undefined)).toBe('');
  expect(formatSpan(NOW, NOW + 1500)).toBe('1.5s');
});
