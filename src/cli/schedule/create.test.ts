// How the times of `muster schedule preview` are shown.
import { expect, test } from 'vitest';
import { showTime } from './create.ts';

test.each([
  ['2027-10-31T00:30:00Z', 'Europe/Berlin', 'Sun 2027-10-31 02:30:00 +02:00 Europe/Berlin'],
  // The clocks were put back: the same time of the day, an hour later.
  ['2027-10-31T01:30:00Z', 'Europe/Berlin', 'Sun 2027-10-31 02:30:00 +01:00 Europe/Berlin'],
  ['2026-11-29T12:00:00Z', 'Asia/Kathmandu', 'Sun 2026-11-29 17:45:00 +05:45 Asia/Kathmandu'],
  ['2026-11-29T12:00:00Z', 'UTC', 'Sun 2026-11-29 12:00:00 +00:00 UTC'],
])('%s in %s is %s', (at, zone, shown) => {
  expect(showTime(new Date(at), zone)).toBe(shown);
});
