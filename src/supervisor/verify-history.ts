/**
 * The proof of I4 for an actor that has a history of its own, a schedule or a node: its versions are 1, 2, 3 … and the replay of its
 * events gives its snapshot. Tasks are proved step by step, in task-history.ts.
 */
import { MusterError } from '../../machines/errors.ts';
import { sortedJson } from './task-history.ts';

const PAGE = 500;

interface Step {
  readonly version: number;
  readonly event: { readonly type: string };
}

export interface History<S extends Step> {
  /** What is stored of the actor. */
  readonly version: number;
  readonly snapshot: unknown;
  /** What people call it, for sentences. */
  readonly kind: 'schedule' | 'node';
  /** Lists its steps after a version, in order. */
  readonly read: (afterVersion: number, limit: number) => Promise<S[]>;
  /** Returns the snapshot that the steps lead to, or null if the first one is no creation. @throws MusterError */
  readonly replay: (first: S, rest: readonly S[]) => unknown;
}

/** Returns one sentence for each difference between the history and what is stored. Steps committed meanwhile are left out. */
export async function verifyHistory<S extends Step>(history: History<S>): Promise<string[]> {
  const { version: stored, snapshot, kind, read, replay } = history;
  const steps: S[] = [];
  for (;;) {
    const page = await read(steps.at(-1)?.version ?? 0, PAGE);
    steps.push(...page.filter(({ version }) => version <= stored));
    if (page.length < PAGE || (steps.at(-1)?.version ?? 0) >= stored) break;
  }
  const differences = steps.flatMap(({ version }, index) =>
    version === index + 1 ? [] : [`version ${index + 1} is missing`],
  );
  if (steps.length !== stored) {
    differences.push(`the ${kind} has version ${stored}, its history ends with ${steps.length}`);
  }
  const [first, ...rest] = steps;
  try {
    const replayed = first === undefined ? null : replay(first, rest);
    if (replayed === null) differences.push('there is no creation');
    else if (sortedJson(replayed) !== sortedJson(snapshot)) {
      differences.push('the replay gives another snapshot than is stored');
    }
  } catch (error) {
    if (!(error instanceof MusterError)) throw error;
    differences.push(error.message);
  }
  return differences;
}
