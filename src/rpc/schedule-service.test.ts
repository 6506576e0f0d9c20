// ScheduleService in memory: what reaches the supervisor, what comes back, and what is refused.
import type { MessageInitShape } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { beforeEach, expect, it } from 'vitest';
import { openInMemory, TOKENS } from '../http/testing/transports.ts';
import {
  Missed,
  Overlap,
  ScheduleState,
  type ScheduleSpecSchema,
} from '../../proto/gen/muster/v1/schedule_pb.ts';
import { ScheduleService } from '../../proto/gen/muster/v1/schedule_service_pb.ts';
import { StartMode } from '../../proto/gen/muster/v1/task_pb.ts';
import { StubSupervisor } from './testing/stub-supervisor.ts';

type Spec = MessageInitShape<typeof ScheduleSpecSchema>;

let stub: StubSupervisor;
let schedules: ReturnType<typeof connect>;

const connect = () => createClient(ScheduleService, openInMemory(stub, TOKENS.user));

beforeEach(() => {
  stub = new StubSupervisor();
  schedules = connect();
});

const task = {
  target: { kind: { case: 'any', value: {} } },
  action: { case: 'script', value: { program: { case: 'body', value: 'true' } } },
} as const;

const spec = (more: Spec = {}) =>
  ({
    name: 'nightly',
    timing: { kind: { case: 'cron', value: '0 2 * * *' } },
    task,
    ...more,
  }) as Spec;

it('creates a schedule with its defaults filled in', async () => {
  const { schedule } = await schedules.createSchedule({ spec: spec() });
  expect(schedule).toMatchObject({
    state: ScheduleState.ACTIVE,
    version: 1,
    spec: { name: 'nightly' },
  });
  const [call] = stub.calls;
  expect(call?.args[0]).toMatchObject({
    name: 'nightly',
    timing: { kind: 'cron', expression: '0 2 * * *', timeZone: 'UTC' },
    startAt: null,
    endAt: null,
    jitterMs: 0,
    overlap: 'forbid',
    missed: 'latest',
    missedWindowMs: 3_600_000,
    task: { type: 'script', target: { kind: 'any' } },
  });
});

it('passes on what was asked for', async () => {
  await schedules.createSchedule({
    spec: spec({
      timing: {
        kind: { case: 'every', value: { seconds: 90n } },
        startAt: { seconds: 5n },
        endAt: { seconds: 9n },
      },
      jitter: { seconds: 3n },
      overlap: Overlap.QUEUE,
      missed: Missed.ALL,
      missedWindow: { seconds: 60n },
    }),
  });
  expect(stub.calls[0]?.args[0]).toMatchObject({
    timing: { kind: 'every', everyMs: 90_000 },
    startAt: 5_000,
    endAt: 9_000,
    jitterMs: 3_000,
    overlap: 'queue',
    missed: 'all',
    missedWindowMs: 60_000,
  });
});

it('changes the parts that are given and keeps the others', async () => {
  await schedules.createSchedule({
    spec: spec({ overlap: Overlap.QUEUE, jitter: { seconds: 3n } }),
  });
  stub.scheduleSpec = (stub.calls[0]?.args[0] as { spec: unknown } | undefined)?.spec;
  const { schedule } = await schedules.updateSchedule({
    key: 'nightly',
    expectedVersion: 4,
    timing: { kind: { case: 'every', value: { seconds: 90n } } },
    missed: Missed.SKIP,
  });
  expect(schedule?.spec).toMatchObject({ overlap: Overlap.QUEUE, missed: Missed.SKIP });
  const [key, version, draft] = stub.calls[1]?.args ?? [];
  expect([key, version]).toEqual(['nightly', 4]);
  expect(draft).toMatchObject({
    name: 'nightly',
    timing: { kind: 'every', everyMs: 90_000 },
    jitterMs: 3_000,
    overlap: 'queue',
    missed: 'skip',
    task: { type: 'script', target: { kind: 'any' } },
  });
  await schedules.updateSchedule({
    key: 'nightly',
    task: { ...task, target: { kind: { case: 'nodeId', value: 'web-1' } } },
  });
  expect(stub.calls[2]?.args[1]).toBeNull();
  expect(stub.calls[2]?.args[2]).toMatchObject({
    timing: { kind: 'cron' },
    task: { target: { kind: 'node', nodeId: 'web-1' } },
  });
  const empty = schedules.updateSchedule({ key: 'nightly' });
  await expect(empty).rejects.toThrow('Cannot update the schedule: what is to change is missing');
});

it('lists in pages by name, and passes commands on', async () => {
  const first = await schedules.listSchedules({ pageSize: 2 });
  expect(first.schedules).toHaveLength(2);
  const second = await schedules.listSchedules({ pageSize: 2, pageToken: first.nextPageToken });
  expect(second).toMatchObject({ schedules: [{ state: ScheduleState.ACTIVE }], nextPageToken: '' });
  await schedules.pauseSchedule({ key: 'nightly', note: 'freeze' });
  await schedules.resumeSchedule({ key: 'nightly' });
  const { fire } = await schedules.triggerSchedule({ key: 'nightly' });
  expect(fire?.manual).toBe(true);
  await schedules.deleteSchedule({ key: 'nightly' });
  const { fires } = await schedules.listFires({ key: 'nightly', pageSize: 3 });
  expect(fires).toMatchObject([{ taskId: '', why: 'missed' }]);
  const proof = await schedules.verifySchedule({ key: 'nightly' });
  expect(proof).toMatchObject({ clean: true, fromVersion: 7 });
  const user = { name: 'user' };
  expect(stub.calls.slice(2).map(({ name, args }) => [name, ...args])).toEqual([
    ['pauseSchedule', 'nightly', 'freeze', user],
    ['resumeSchedule', 'nightly', user],
    ['triggerSchedule', 'nightly', user],
    ['deleteSchedule', 'nightly'],
    ['listFires', 'nightly', 3, null],
    ['verifySchedule', 'nightly'],
  ]);
});

it('previews a timing', async () => {
  const timing = { kind: { case: 'cron', value: '@daily' }, timeZone: 'Europe/Berlin' } as const;
  expect((await schedules.previewSchedule({ timing, count: 2 })).dueAt).toHaveLength(2);
  expect(stub.calls[0]?.args).toEqual([
    { kind: 'cron', expression: '@daily', timeZone: 'Europe/Berlin' },
    null,
    null,
    2,
  ]);
});

it.each<[string, Spec, string]>([
  ['no name', { name: '' }, 'spec.name'],
  ['a name with a space', { name: 'a b' }, 'spec.name is "a b"'],
  ['no timing', { timing: {} }, 'spec.timing'],
  [
    'a time zone for an interval',
    { timing: { kind: { case: 'every', value: { seconds: 9n } }, timeZone: 'UTC' } },
    'time_zone goes with cron only',
  ],
  [
    'an interval of nothing',
    { timing: { kind: { case: 'every', value: {} } } },
    'spec.timing.every',
  ],
  [
    'a held task',
    { task: { ...task, start: StartMode.MANUAL } },
    'do not go with a schedule, which says when',
  ],
  ['a task without a target', { task: { action: task.action } }, 'spec.task.target is missing'],
  [
    'a jitter that is longer than the interval',
    { timing: { kind: { case: 'every', value: { seconds: 3600n } } }, jitter: { seconds: 7200n } },
    'spec.jitter is 2h; it must be at most as long as the interval, 1h',
  ],
  ['a jitter of a week', { jitter: { seconds: 604_800n } }, 'spec.jitter'],
])('refuses %s, and the supervisor never hears of it', async (_, more, sentence) => {
  await expect(schedules.createSchedule({ spec: spec(more) })).rejects.toThrow(sentence);
  expect(stub.calls).toEqual([]);
});

it('refuses a caller without the token of users (I11)', async () => {
  const agents = createClient(ScheduleService, openInMemory(stub, TOKENS.agent));
  await expect(agents.listSchedules({})).rejects.toThrow();
  expect(stub.calls).toEqual([]);
});

it('returns a history in pages, oldest first', async () => {
  stub.scheduleSteps = [4, 5, 6].map((version) => ({
    version,
    event: { type: 'resume.requested', at: version, by: 'ann', nextAt: null },
    fromPath: 'paused',
    toPath: 'active',
    at: version,
    supervisorId: 's-1',
  }));
  const first = await schedules.getScheduleHistory({ key: 'nightly', pageSize: 2 });
  expect(first).toMatchObject({
    transitions: [
      { version: 4, eventType: 'resume.requested', event: { by: 'ann' }, fromState: 'paused' },
      { version: 5, toState: 'active', supervisorId: 's-1' },
    ],
    hasMore: true,
  });
  const second = await schedules.getScheduleHistory({ key: 'nightly', afterVersion: 5 });
  expect(second).toMatchObject({ transitions: [{ version: 6 }], hasMore: false });
});
