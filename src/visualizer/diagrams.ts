/**
 * The diagrams of machines, each laid out once, in a process of its own, and kept for as long as this one lives. They follow from their
 * definitions alone, so nothing of them can be out of date.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Chart } from '../../machines/chart.ts';
import { chartOfDefinition } from '../../machines/definition.ts';
import { selfCommand } from '../process/runtime.ts';
import type { Layout } from './layout.ts';

/** A definition to be drawn. */
export interface DrawnDefinition {
  /** Tells it from every other definition. */
  readonly hash: string;
  /** As XState has it, as JSON: what the Stately tools read. */
  readonly json: string;
}

const MAX_ERROR = 2_000;

/** By hash. */
const kept = new Map<string, Promise<Layout>>();

/** Lays out machines that are not yet, all of them in one process. */
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
  const { command, args } = selfCommand(new URL('./layout-main.ts', import.meta.url));
  // It needs nothing of ours that is secret.
  const isShared = ([name]: [string, unknown]) => !name.startsWith('MUSTER_');
  const env = Object.fromEntries(Object.entries(process.env).filter(isShared));
  const child = spawn(command, args, { stdio: 'pipe', env });
  const ended = once(child, 'close') as Promise<[number | null]>;
  // What it could not read is told by how it ends.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(charts));
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) throw new Error(`the layout ended with code ${code}: ${err.slice(0, MAX_ERROR)}`);
  return JSON.parse(out) as Layout[];
}
