// What needs attention, and what does not.
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { DrainState, NodeSchema, NodeState } from '../../../proto/gen/muster/v1/node_pb.ts';
import { FireSchema, ScheduleSchema } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import { TaskSchema, TaskState } from '../../../proto/gen/muster/v1/task_pb.ts';
import { WorkerSchema } from '../../../proto/gen/muster/v1/worker_pb.ts';
import { concernsOf, type Findings } from './attention.ts';

const NOW = Date.UTC(2026, 0, 31);
const ago = (ms: number) => timestampFromMs(NOW - ms);
const NOTHING: Findings = {
  waiting: [],
  running: [],
  nodes: [],
  crashed: [],
  schedules: [],
  lastTasks: new Map(),
  lastFires: new Map(),
};
const words = (findings: Partial<Findings>) =>
  concernsOf({ ...NOTHING, ...findings }, NOW).map(
    ({ severity, name, what }) => `${severity} ${name}: ${what}`,
  );

describe('what needs attention', () => {
  it('is a worker that has crashed, and several of one node together', () => {
    const crashed = [
      create(WorkerSchema, { nodeId: 'web-1', name: 'exporter', why: 'ended with exit code 3' }),
      create(WorkerSchema, { nodeId: 'db-1', name: 'slot-0' }),
      create(WorkerSchema, { nodeId: 'db-1', name: 'sync' }),
    ];
    expect(words({ crashed })).toEqual([
      'bad web-1: its worker exporter has crashed: ended with exit code 3',
      'bad db-1: 2 of its workers have crashed: slot-0, sync',
    ]);
  });

  it('is a task that nobody can take, but not one that waits for its turn', () => {
    const queued = { state: TaskState.PENDING, substate: 'queued', createdAt: ago(60_000) };
    const stuck = { reason: 'no_node', message: 'no node is connected' };
    const waiting = [
      create(TaskSchema, { ...queued, id: '1', name: 'a', ...stuck }),
      create(TaskSchema, { ...queued, id: '2', name: 'b', reason: 'workers_busy' }),
      create(TaskSchema, { ...queued, id: '3', name: 'c', substate: 'held' }),
      create(TaskSchema, {
        ...queued,
        id: '4',
        name: 'd',
        reason: 'workers_busy',
        createdAt: ago(600_000),
      }),
    ];
    expect(words({ waiting })).toEqual([
      'warn a: nobody has taken it for 1 min 0 s: no node is connected',
      'warn d: nobody has taken it for 10 min 0 s: workers busy',
    ]);
  });

  it('is a task that should have stopped, and one whose node is silent', () => {
    const base = { nodeId: 'web-1', updatedAt: ago(60_000) };
    const running = [
      create(TaskSchema, {
        ...base,
        id: '1',
        name: 'a',
        substate: 'stopping',
        stopCause: 'cancel',
      }),
      create(TaskSchema, { ...base, id: '2', name: 'b', substate: 'unreachable' }),
      create(TaskSchema, { ...base, id: '3', name: 'c', substate: 'executing' }),
      create(TaskSchema, {
        ...base,
        id: '4',
        name: 'd',
        substate: 'stopping',
        updatedAt: ago(900),
      }),
    ];
    expect(words({ running })).toEqual([
      'bad a: was asked to stop 1 min 0 s ago and still runs on web-1',
      'bad b: its node web-1 has been silent for 1 min 0 s',
    ]);
  });

  it('is a node that takes no task, the unreachable ones first', () => {
    const base = { lastSeenAt: ago(120_000) };
    const nodes = [
      create(NodeSchema, {
        ...base,
        id: 'c',
        state: NodeState.ONLINE,
        active: 2,
        drain: { state: DrainState.DRAINING },
      }),
      create(NodeSchema, { ...base, id: 'a', state: NodeState.ONLINE }),
      create(NodeSchema, { ...base, id: 'b', state: NodeState.UNREACHABLE, active: 1 }),
      create(NodeSchema, { ...base, id: 'd', state: NodeState.OFFLINE }),
    ];
    expect(words({ nodes })).toEqual([
      'bad b: silent for 2 min 0 s, with 1 task on it',
      'warn c: is being drained, with 2 tasks on it',
      'warn d: its agent left 2 min 0 s ago',
    ]);
  });

  it('is a schedule whose last task has failed or whose last fire was skipped', () => {
    const schedules = ['a', 'b', 'c'].map((name) =>
      create(ScheduleSchema, { id: name, spec: { name }, lastTaskId: `task of ${name}` }),
    );
    const lastTasks = new Map([
      ['task of a', create(TaskSchema, { state: TaskState.TIMEOUT })],
      ['task of b', create(TaskSchema, { state: TaskState.COMPLETED })],
    ]);
    const lastFires = new Map([
      ['b', create(FireSchema, { why: 'its former task still runs' })],
      ['c', create(FireSchema, { taskId: 'x' })],
    ]);
    expect(words({ schedules, lastTasks, lastFires })).toEqual([
      'bad a: its last task has timed out',
      'warn b: its last fire was skipped: its former task still runs',
    ]);
  });
});
