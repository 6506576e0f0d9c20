/**
 * Why a task does not run yet, for people: computed when somebody looks at it, from where its nodes are now.
 *
 * It is no part of the machine: nothing is decided by it, and it changes without the task. Called for GetTask.
 */
import { listNodes, readNodes } from '../../db/nodes.ts';
import type { NodeRecord, TaskRecord } from '../../db/records.ts';
import { takesTasks } from '../../machines/node-decide.ts';
import { countUnusableSlots } from '../../db/workers.ts';
import type { Store } from './store.ts';

/** One word, and the same in a sentence. */
export interface Waiting {
  readonly reason:
    | 'node_offline'
    | 'node_unreachable'
    | 'node_draining'
    | 'no_node'
    | 'workers_busy'
    | 'workers_stopped'
    | 'fan_out';
  readonly message: string;
}

/** Nodes that are looked at for a task that any may take. */
const MAX_NODES = 1_000;

/**
 * @param candidates the nodes of which any one may take it; empty for any at all, or for one that it is bound to
 * @returns null where there is nothing to wait for: it runs, is over, or will start at once
 */
export async function whyWaiting(
  store: Store,
  { parentId, snapshot: { path, context } }: TaskRecord,
  candidates: readonly string[],
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
  if (candidates.length > 0) {
    const nodes = await store.read((sql) => readNodes(sql, candidates, deadAfterMs));
    const online = nodes.filter(({ leftAt, isAlive }) => leftAt === null && isAlive);
    const message = `none of the ${candidates.length} nodes that it may run on is connected`;
    return online.length === 0
      ? { reason: 'no_node', message }
      : await whyWaitingForAny(store, online);
  }
  const filter = { states: ['online'] } as const;
  const online = await store.read((sql) => listNodes(sql, filter, MAX_NODES, null, deadAfterMs));
  if (online.length > 0) return await whyWaitingForAny(store, online);
  return { reason: 'no_node', message: 'no node is connected' };
}

/** @param online the connected ones that may take it, at least one */
async function whyWaitingForAny(
  store: Store,
  online: readonly NodeRecord[],
): Promise<Waiting | null> {
  const open = online.filter((node) => !isDrained(node));
  if (open.length === 0) {
    const which = online.length === 1 ? 'the only node' : `each of the ${online.length} nodes`;
    return { reason: 'node_draining', message: `${which} that is connected is being drained` };
  }
  const ids = open.map((node) => node.id);
  const unusable = await store.read((sql) => countUnusableSlots(sql, ids));
  if (open.some((node) => hasFreeWorker(node, unusable.get(node.id) ?? 0))) return null;
  const nodes = open.length === 1 ? 'the only node' : `all ${open.length} nodes`;
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
  if (isDrained(node)) {
    const message = `waits for node ${nodeId}, which takes no tasks: it is ${node.actor?.path}`;
    return { reason: 'node_draining', message };
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

function isDrained({ actor }: NodeRecord): boolean {
  return actor !== null && !takesTasks(actor);
}

function hasFreeWorker({ active, slots }: NodeRecord, unusable: number): boolean {
  return active < slots - unusable;
}
