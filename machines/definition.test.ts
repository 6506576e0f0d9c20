/** Definitions as text: what a machine shows is all in its JSON. */
import { expect, it } from 'vitest';
import { MACHINES } from './catalog.ts';
import { chartOf } from './chart.ts';
import { chartOfDefinition, definitionJsonOf } from './definition.ts';

it('gives the chart of every machine again, guards and actions included', () => {
  for (const machine of MACHINES.values()) {
    expect(chartOfDefinition(definitionJsonOf(machine))).toEqual(chartOf(machine));
  }
});
