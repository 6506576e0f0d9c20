/** Tests of schedules in words. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { ScheduleSchema, TimingSchema } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import { ServiceOperation } from '../../../proto/gen/muster/v1/service_action_pb.ts';
import {
  Interpreter,
  OfflinePolicy,
  TaskPolicySchema,
  TaskSpecSchema,
} from '../../../proto/gen/muster/v1/task_pb.ts';
import { cronText } from './cron-words.ts';
import { anchoredTiming, roundText, timeIn, whenWords } from './schedule-words.ts';
import { actionWords, commandText, policyRows, targetText } from './task-words.ts';

test('interpreters, operations and rules are said by their names', () => {
  const action = (spec: NonNullable<MessageInitShape<typeof TaskSpecSchema>['action']>) =>
    actionWords(create(TaskSpecSchema, { action: spec }));
  const program = { case: 'body', value: 'ls' } as const;
  expect(action({ case: 'script', value: { program } }).kind).toBe('script for sh');
  const { BASH } = Interpreter;
  expect(action({ case: 'script', value: { program, interpreter: BASH } }).kind).toBe(
    'script for bash',
  );
  const value = { unit: 'nginx', operation: ServiceOperation.RESTART };
  expect(action({ case: 'service', value }).text).toBe('restart nginx');
  const policy = create(TaskPolicySchema, { offline: OfflinePolicy.SKIP });
  expect(policyRows(policy)).toEqual([['While offline', 'skip']]);
});

test.each([
  ['30 4 * * *', 'every day at 04:30'],
  ['0 30 4 * * *', 'every day at 04:30'],
  ['0 9 * * MON', 'Mondays at 09:00'],
  ['0 9 * * 0,6', 'Sundays, Saturdays at 09:00'],
  ['0 9 * * 7', 'Sundays at 09:00'],
  ['0 9 * * mon-fri', 'Monday to Friday at 09:00'],
  ['0 0 1 * *', 'on day 1 of every month at 00:00'],
  ['*/15 * * * *', 'every 15 minutes'],
  ['5 * * * *', 'every hour at :05'],
  ['0 */6 * * *', 'every 6 hours at :00'],
  ['* * * * *', 'every minute'],
  ['@daily', 'every day at 00:00'],
])('the cron %s is %s', (expression, words) => {
  expect(cronText(expression)).toBe(words);
});

test.each([
  '*/7 * * * *',
  '0 */5 * * *',
  '0 9 1 * MON',
  '0 9 * 3 *',
  '0 9-17 * * *',
  '15 30 4 * * *',
  '0 9 L * *',
  '0 9 * * MON#2',
  'nonsense',
])('the cron %s is shown as it is', (expression) => {
  expect(cronText(expression)).toBeNull();
});

test('a timing says its zone, and what was written', () => {
  const when = (init: MessageInitShape<typeof TimingSchema>) =>
    whenWords(create(TimingSchema, init));
  expect(when({ kind: { case: 'cron', value: '30 4 * * *' }, timeZone: 'Europe/Berlin' })).toEqual({
    words: 'every day at 04:30',
    detail: '30 4 * * * · Europe/Berlin',
  });
  expect(when({ kind: { case: 'cron', value: '*/7 * * * *' } })).toEqual({
    words: '*/7 * * * *',
    detail: 'UTC',
  });
  expect(when({ kind: { case: 'every', value: durationFromMs(5_400_000) } }).words).toBe(
    'every 1 h 30 min',
  );
});

test('durations leave out what is zero', () => {
  expect([5_000, 20_000, 600_000, 3_600_000, 90_000].map(roundText)).toEqual([
    '5 s',
    '20 s',
    '10 min',
    '1 h',
    '1 min 30 s',
  ]);
});

test('a time is told in its zone; in UTC where the zone is not known', () => {
  const at = Date.parse('2026-11-30T14:00:00Z');
  expect(timeIn(at, 'America/New_York')).toBe('Mon 2026-11-30 09:00:00');
  expect(timeIn(at, 'Nowhere/Else')).toBe('Mon 2026-11-30 14:00:00');
});

test('intervals to come are counted from the fire that is next, else from the creation', () => {
  const schedule = (nextAt?: number) =>
    create(ScheduleSchema, {
      spec: { timing: { kind: { case: 'every', value: durationFromMs(4_000) } } },
      createdAt: timestampFromMs(1_000),
      ...(nextAt === undefined ? {} : { nextAt: timestampFromMs(nextAt) }),
    });
  const start = (nextAt?: number) => {
    const at = anchoredTiming(schedule(nextAt))?.startAt;
    return at === undefined ? null : timestampMs(at);
  };
  expect([start(9_000), start()]).toEqual([5_000, 1_000]);
});

test('the task is said in words', () => {
  const spec = create(TaskSpecSchema, {
    target: { kind: { case: 'selection', value: { selector: 'role=web', exclude: ['web-3'] } } },
    fanOut: { maxParallel: '10%' },
    action: {
      case: 'script',
      value: { program: { case: 'argv', value: { words: ['sh', '-c', "echo 'a b'"] } } },
    },
  });
  expect(targetText(spec)).toBe('on each of role=web without web-3, 10% at once');
  expect(actionWords(spec)).toEqual({
    kind: 'command',
    text: `sh -c 'echo '\\''a b'\\'''`,
  });
  expect(commandText(['uname', '-a'])).toBe('uname -a');
});
