/**
 * The diagrams of all machines: laid out together when the first one is asked for, in a thread of their own, and kept for as long as
 * the process lives. They follow from the definitions that run, so nothing of them can be out of date.
 */
import { Worker } from 'node:worker_threads';
import type { AnyStateMachine } from 'xstate';
import { MACHINES } from '../../machines/catalog.ts';
import { chartOf } from '../../machines/chart.ts';
import type { Chart } from '../../machines/chart.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Layout } from './layout.ts';

/** One machine, ready to be shown. */
export interface Diagram {
  readonly layout: Layout;
  /** The definition as XState has it, as JSON: what the Stately tools read. */
  readonly definitionJson: string;
}

let kept: Promise<ReadonlyMap<string, Diagram>> | null = null;

/** Lists the names of the machines, in the order in which people think of them. */
export function machineNames(): string[] {
  return [...MACHINES.keys()];
}

/** @throws MusterError `unknown_machine`, naming those that there are */
export async function diagramOf(name: string): Promise<Diagram> {
  const diagram = (await allDiagrams()).get(name);
  if (diagram !== undefined) return diagram;
  const names = machineNames().join(', ');
  throw new MusterError('unknown_machine', `There is no machine ${name}; there is ${names}`);
}

function allDiagrams(): Promise<ReadonlyMap<string, Diagram>> {
  kept ??= drawAll([...MACHINES.values()]).catch((error: unknown) => {
    // A failure is not kept.
    kept = null;
    throw error;
  });
  return kept;
}

async function drawAll(
  machines: readonly AnyStateMachine[],
): Promise<ReadonlyMap<string, Diagram>> {
  const layouts = await layOutApart(machines.map(chartOf));
  return new Map(
    machines.map((machine, index) => [
      machine.id,
      {
        layout: layouts[index] as Layout,
        definitionJson: JSON.stringify(machine.config),
      },
    ]),
  );
}

async function layOutApart(charts: readonly Chart[]): Promise<readonly Layout[]> {
  const worker = new Worker(new URL('./layout-worker.ts', import.meta.url), {
    workerData: charts,
  });
  try {
    return await new Promise<readonly Layout[]>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`the layout ended with code ${code}`)));
    });
  } finally {
    await worker.terminate();
  }
}
