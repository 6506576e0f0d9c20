/**
 * Lays charts out in a process of its own: a layout takes a second of processor time, for which the supervisor must not stand still, and
 * a hundred megabytes, which only the end of a process gives back.
 *
 * Started by diagrams.ts. Standard input has the charts, standard output gets a layout for each, both as JSON.
 */
import { json } from 'node:stream/consumers';
import type { Chart } from '../../machines/chart.ts';
import { layOut } from './layout.ts';

const layouts = [];
for (const chart of (await json(process.stdin)) as readonly Chart[]) {
  layouts.push(await layOut(chart));
}
process.stdout.write(JSON.stringify(layouts));
