/**
 * Why a task does not run yet, for people: computed when somebody looks at it, from where its nodes are now.
 *
 * It is no part of the machine: nothing is decided by it, and it changes without the task. Called for GetTask.
 */
import { listNodes, readNodes } from '../../db/nodes.ts';
import type { NodeRecord, TaskRecord } from '../../db/records.ts';
import { takesTasks } from '../../machines/node-decide.ts';
import type { Store } from './store.ts';

/** One word, and the same in a sentence. */
export interface Waiting {
  readonly reason:
    | 'node_offline'
    | 'node_unreachable'
    | 'node_draining'
    | 'no_node'
    | 'workers_busy'
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
    return whyWaitingForNode(target.nodeId, node);
  }
  if (candidates.length > 0) {
    const nodes = await store.read((sql) => readNodes(sql, candidates, deadAfterMs));
    const online = nodes.filter(({ leftAt, isAlive }) => leftAt === null && isAlive);
    const message = `none of the ${candidates.length} nodes that it may run on is connected`;
    return online.length === 0 ? { reason: 'no_node', message } : whyWaitingForAny(online);
  }
  const filter = { states: ['online'] } as const;
  const online = await store.read((sql) => listNodes(sql, filter, MAX_NODES, null, deadAfterMs));
  if (online.length > 0) return whyWaitingForAny(online);
  return { reason: 'no_node', message: 'no node is connected' };
}

/** @param online the connected ones that may take it, at least one */
function whyWaitingForAny(online: readonly NodeRecord[]): Waiting | null {
  const open = online.filter((node) => !isDrained(node));
  if (open.length === 0) {
    const which = online.length === 1 ? 'the only node' : `each of the ${online.length} nodes`;
    return { reason: 'node_draining', message: `${which} that is connected is being drained` };
  }
  if (open.some(hasFreeWorker)) return null;
  const nodes = open.length === 1 ? 'the only node' : `all ${open.length} nodes`;
  return { reason: 'workers_busy', message: `the workers of ${nodes} that are connected are busy` };
}

function whyWaitingForNode(nodeId: string, node: NodeRecord | undefined): Waiting | null {
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
  if (hasFreeWorker(node)) return null;
  const message = `waits for a worker of node ${nodeId}, which has ${node.slots} at work`;
  return { reason: 'workers_busy', message };
}

function isDrained({ actor }: NodeRecord): boolean {
  return actor !== null && !takesTasks(actor);
}

function hasFreeWorker({ active, slots }: NodeRecord): boolean {
  return active < slots;
}
