/**
 * Decides what an event does to a node: the one door to the node machine.
 */
import { MusterError } from './errors.ts';
import { NODE_MACHINE_VERSION, nodeMachine } from './node.ts';
import type { NodeContext, NodeEvent, NodeInput } from './node-context.ts';
import { createStepper } from './stepper.ts';
import { upgradeSnapshot } from './snapshot.ts';
import type { SnapshotVersions, StoredSnapshot } from './snapshot.ts';

export type NodeSnapshot = StoredSnapshot<NodeContext>;

/** What an event does to a node. */
export type NodeDecision =
  | { readonly kind: 'transition'; readonly snapshot: NodeSnapshot }
  | { readonly kind: 'refused'; readonly error: MusterError }
  /** The event asks for what is already so. */
  | { readonly kind: 'ignored' };

export const NODE_SNAPSHOT_VERSIONS: SnapshotVersions = {
  machine: 'node',
  current: NODE_MACHINE_VERSION,
  steps: {},
};

const stepper = createStepper(nodeMachine, { id: '', createdAt: 0 });

export function createNode(input: NodeInput): NodeSnapshot {
  return stepper.start(input).snapshot;
}

/** Tells whether a node in this state may be given tasks. */
export function takesTasks({ path }: NodeSnapshot): boolean {
  return path === 'active';
}

/** Never throws for an event of any kind in any state. */
export function decideNode(before: NodeSnapshot, event: NodeEvent): NodeDecision {
  const moved = stepper.step(before, event);
  if (moved !== null) return { kind: 'transition', snapshot: moved.snapshot };
  if (event.type !== 'drain.requested' && event.type !== 'resume.requested') {
    return { kind: 'ignored' };
  }
  // Drained is what a drain asks for, active what a resumption does.
  if (before.path === 'drained' || before.path === 'active') return { kind: 'ignored' };
  const message =
    `Cannot drain node ${before.context.id}: it is ${before.path}; ` +
    'its tasks are being stopped already; resume it first to drain it in another way';
  return { kind: 'refused', error: new MusterError('illegal_transition', message) };
}

/** When the node needs a `timer.fired`, ms since 1970, or null. */
export function nodeWakeAt({ path, context }: NodeSnapshot): number | null {
  return path === 'draining' ? (context.drain?.deadlineAt ?? null) : null;
}

/**
 * Replays the history of a node: the proof that its snapshot follows from its committed events (I4).
 *
 * @throws MusterError `internal` where an event is no transition, `snapshot_too_new`
 */
export function replayNode(
  input: NodeInput,
  events: readonly NodeEvent[],
  storedVersion = NODE_MACHINE_VERSION,
): NodeSnapshot {
  let snapshot = createNode(input);
  for (const event of events) {
    const decision = decideNode(snapshot, event);
    if (decision.kind !== 'transition') {
      throw new MusterError('internal', `${event.type} is no transition of ${snapshot.path}`);
    }
    snapshot = decision.snapshot;
  }
  return upgradeSnapshot<NodeContext>(NODE_SNAPSHOT_VERSIONS, snapshot, storedVersion);
}
