/**
 * Runs a pure machine one step: (snapshot, event) → (next snapshot, effects).
 *
 * The same as XState's `initialTransition` and `transition`, with one inert actor scope per machine instead of one per
 * call, which makes a step about six times cheaper. Nothing is executed: effects come back as data.
 */
import { createActor } from 'xstate';
import type { AnyStateMachine, EventFrom, InputFrom, SnapshotFrom } from 'xstate';

/** Something that must be done because of a transition, once it is committed. */
export interface Effect {
  readonly type: string;
  readonly params: unknown;
}

/** One machine, ready to compute steps. */
export interface Interpreter<M extends AnyStateMachine> {
  start(input: InputFrom<M>): [SnapshotFrom<M>, Effect[]];
  /** Returns the same snapshot object if the machine does not react to the event. */
  step(snapshot: SnapshotFrom<M>, event: EventFrom<M>): [SnapshotFrom<M>, Effect[]];
}

export function createInterpreter<M extends AnyStateMachine>(
  machine: M,
  exampleInput: InputFrom<M>,
): Interpreter<M> {
  const self = createActor(machine, { input: exampleInput } as never);
  let collected: Effect[] = [];
  const scope = {
    self,
    system: self.system,
    id: '',
    sessionId: '',
    defer: () => {},
    logger: () => {},
    stopChild: () => {},
    emit: () => {},
    actionExecutor: (action: { type: string; params: unknown }) => {
      collected.push({ type: action.type, params: action.params });
    },
  };
  const collect = (compute: () => unknown): [SnapshotFrom<M>, Effect[]] => {
    collected = [];
    const snapshot = compute() as SnapshotFrom<M>;
    return [snapshot, collected];
  };
  return {
    start: (input) => collect(() => machine.getInitialSnapshot(scope as never, input as never)),
    step: (snapshot, event) =>
      collect(() => machine.transition(snapshot as never, event as never, scope as never)),
  };
}
