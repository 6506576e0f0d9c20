/** What became of a child, in the words of the map. Pure. */
import type { Task } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { stateNameOf } from '../../../ui/state.tsx';

/** In the order of the table: what wants to be looked at comes first. */
export const CHILD_STATES = [
  'failed',
  'timeout',
  'running',
  'cancelled',
  'skipped',
  'pending',
  'held',
  'completed',
] as const;

export type ChildState = (typeof CHILD_STATES)[number];

export interface Child {
  readonly id: string;
  readonly nodeId: string;
  readonly state: ChildState;
  readonly task: Task;
}

type Told = Pick<Task, 'state' | 'substate' | 'reason'>;

/** Skipped is what was passed over because its node was offline; held is what waits for its turn. */
export function childStateOf({ state, substate, reason }: Told): ChildState {
  const name = stateNameOf(state);
  if (name === 'cancelled' && reason === 'skipped') return 'skipped';
  if (name === 'pending' && substate === 'held') return 'held';
  return name;
}

export function childOf(task: Task): Child {
  return { id: task.id, nodeId: task.nodeId, state: childStateOf(task), task };
}

/** A child in words, as a cell of the map is read out. */
export function wordsOf({ nodeId, state, task }: Child): string {
  const { exitCode, signal, message } = task;
  const parts = [
    nodeId,
    state === 'running' || state === 'pending' ? `${state} ${task.substate}`.trim() : state,
    exitCode === undefined ? '' : `exit code ${exitCode}`,
    signal,
    message,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** Counts children by their states; those that there are none of are left out. */
export function countsOf(children: readonly Child[]): ReadonlyMap<ChildState, number> {
  const counts = new Map<ChildState, number>();
  for (const { state } of children) counts.set(state, (counts.get(state) ?? 0) + 1);
  return new Map(
    CHILD_STATES.flatMap((state) => {
      const count = counts.get(state);
      return count === undefined ? [] : [[state, count] as const];
    }),
  );
}

/** The children of a table: failed ones first, otherwise in the order in which they start. */
export function inOrder(children: readonly Child[]): readonly Child[] {
  const rank = new Map(CHILD_STATES.map((state, at) => [state, at]));
  return children.toSorted(
    (a, b) =>
      (rank.get(a.state) ?? 0) - (rank.get(b.state) ?? 0) ||
      (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
  );
}
