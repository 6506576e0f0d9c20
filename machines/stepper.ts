/**
 * Moves the stored snapshots of one machine: what `decide.ts` and its siblings for the other actors have in common.
 *
 * A snapshot goes in as it is stored and comes out as it is to be stored, with the effects of the step.
 */
import type { AnyStateMachine, ContextFrom, EventFrom, InputFrom, SnapshotFrom } from 'xstate';
import { createInterpreter } from './interpret.ts';
import type { Effect } from './interpret.ts';
import { createRestore, pathOf } from './resting.ts';
import type { StoredSnapshot } from './snapshot.ts';

/** What comes of a step. */
export interface Moved<Context> {
  readonly snapshot: StoredSnapshot<Context>;
  readonly effects: readonly Effect[];
}

export interface Stepper<M extends AnyStateMachine> {
  start(input: InputFrom<M>): Moved<ContextFrom<M>>;
  /** Returns null if the machine does not react to the event. Never throws for an event of any kind in any state. */
  step(before: StoredSnapshot<ContextFrom<M>>, event: EventFrom<M>): Moved<ContextFrom<M>> | null;
}

/** @param exampleInput any that the machine can begin with */
export function createStepper<M extends AnyStateMachine>(
  machine: M,
  exampleInput: InputFrom<M>,
): Stepper<M> {
  const interpreter = createInterpreter(machine, exampleInput);
  const restore = createRestore(machine);
  return {
    start(input) {
      const [snapshot, effects] = interpreter.start(input);
      return { snapshot: storedOf(snapshot), effects };
    },
    step(before, event) {
      const restored = restore(before);
      const [next, effects] = interpreter.step(restored, event);
      if (next === restored) return null;
      return { snapshot: storedOf(next), effects };
    },
  };
}

function storedOf<M extends AnyStateMachine>(
  snapshot: SnapshotFrom<M>,
): StoredSnapshot<ContextFrom<M>> {
  const { value, context } = snapshot as { value: unknown; context: ContextFrom<M> };
  return { path: pathOf(value), context };
}
