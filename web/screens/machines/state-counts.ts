/** How many of what a machine describes are in each of its states. Pure. */
import type { Node } from '../../../proto/gen/muster/v1/node_pb.ts';
import { NodeState } from '../../../proto/gen/muster/v1/node_pb.ts';
import type { Schedule } from '../../../proto/gen/muster/v1/schedule_pb.ts';
import type { StateCount } from '../../../proto/gen/muster/v1/statistics_pb.ts';
import type { Task } from '../../../proto/gen/muster/v1/task_pb.ts';
import type { Worker } from '../../../proto/gen/muster/v1/worker_pb.ts';
import { pathOf } from '../../ui/state.tsx';
import { nodePathOf } from '../nodes/health.ts';
import { workerPathOf } from '../nodes/worker-state.ts';
import { schedulePathOf } from '../schedules/schedule-words.ts';

/** By path; a state in which nothing is has no entry. */
export type Counts = ReadonlyMap<string, number>;

export interface Sources {
  /** Of all tasks, fan-outs among them; null before they are known. */
  readonly byState: readonly Pick<StateCount, 'state' | 'substate' | 'count'>[] | null;
  /** The fan-outs that are not final. */
  readonly fanOuts: readonly Pick<Task, 'state' | 'substate'>[] | null;
  readonly nodes: Iterable<Node> | null;
  readonly schedules: Iterable<Schedule> | null;
  /** Null also where there are too many to be read. */
  readonly workers: readonly Worker[] | null;
}

/** Returns what is known of a machine; null where nothing is. */
export function countsOf(machine: string, sources: Sources): Counts | null {
  const { byState, fanOuts, nodes, schedules, workers } = sources;
  switch (machine) {
    case 'task':
      return byState === null ? null : taskCounts(byState, fanOuts ?? []);
    case 'fan_out':
      return fanOuts === null ? null : tally(fanOuts, pathOf);
    case 'schedule':
      return schedules === null ? null : tally(schedules, schedulePathOf);
    case 'node':
      return nodes === null ? null : tally(nodes, nodePathOf);
    case 'session':
      // Of a node without a session it is not known what its agent does about it.
      return nodes === null
        ? null
        : tally(nodes, ({ state }) => (state === NodeState.ONLINE ? 'online' : undefined));
    case 'worker':
      return workers === null ? null : tally(workers, workerPathOf);
    default:
      return null;
  }
}

/** Tells whether somebody knows how many are in a state: 0 is not the same as unknown. */
export function isCounted(machine: string, path: string): boolean {
  if (machine === 'session') return path === 'online';
  // Statistics tell final fan-outs and final tasks apart by no state.
  return machine !== 'fan_out' || path.includes('.');
}

/** Fan-outs are tasks of another machine: those at work are taken out. */
function taskCounts(
  byState: NonNullable<Sources['byState']>,
  fanOuts: NonNullable<Sources['fanOuts']>,
): Counts {
  const counts = new Map<string, number>();
  for (const row of byState) {
    const path = pathOf(row);
    counts.set(path, (counts.get(path) ?? 0) + Number(row.count));
  }
  for (const [path, count] of tally(fanOuts, pathOf)) {
    const left = (counts.get(path) ?? 0) - count;
    if (left > 0) counts.set(path, left);
    else counts.delete(path);
  }
  return counts;
}

function tally<Item>(
  items: Iterable<Item>,
  pathOfItem: (item: Item) => string | undefined,
): Counts {
  const counts = new Map<string, number>();
  for (const item of items) {
    const path = pathOfItem(item);
    if (path !== undefined) counts.set(path, (counts.get(path) ?? 0) + 1);
  }
  return counts;
}

export interface Place {
  readonly to: '/tasks' | '/nodes' | '/schedules';
  readonly search: Readonly<Record<string, string>>;
  /** For the link, for example: tasks that are running. */
  readonly label: string;
}

/** Returns where those in a state are listed; null where nothing lists them. */
export function placeOf(machine: string, path: string): Place | null {
  const [top = path] = path.split('.');
  switch (machine) {
    case 'task':
      return { to: '/tasks', search: { state: top }, label: `tasks that are ${top}` };
    case 'fan_out':
      return {
        to: '/tasks',
        search: { type: 'fan_out', state: top },
        label: `fan-outs that are ${top}`,
      };
    case 'schedule':
      return { to: '/schedules', search: { state: path }, label: `schedules that are ${path}` };
    case 'node':
      return path === 'active'
        ? { to: '/nodes', search: {}, label: 'all nodes' }
        : { to: '/nodes', search: { state: path }, label: `nodes that are ${path}` };
    case 'session':
      return path === 'online'
        ? { to: '/nodes', search: { state: path }, label: 'nodes that are online' }
        : null;
    default:
      return null;
  }
}
