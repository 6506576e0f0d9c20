/**
 * The diagrams of machines, each laid out once, in a thread of its own, and kept for as long as the process lives. They follow from
 * their definitions alone, so nothing of them can be out of date.
 */
import { Worker } from 'node:worker_threads';
import type { Chart } from '../../machines/chart.ts';
import { chartOfDefinition } from '../../machines/definition.ts';
import type { Layout } from './layout.ts';

/** A definition to be drawn. */
export interface DrawnDefinition {
  /** Tells it from every other definition. */
  readonly hash: string;
  /** As XState has it, as JSON: what the Stately tools read. */
  readonly json: string;
}

/** By hash. */
const kept = new Map<string, Promise<Layout>>();

/** Lays out machines that are not yet, all of them in one thread. */
export async function layoutsOf(definitions: readonly DrawnDefinition[]): Promise<Layout[]> {
  const missing = definitions.filter(({ hash }) => !kept.has(hash));
  if (missing.length > 0) {
    const layouts = layOutApart(missing.map(({ json }) => chartOfDefinition(json)));
    for (const [index, { hash }] of missing.entries()) {
      kept.set(
        hash,
        layouts.then((all) => all[index] as Layout),
      );
    }
    // A failure is not kept.
    layouts.catch(() => missing.forEach(({ hash }) => kept.delete(hash)));
  }
  return await Promise.all(definitions.map(({ hash }) => kept.get(hash) as Promise<Layout>));
}

/** Lays out one machine. */
export async function layoutOf(definition: DrawnDefinition): Promise<Layout> {
  const [layout] = await layoutsOf([definition]);
  return layout as Layout;
}

async function layOutApart(charts: readonly Chart[]): Promise<readonly Layout[]> {
  const worker = new Worker(new URL('./layout-worker.ts', import.meta.url), {
    workerData: charts,
  });
  // Nobody waits for a drawing when the process is to end.
  worker.unref();
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
