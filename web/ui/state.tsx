/** States of tasks as icon, word and colour: each is told apart without the colour. */
import type { Task } from '../../proto/gen/muster/v1/task_pb.ts';
import { TaskState } from '../../proto/gen/muster/v1/task_pb.ts';

export type StateName = 'pending' | 'running' | 'completed' | 'failed' | 'timeout' | 'cancelled';

const LOOKS: Readonly<Record<StateName, { readonly icon: string; readonly color: string }>> = {
  pending: { icon: '○', color: 'text-soft' },
  running: { icon: '◐', color: 'text-live' },
  completed: { icon: '✓', color: 'text-good' },
  failed: { icon: '✕', color: 'text-bad' },
  timeout: { icon: '◷', color: 'text-bad' },
  cancelled: { icon: '⊘', color: 'text-warn' },
};

export const STATES = Object.keys(LOOKS) as readonly StateName[];

/** For example running, of a task that is running.executing. */
export function stateNameOf(state: TaskState): StateName {
  const [name = 'PENDING'] = Object.entries(TaskState).find(([, value]) => value === state) ?? [];
  return (STATES.find((known) => known === name.toLowerCase()) ?? 'pending') as StateName;
}

/** The dotted path, as the machine has it. */
export function pathOf({ state, substate }: Pick<Task, 'state' | 'substate'>): string {
  const name = stateNameOf(state);
  return substate === '' ? name : `${name}.${substate}`;
}

export function isFinal({ state }: Pick<Task, 'state'>): boolean {
  return state >= TaskState.COMPLETED;
}

/** A state by its dotted path. */
export function StateBadge({ path }: { readonly path: string }) {
  const [name = 'pending', inner = ''] = path.split('.');
  const { icon, color } = LOOKS[name as StateName] ?? LOOKS.pending;
  return (
    <span className={`inline-flex items-center gap-1.5 whitespace-nowrap ${color}`}>
      <span aria-hidden className="w-4 text-center">
        {icon}
      </span>
      <span>
        {name}
        {inner === '' ? null : <span> · {inner}</span>}
      </span>
    </span>
  );
}
