/**
 * Every machine of Muster by its name, for whoever shows them: the diagrams, the console, the inspector.
 *
 * They are the definitions that run. Which of them has the history of a task is said by `machineOf`.
 */
import type { AnyStateMachine } from 'xstate';
import { FAN_OUT } from './behaviour.ts';
import { fanOutMachine } from './fan-out.ts';
import { nodeMachine } from './node.ts';
import { scheduleMachine } from './schedule.ts';
import { sessionMachine } from './session.ts';
import { taskMachine } from './task.ts';
import { workerMachine } from './worker.ts';

const ALL: readonly AnyStateMachine[] = [
  taskMachine,
  fanOutMachine,
  scheduleMachine,
  nodeMachine,
  sessionMachine,
  workerMachine,
];

/** By name: the id in the definition. */
export const MACHINES: ReadonlyMap<string, AnyStateMachine> = new Map(
  ALL.map((machine) => [machine.id, machine]),
);

/** Returns the machine that runs a task of this type. */
export function machineOf(type: string): AnyStateMachine {
  return type === FAN_OUT ? fanOutMachine : taskMachine;
}
