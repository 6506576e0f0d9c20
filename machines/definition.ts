/**
 * A machine as a text that outlives the program: its definition as JSON, and the chart that can be read from it again.
 *
 * Functions are no part of JSON, so machines name their guards and actions; what a definition names is all that its chart shows.
 */
import { createMachine } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import { chartOf } from './chart.ts';
import type { Chart } from './chart.ts';

/** Writes the definition of a machine as XState has it: what the Stately tools read. */
export function definitionJsonOf(machine: AnyStateMachine): string {
  return JSON.stringify(machine.config);
}

/** Reads the chart of a definition: the same as that of the machine it was written from. */
export function chartOfDefinition(definitionJson: string): Chart {
  return chartOf(createMachine(JSON.parse(definitionJson) as object));
}
