/** What needs a person: made of what was read, worst first. Pure. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { DrainState, type Node, NodeState } from '../../../proto/gen/muster/v1/node_pb.ts';
import type { Fire, Schedule } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import { type Task, TaskState } from '../../../proto/gen/muster/v1/task_pb.ts';
import type { Worker } from '../../../proto/gen/muster/v1/worker_pb.ts';
import { durationText } from '../../ui/time.tsx';

export interface Concern {
  readonly key: string;
  readonly severity: 'bad' | 'warn';
  /** What kind of thing it is about, and which one. */
  readonly kind: 'task' | 'node' | 'schedule';
  /** Id of a task or node, name of a schedule. */
  readonly id: string;
  readonly name: string;
  /** What is the matter, in a few words that follow the name. */
  readonly what: string;
}

export interface Findings {
  /** The oldest pending tasks, as GetTask has them: with the reason why they wait. */
  readonly waiting: readonly Task[];
  readonly running: readonly Task[];
  readonly nodes: readonly Node[];
  /** Workers that have crashed. */
  readonly crashed: readonly Worker[];
  readonly schedules: readonly Schedule[];
  /** The last task of each schedule, by its id. */
  readonly lastTasks: ReadonlyMap<string, Task>;
  /** The last fire of schedules, by their ids. */
  readonly lastFires: ReadonlyMap<string, Fire>;
}

/** A stop that takes longer than this is worth a look; by default a process is killed after 10 s. */
const STOPPING_MS = 30_000;
/** All workers busy is nothing but work, until it lasts. */
const BUSY_MS = 300_000;

export function concernsOf(findings: Findings, nowMs: number): Concern[] {
  const all = [
    ...findings.nodes.flatMap((node) => concernOfNode(node, nowMs)),
    ...concernsOfCrashed(findings.crashed),
    ...findings.running.flatMap((task) => concernOfRunning(task, nowMs)),
    ...findings.waiting.flatMap((task) => concernOfWaiting(task, nowMs)),
    ...findings.schedules.flatMap((schedule) => concernOfSchedule(schedule, findings)),
  ];
  return all.sort((a, b) => Number(a.severity === 'warn') - Number(b.severity === 'warn'));
}

function concernOfWaiting({ id, name, substate, reason, message, createdAt }: Task, nowMs: number) {
  if (substate !== 'queued' || reason === '') return [];
  const ms = nowMs - (createdAt === undefined ? nowMs : timestampMs(createdAt));
  if (reason === 'workers_busy' && ms < BUSY_MS) return [];
  const why = message === '' ? reason.replaceAll('_', ' ') : message;
  const what = `nobody has taken it for ${durationText(ms)}: ${why}`;
  return [{ key: `task ${id}`, severity: 'warn', kind: 'task', id, name, what } as const];
}

function concernOfRunning(task: Task, nowMs: number): Concern[] {
  const { id, name, substate, nodeId, stopCause, updatedAt } = task;
  const ms = nowMs - (updatedAt === undefined ? nowMs : timestampMs(updatedAt));
  const base = { key: `task ${id}`, severity: 'bad', kind: 'task', id, name } as const;
  if (substate === 'unreachable') {
    return [{ ...base, what: `its node ${nodeId} has been silent for ${durationText(ms)}` }];
  }
  if (substate !== 'stopping' || ms < STOPPING_MS) return [];
  const cause = stopCause === 'timeout' ? 'timed out' : 'was asked to stop';
  return [{ ...base, what: `${cause} ${durationText(ms)} ago and still runs on ${nodeId}` }];
}

function concernOfNode({ id, state, active, drain, lastSeenAt }: Node, nowMs: number): Concern[] {
  const base = { key: `node ${id}`, kind: 'node', id, name: id } as const;
  const tasks = active === 0 ? '' : `, with ${active} ${active === 1 ? 'task' : 'tasks'} on it`;
  const seen = lastSeenAt === undefined ? null : durationText(nowMs - timestampMs(lastSeenAt));
  if (state === NodeState.UNREACHABLE) {
    const what = seen === null ? 'has never connected' : `silent for ${seen}${tasks}`;
    return [{ ...base, severity: 'bad', what }];
  }
  if (state === NodeState.OFFLINE) {
    return [{ ...base, severity: 'warn', what: `its agent left ${seen ?? 'long'} ago${tasks}` }];
  }
  if (drain === undefined) return [];
  const what =
    drain.state === DrainState.DRAINED
      ? 'is drained and takes no task until it is resumed'
      : `is being drained${tasks}`;
  return [{ ...base, severity: 'warn', what }];
}

/** One for each node, however many of its workers have crashed. */
function concernsOfCrashed(crashed: readonly Worker[]): Concern[] {
  return [...Map.groupBy(crashed, ({ nodeId }) => nodeId)].map(([id, workers]) => {
    const [one] = workers;
    const what =
      workers.length === 1 && one !== undefined
        ? `its worker ${one.name} has crashed${one.why === '' ? '' : `: ${one.why}`}`
        : `${workers.length} of its workers have crashed: ${workers.map(({ name }) => name).join(', ')}`;
    return { key: `crashed ${id}`, severity: 'bad', kind: 'node', id, name: id, what };
  });
}

function concernOfSchedule(schedule: Schedule, { lastTasks, lastFires }: Findings): Concern[] {
  const name = schedule.spec?.name ?? schedule.id;
  const base = { key: `schedule ${schedule.id}`, kind: 'schedule', id: name, name } as const;
  const state = lastTasks.get(schedule.lastTaskId)?.state;
  if (state === TaskState.FAILED || state === TaskState.TIMEOUT) {
    const how = state === TaskState.FAILED ? 'has failed' : 'has timed out';
    return [{ ...base, severity: 'bad', what: `its last task ${how}` }];
  }
  const fire = lastFires.get(schedule.id);
  if (fire === undefined || fire.taskId !== '' || fire.why === '') return [];
  return [{ ...base, severity: 'warn', what: `its last fire was skipped: ${fire.why}` }];
}
