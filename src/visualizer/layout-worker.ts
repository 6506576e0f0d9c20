/**
 * Lays charts out in a thread of its own: a layout takes a second of processor time, for which the supervisor must not stand still.
 *
 * Started by diagrams.ts with the charts as its data; it answers once, with a layout for each, and ends.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Chart } from '../../machines/chart.ts';
import { layOut } from './layout.ts';

const layouts = [];
for (const chart of workerData as readonly Chart[]) layouts.push(await layOut(chart));
parentPort?.postMessage(layouts);
