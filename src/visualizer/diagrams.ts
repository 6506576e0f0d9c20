/**
 * The diagrams of all machines: laid out when first asked for, and kept for as long as the process lives, by definition.
 */
import { chartOf } from '../../machines/chart.ts';
import { MACHINES } from '../../machines/catalog.ts';
import { MusterError } from '../../machines/errors.ts';
import { layOut } from './layout.ts';
import type { Layout } from './layout.ts';

/** One machine, ready to be shown. */
export interface Diagram {
  readonly layout: Layout;
  /** The definition as XState has it, as JSON: what the Stately tools read. */
  readonly definitionJson: string;
}

const kept = new Map<string, Promise<Diagram>>();

/** Lists the names of the machines, in the order in which people think of them. */
export function machineNames(): string[] {
  return [...MACHINES.keys()];
}

/** @throws MusterError `unknown_machine`, naming those that there are */
export function diagramOf(name: string): Promise<Diagram> {
  const machine = MACHINES.get(name);
  if (machine === undefined) {
    const names = machineNames().join(', ');
    throw new MusterError('unknown_machine', `There is no machine ${name}; there is ${names}`);
  }
  const definitionJson = JSON.stringify(machine.config);
  const known = kept.get(definitionJson);
  if (known !== undefined) return known;
  const drawn = layOut(chartOf(machine)).then((layout) => ({ layout, definitionJson }));
  kept.set(definitionJson, drawn);
  // A failure is not kept.
  drawn.catch(() => kept.delete(definitionJson));
  return drawn;
}
