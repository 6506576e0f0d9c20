// The calendar, with the days on which clocks change in six zones.
import { describe, expect, it } from 'vitest';
import type { Timing } from '../../../machines/schedule-context.ts';
import { checkTiming, listDue, nextDue } from './calendar.ts';

const NO_BOUNDS = { startAt: null, endAt: null };
const cron = (expression: string, timeZone = 'UTC'): Timing => ({
  kind: 'cron',
  expression,
  timeZone,
});
const at = (text: string) => Date.parse(text);

function due(
  timing: Timing,
  after: string,
  count = 3,
  bounds = NO_BOUNDS as { startAt: number | null; endAt: number | null },
) {
  return listDue(timing, bounds, 0, at(after), count).map((ms) =>
    new Date(ms).toISOString().replace(':00.000Z', 'Z'),
  );
}

describe('cron', () => {
  it.each([
    [
      'Europe/Berlin, the gap',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      ['2026-03-29T01:00Z', '2026-03-30T00:30Z', '2026-03-31T00:30Z'],
    ],
    [
      'Europe/Berlin, twice',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00Z',
      ['2026-10-25T00:30Z', '2026-10-26T01:30Z', '2026-10-27T01:30Z'],
    ],
    [
      'Europe/Berlin, several in the gap',
      '15,45 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      ['2026-03-29T01:00Z', '2026-03-30T00:15Z', '2026-03-30T00:45Z'],
    ],
    [
      'Europe/Berlin, several twice',
      '15,45 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00Z',
      ['2026-10-25T00:15Z', '2026-10-25T00:45Z', '2026-10-26T01:15Z'],
    ],
    [
      'Europe/Berlin, in the gap and right after it',
      '0 2,3 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      ['2026-03-29T01:00Z', '2026-03-30T00:00Z', '2026-03-30T01:00Z'],
    ],
    [
      'America/New_York, the gap',
      '30 2 * * *',
      'America/New_York',
      '2026-03-07T12:00Z',
      ['2026-03-08T07:00Z', '2026-03-09T06:30Z', '2026-03-10T06:30Z'],
    ],
    [
      'America/New_York, twice',
      '30 1 * * *',
      'America/New_York',
      '2026-10-31T12:00Z',
      ['2026-11-01T05:30Z', '2026-11-02T06:30Z', '2026-11-03T06:30Z'],
    ],
    [
      'Australia/Lord_Howe, half an hour missing',
      '15 2 * * *',
      'Australia/Lord_Howe',
      '2026-10-03T00:00Z',
      ['2026-10-03T15:30Z', '2026-10-04T15:15Z', '2026-10-05T15:15Z'],
    ],
    [
      'Australia/Lord_Howe, half an hour twice',
      '45 1 * * *',
      'Australia/Lord_Howe',
      '2026-04-04T00:00Z',
      ['2026-04-04T14:45Z', '2026-04-05T15:15Z', '2026-04-06T15:15Z'],
    ],
    [
      'America/Sao_Paulo, no summer time',
      '@daily',
      'America/Sao_Paulo',
      '2026-03-28T12:00Z',
      ['2026-03-29T03:00Z', '2026-03-30T03:00Z', '2026-03-31T03:00Z'],
    ],
    [
      'Asia/Kolkata, half an hour off',
      '0 12 * * *',
      'Asia/Kolkata',
      '2026-03-28T12:00Z',
      ['2026-03-29T06:30Z', '2026-03-30T06:30Z', '2026-03-31T06:30Z'],
    ],
    [
      'Pacific/Auckland, the gap',
      '30 2 * * *',
      'Pacific/Auckland',
      '2026-09-26T00:00Z',
      ['2026-09-26T14:00Z', '2026-09-27T13:30Z', '2026-09-28T13:30Z'],
    ],
    [
      'names of days',
      '0 0 * * MON',
      'UTC',
      '2026-03-28T12:00Z',
      ['2026-03-30T00:00Z', '2026-04-06T00:00Z', '2026-04-13T00:00Z'],
    ],
    [
      'the end of short months',
      '0 0 31 * *',
      'UTC',
      '2026-03-31T00:00Z',
      ['2026-05-31T00:00Z', '2026-07-31T00:00Z', '2026-08-31T00:00Z'],
    ],
  ])('%s', (_, expression, timeZone, after, times) => {
    expect(due(cron(expression, timeZone), after)).toEqual(times);
  });

  it('every half hour goes on through both changes of the clock', () => {
    for (const day of ['2026-03-29', '2026-10-25']) {
      const times = listDue(
        cron('*/30 * * * *', 'Europe/Berlin'),
        NO_BOUNDS,
        0,
        at(`${day}T00:00Z`),
        12,
      );
      const steps = new Set(times.slice(1).map((time, index) => time - (times[index] as number)));
      expect([...steps]).toEqual([1_800_000]);
    }
  });

  it('takes seconds as a sixth field', () => {
    expect(listDue(cron('*/20 * * * * *'), NO_BOUNDS, 0, 0, 3)).toEqual([20_000, 40_000, 60_000]);
  });

  it('that is never due has no next time', () => {
    expect(nextDue(cron('0 0 31 2 *'), NO_BOUNDS, 0, 0)).toBeNull();
  });

  it.each([
    [cron('61 * * * *'), 'Invalid value for minute: 61'],
    [cron('* * *'), 'Cannot read the cron expression "* * *"'],
    [cron(''), 'Cannot read the cron expression ""'],
    [cron('0 0 * * *', 'Mars/Base'), 'Cannot use the time zone "Mars/Base"'],
  ])('%j is refused', (timing, sentence) => {
    expect(() => checkTiming(timing)).toThrow(sentence);
  });
});

describe('every and once', () => {
  it('counts from the start, or from the creation', () => {
    const every = { kind: 'every', everyMs: 1_000 } as const;
    expect(listDue(every, NO_BOUNDS, 500, 500, 2)).toEqual([1_500, 2_500]);
    expect(listDue(every, NO_BOUNDS, 500, 2_499, 2)).toEqual([2_500, 3_500]);
    expect(listDue(every, NO_BOUNDS, 500, 2_500, 1)).toEqual([3_500]);
    expect(listDue(every, { startAt: 10_000, endAt: null }, 500, 500, 1)).toEqual([11_000]);
  });

  it('is due once', () => {
    expect(listDue({ kind: 'once', at: 7 }, NO_BOUNDS, 0, 0, 3)).toEqual([7]);
    expect(nextDue({ kind: 'once', at: 7 }, NO_BOUNDS, 0, 7)).toBeNull();
  });
});

it('keeps within its bounds, both included', () => {
  const bounds = { startAt: at('2026-03-30T00:00Z'), endAt: at('2026-04-01T00:00Z') };
  expect(due(cron('@daily'), '2026-01-01T00:00Z', 9, bounds)).toEqual([
    '2026-03-30T00:00Z',
    '2026-03-31T00:00Z',
    '2026-04-01T00:00Z',
  ]);
});
