/**
 * Why a task does not run yet, for people: computed when somebody looks at it, from where its nodes are now.
 *
 * It is no part of the machine: nothing is decided by it, and it changes without the task. Called for GetTask.
 */
import { listNodes, readNodes } from '../../db/nodes.ts';
import type { NodeRecord, TaskRecord } from '../../db/records.ts';
import { countUnusableSlots } from '../../db/workers.ts';
import type { Store } from './store.ts';

/** One word, and the same in a sentence. */
export interface Waiting {
  readonly reason:
    | 'node_offline'
    | 'node_unreachable'
    | 'no_node'
    | 'workers_busy'
    | 'workers_stopped'
    | 'fan_out';
  readonly message: string;
}

/** Nodes that are looked at for a task that any may take. */
const MAX_NODES = 1_000;

/** @returns null where there is nothing to wait for: it runs, is over, or will start at once */
export async function whyWaiting(
  store: Store,
  { parentId, snapshot: { path, context } }: TaskRecord,
  deadAfterMs: number,
): Promise<Waiting | null> {
  if (path === 'pending.held' && parentId !== null) {
    return { reason: 'fan_out', message: `waits for its turn in fan-out ${parentId}` };
  }
  if (path !== 'pending.queued') return null;
  const { target } = context;
  if (target.kind === 'node') {
    const [node] = await store.read((sql) => readNodes(sql, [target.nodeId], deadAfterMs));
    const unusable = await store.read((sql) => countUnusableSlots(sql, [target.nodeId]));
    return whyWaitingForNode(target.nodeId, node, unusable.get(target.nodeId) ?? 0);
  }
  const filter = { states: ['online'] } as const;
  const online = await store.read((sql) => listNodes(sql, filter, MAX_NODES, null, deadAfterMs));
  if (online.length === 0) return { reason: 'no_node', message: 'no node is connected' };
  const ids = online.map((node) => node.id);
  const unusable = await store.read((sql) => countUnusableSlots(sql, ids));
  if (online.some((node) => hasFreeWorker(node, unusable.get(node.id) ?? 0))) return null;
  const nodes = online.length === 1 ? 'the only node' : `all ${online.length} nodes`;
  const are = unusable.size === 0 ? 'busy' : 'busy, stopped or broken';
  return {
    reason: 'workers_busy',
    message: `the workers of ${nodes} that are connected are ${are}`,
  };
}

function whyWaitingForNode(
  nodeId: string,
  node: NodeRecord | undefined,
  unusable: number,
): Waiting | null {
  if (node === undefined || node.leftAt !== null) {
    return {
      reason: 'node_offline',
      message: `waits for node ${nodeId}, whose agent is not there`,
    };
  }
  if (!node.isAlive) {
    const message = `waits for node ${nodeId}, which has been silent for too long`;
    return { reason: 'node_unreachable', message };
  }
  if (hasFreeWorker(node, unusable)) return null;
  const { slots } = node;
  if (unusable >= slots && slots > 0) {
    const message = `waits for a worker of node ${nodeId}: all ${slots} are stopped or broken`;
    return { reason: 'workers_stopped', message };
  }
  const others = unusable === 0 ? '' : `; ${unusable} more are stopped or broken`;
  const atWork = `which has ${slots - unusable} at work${others}`;
  return { reason: 'workers_busy', message: `waits for a worker of node ${nodeId}, ${atWork}` };
}

function hasFreeWorker({ active, slots }: NodeRecord, unusable: number): boolean {
  return active < slots - unusable;
}
