/**
 * Between a machine's own snapshots and the stored ones: dotted paths, and a machine brought to rest in one of them.
 *
 * Used by the one door to each machine (decide.ts, fan-out-decide.ts).
 */
import type { AnyStateMachine, SnapshotFrom } from 'xstate';
import type { StoredSnapshot } from './snapshot.ts';

/** Returns the dotted path of a state value of at most two levels, for example running.executing. */
export function pathOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const [parent, child] = Object.entries(value as Record<string, string>)[0] as [string, string];
  return `${parent}.${child}`;
}

/**
 * Returns a function that gives a machine's snapshot for a stored one. The machine resting in each path is found once: an actor's
 * own snapshot differs from it in the context only.
 */
export function createRestore<M extends AnyStateMachine>(
  machine: M,
): (stored: StoredSnapshot<unknown>) => SnapshotFrom<M> {
  const resting = new Map<string, object>();
  return ({ path, context }) => {
    let snapshot = resting.get(path);
    if (snapshot === undefined) {
      const config = { value: valueOf(path), context } as Parameters<M['resolveState']>[0];
      snapshot = machine.resolveState(config) as object;
      resting.set(path, snapshot);
    }
    return { ...snapshot, context } as SnapshotFrom<M>;
  };
}

function valueOf(path: string): string | Record<string, string> {
  const dot = path.indexOf('.');
  return dot === -1 ? path : { [path.slice(0, dot)]: path.slice(dot + 1) };
}
