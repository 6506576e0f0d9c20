/** Tests of sizes, shares and durations for people. */
import { expect, test } from 'vitest';
import { readDuration } from './duration.ts';
import { bytesText, percentText } from './units.ts';

test('sizes have three digits and a binary unit', () => {
  expect([0, 512, 1536, 25_232_932_864n, 108_000_000_000].map(bytesText)).toEqual([
    '0 B',
    '512 B',
    '1.5 KiB',
    '23.5 GiB',
    '101 GiB',
  ]);
});

test('a share that is not known is a dash', () => {
  expect([percentText(0.426), percentText(null)]).toEqual(['43 %', '–']);
});

test('durations are read as people type them, and nothing else is', () => {
  expect(['90s', '10m', '1h30m', '1 h 30 m', '2d', '1.5h'].map(readDuration)).toEqual([
    90_000, 600_000, 5_400_000, 5_400_000, 172_800_000, 5_400_000,
  ]);
  expect(['', '10', '10x', 'm', '-5m', 'soon'].map(readDuration)).toEqual(
    Array.from({ length: 6 }, () => null),
  );
});
