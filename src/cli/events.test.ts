// `muster events` as a process against a supervisor that may go away.
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ActorKind, type SubscribeRequest } from '../../proto/gen/muster/v1/live_service_pb.ts';
import { TaskType } from '../../proto/gen/muster/v1/task_pb.ts';
import { muster, startMuster } from './testing/command.ts';
import type { CommandResult } from './testing/command.ts';
import { makeTask, ScriptedSupervisor } from './testing/scripted-supervisor.ts';

const STREAM = '0198c5f2-7b1a-4000-8000-000000000001';
const TASK = makeTask({ id: 'a', name: 'deploy', nodeId: 'web-1', version: 3 });
const ROLL = makeTask({ id: 'b', name: 'roll', type: TaskType.FAN_OUT, nodeId: '' });

let supervisor: ScriptedSupervisor;
let subscribed: SubscribeRequest[];
/** What the stream brings once what follows is subscribed to, for each stream. */
let streams: (() => Iterable<object>)[];

const step = (version: number, atMs: number, eventType: string, toState: string) => ({
  version,
  eventType,
  fromState: version === 1 ? '' : 'active',
  toState,
  at: timestampFromMs(atMs),
});
const schedule = (version: number, atMs: number, eventType: string) => ({
  kind: ActorKind.SCHEDULE,
  key: 's',
  id: 's',
  name: 'nightly',
  transition: step(version, atMs, eventType, 'paused'),
});
const drained = {
  kind: ActorKind.NODE,
  key: 'web-1@5',
  id: 'web-1',
  name: 'web-1',
  transition: step(3, 4_000, 'tasks.counted', 'drained'),
};
const beginning = (...transitions: object[]) => ({
  subscriptionId: 'actors',
  message: {
    case: 'actors',
    value: {
      transitions,
      versions: [
        { key: 's', version: 1 },
        { key: 'quiet', version: 9 },
      ],
    },
  },
});
const moved = (...transitions: object[]) => ({
  subscriptionId: 'actors',
  message: { case: 'actors', value: { transitions } },
});
const taskStep = (version: number, atMs: number) => ({
  subscriptionId: 'tasks',
  message: {
    case: 'task',
    value: { task: TASK, transition: step(version, atMs, 'attempt.exited', 'completed') },
  },
});

beforeEach(async () => {
  subscribed = [];
  streams = [];
  supervisor = new ScriptedSupervisor();
  supervisor.add(TASK);
  supervisor.add(ROLL);
  supervisor.taskOverrides = {
    getTaskHistory: ({ id }) => ({
      transitions: [step(1, id === 'a' ? 1_000 : 5_000, 'task.created', 'pending.queued')],
    }),
  };
  supervisor.liveOverrides = {
    async *openStream() {
      const count = supervisor.calls.filter((call) => call === 'Subscribe').length;
      yield { message: { case: 'opened', value: { streamId: STREAM } } };
      await supervisor.called('Subscribe', count + 1);
      for (const message of streams.shift()?.() ?? []) yield message;
      await new Promise(() => undefined);
    },
    subscribe(request) {
      subscribed.push(request);
      return {};
    },
  };
  await supervisor.start();
});
afterEach(async () => {
  await supervisor.destroy();
});

function entries({ stdout }: CommandResult | { readonly stdout: Buffer }): string[] {
  const lines = stdout.toString().trimEnd().split('\n');
  return lines.map((line) => {
    const { kind, name, version } = JSON.parse(line) as Record<string, string>;
    return `${kind} ${name} ${version}`;
  });
}

test('shows the newest transitions of all kinds by time, and ends', async () => {
  streams = [() => [beginning(drained, schedule(1, 2_000, 'schedule.created'))]];
  const result = await muster(supervisor, ['events', '-o', 'jsonl']);
  expect(result).toMatchObject({ code: 0, stderr: '' });
  expect(entries(result)).toEqual([
    'task deploy 1',
    'schedule nightly 1',
    'node web-1 3',
    'fan-out roll 1',
  ]);
  expect(JSON.parse(result.stdout.toString().split('\n')[2] ?? '')).toEqual({
    at: '1970-01-01T00:00:04.000Z',
    kind: 'node',
    id: 'web-1',
    name: 'web-1',
    type: '',
    nodeId: 'web-1',
    version: 3,
    attempt: 0,
    event: 'tasks.counted',
    from: 'active',
    to: 'drained',
  });
});

test('shows them as a table, and one kind alone', async () => {
  streams = [() => [beginning(drained, schedule(1, 2_000, 'schedule.created'))]];
  const { stdout } = await muster(supervisor, ['events', '--kind', 'schedule']);
  const [titles, ...rows] = stdout.toString().trimEnd().split('\n');
  expect(titles).toMatch(/^TIME +KIND +NAME +EVENT +FROM +TO +NODE +VERSION$/);
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatch(/schedule +nightly +schedule\.created +→ +‖ paused +1$/);
  expect(supervisor.calls).not.toContain('ListTasks');
  const tasks = await muster(supervisor, ['events', '--kind', 'task', '-o', 'jsonl']);
  expect(entries(tasks)).toEqual(['task deploy 1']);
});

test('--follow goes on after a lost connection from what it has seen, and tells nothing twice', async () => {
  streams = [
    () => [beginning(schedule(1, 2_000, 'schedule.created')), taskStep(2, 6_000)],
    () => [taskStep(2, 6_000), moved(schedule(2, 7_000, 'pause.requested')), taskStep(3, 8_000)],
  ];
  const running = startMuster(supervisor, ['events', '--follow', '-o', 'jsonl']);
  await running.says('stdout', 'attempt.exited');
  await supervisor.destroy();
  await supervisor.start();
  await running.says('stdout', '"version":3');
  running.child.kill('SIGINT');
  const result = await running.result;
  expect(entries(result)).toEqual([
    'task deploy 1',
    'schedule nightly 1',
    'fan-out roll 1',
    'task deploy 2',
    'schedule nightly 2',
    'task deploy 3',
  ]);
  const topics = subscribed.map(({ topic }) => topic).slice(2);
  const tasks = topics.find((topic) => topic.case === 'tasks');
  expect(tasks?.value).toMatchObject({ seen: [{ id: 'a', version: 2 }] });
  const actors = topics.find((topic) => topic.case === 'actors');
  expect(actors?.value).toMatchObject({
    seen: {
      actors: [
        { key: 's', version: 1 },
        { key: 'quiet', version: 9 },
      ],
    },
  });
});

test('names the kinds that there are', async () => {
  const result = await muster(supervisor, ['events', '--kind', 'worker']);
  expect(result.stderr).toContain("--kind: 'worker' is none of task, fan-out, schedule, node");
  expect(result.code).not.toBe(0);
});
