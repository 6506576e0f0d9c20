// The details of a schedule: when it fires, and all that it runs then.
import { create } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import {
  FireSchema,
  ScheduleSchema,
  ScheduleState,
} from '../../proto/gen/muster/v1/schedule_pb.ts';
import { fireRow, scheduleDetails, scheduleLine, scheduleRow } from './schedule-view.ts';
import { formatTime } from './time.ts';

const NOW_MS = Date.UTC(2026, 0, 1);

test('what was given to schedule create can be read again, the command and its nodes as well', () => {
  const schedule = create(ScheduleSchema, {
    id: '0198c5f2-7b1a-7000-8000-000000000001',
    state: ScheduleState.ACTIVE,
    version: 4,
    spec: {
      name: 'backup',
      timing: {
        kind: { case: 'cron', value: '0 5 * * *' },
        timeZone: 'Europe/Berlin',
        startAt: timestampFromMs(NOW_MS + 86_400_000),
      },
      jitter: durationFromMs(60_000),
      missedWindow: durationFromMs(7_200_000),
      task: {
        target: { kind: { case: 'selection', value: { selector: 'role=db' } } },
        fanOut: { maxParallel: '2' },
        policy: { timeout: durationFromMs(90_000), maxAttempts: 3 },
        labels: { app: 'shop' },
        action: {
          case: 'script',
          value: { program: { case: 'argv', value: { words: ['backup', '--to', 'a b'] } } },
        },
      },
    },
  });
  const shown = scheduleDetails(schedule, NOW_MS).filter(([, value]) => value !== '');
  expect(Object.fromEntries(shown)).toMatchObject({
    Name: 'backup',
    When: '0 5 * * * Europe/Berlin',
    From: expect.stringContaining('(in 1d)'),
    Jitter: '1m',
    'Missed window': '2h',
    'Runs on': '-l role=db',
    'At once': '2',
    Attempts: 'up to 3',
    Timeout: '1m 30s',
    Labels: 'app=shop',
    Command: "backup --to 'a b'",
    Version: '4',
  });
});

test('times are those of this place, as everywhere else', () => {
  const at = NOW_MS + 20 * 3_600_000;
  const nextAt = timestampFromMs(at);
  const timing = { kind: { case: 'at' as const, value: nextAt } };
  const schedule = create(ScheduleSchema, {
    state: ScheduleState.ACTIVE,
    spec: { name: 'backup', timing },
    nextAt,
  });
  const next = `${formatTime(at)} (in 20h)`;
  expect(scheduleLine(schedule, NOW_MS)).toBe(`backup  active  next ${next}`);
  const row = scheduleRow(schedule, NOW_MS);
  expect([row[2], row[3]]).toEqual([`at ${formatTime(at)}`, 'in 20h']);
  expect(fireRow(create(FireSchema, { dueAt: nextAt }))[0]).toBe(formatTime(at));
});
