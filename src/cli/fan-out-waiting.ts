/**
 * Which children of a fan-out wait for their nodes, and why: counted from the stream of changes, asked for only where one waits long.
 *
 * The counts of a fan-out hold a child that was given its turn as active, also while its node is away. Used by fan-out-follow.ts.
 */
import type { FanOutProgress } from '../../proto/gen/muster/v1/fan_out_pb.ts';
import { type Task, TaskState } from '../../proto/gen/muster/v1/task_pb.ts';
import { foldNodes } from './fold-nodes.ts';
import { harmless } from './table.ts';

/** After this long a child that waits is worth a word. */
export const PATIENCE_MS = 3_000;
/** Children that are asked for their reason at a time: a few show what holds up thousands. */
const MAX_ASKED = 50;

/** What follows the names of nodes. */
type Words = (isOne: boolean) => string;

const SKIP: Words = (isOne) => `--offline skip passes ${isOne ? 'it' : 'them'} over`;

/** By the reason that GetTask gives. */
const WHY: Readonly<Record<string, Words>> = {
  node_offline: (isOne) => `which ${isOne ? 'is' : 'are'} offline; ${SKIP(isOne)}`,
  node_unreachable: (isOne) =>
    `which ${isOne ? 'has' : 'have'} been silent for too long; ${SKIP(isOne)}`,
  node_draining: (isOne) => `which ${isOne ? 'takes' : 'take'} no tasks while being drained`,
  workers_busy: () => 'whose workers are busy',
  workers_stopped: () => 'whose workers are stopped or broken',
};

interface Waiting {
  readonly nodeId: string;
  readonly sinceMs: number;
}

/** Follows which children wait. */
export class WaitingChildren {
  readonly #waiting = new Map<string, Waiting>();
  /** Queued again after a failure: they wait for the time. */
  readonly #delayed = new Set<string>();
  readonly #told = new Set<string>();

  /** Takes note of a child as it stands. @param nowMs of a clock that never goes back */
  see({ id, nodeId, state, substate }: Task, nowMs: number): void {
    const isPending = state === TaskState.PENDING;
    if (isPending && substate === 'delayed') this.#delayed.add(id);
    else this.#delayed.delete(id);
    if (!isPending || substate !== 'queued') this.#waiting.delete(id);
    else if (!this.#waiting.has(id)) this.#waiting.set(id, { nodeId, sinceMs: nowMs });
  }

  /** Returns the counts with those that wait taken from those at work. */
  counted(progress: FanOutProgress): FanOutProgress {
    const waiting = Math.min(this.#waiting.size + this.#delayed.size, progress.active);
    return { ...progress, active: progress.active - waiting, held: progress.held + waiting };
  }

  /**
   * Returns what there is to say of children that have waited for long, each told once; empty for nothing.
   *
   * @param read returns a child with its reason
   */
  async explain(nowMs: number, read: (id: string) => Promise<Task>): Promise<string[]> {
    const due = [...this.#waiting].filter(
      ([id, { sinceMs }]) => nowMs - sinceMs >= PATIENCE_MS && !this.#told.has(id),
    );
    const asked = due.slice(0, MAX_ASKED);
    const children = await Promise.all(asked.map(([id]) => read(id)));
    const waiting = children.filter(
      ({ state, reason }) => state === TaskState.PENDING && reason !== '',
    );
    if (waiting.length === 0) return [];
    for (const { id } of waiting) this.#told.add(id);
    const rest = due.slice(MAX_ASKED);
    for (const [id] of rest) this.#told.add(id);
    const more = rest.length === 0 ? [] : [`waiting for ${rest.length} more nodes`];
    return [...sentencesOf(waiting), ...more];
  }
}

/** A sentence for each reason. */
function sentencesOf(children: readonly Task[]): string[] {
  const byReason = new Map<string, Task[]>();
  for (const child of children) {
    byReason.set(child.reason, [...(byReason.get(child.reason) ?? []), child]);
  }
  return [...byReason].map(([reason, group]) => {
    const nodes = foldNodes(group.map(({ nodeId }) => nodeId));
    const words = WHY[reason]?.(group.length === 1) ?? harmless(group[0]?.message ?? '');
    return `waiting for ${nodes}, ${words}`;
  });
}
