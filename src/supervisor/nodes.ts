/**
 * What can be asked about nodes: the part of the supervisor that NodeService speaks to.
 */
import { deleteNode, listNodeTransitions } from '../../db/node-actors.ts';
import type { NodeActorRecord, NodeTransition } from '../../db/node-actors.ts';
import { MAX_SERVER_LABELS, updateNodeLabels } from '../../db/node-labels.ts';
import { listAliveNodeIds, listNodes, readNodes } from '../../db/nodes.ts';
import { MusterError } from '../../machines/errors.ts';
import type { NodeEvent, NodeEventBody } from '../../machines/node-context.ts';
import { replayNode } from '../../machines/node-decide.ts';
import type { Drains } from './drains.ts';
import { applyToNode, loadNode, unknownNode } from './node-actor.ts';
import type { NodeActorOptions } from './node-actor.ts';
import type { NodeMetricsService } from './node-metrics.ts';
import type { Store } from './store.ts';
import type { Nodes } from './supervisor.ts';
import { resolveTargets } from './targets.ts';
import { verifyHistory } from './verify-history.ts';

export interface NodeActionsOptions extends NodeActorOptions {
  readonly sessions: { readonly deadAfterMs: number };
  readonly drains: Drains;
  readonly nodeMetrics: Pick<NodeMetricsService, 'attach' | 'points'>;
}

export function createNodeActions(options: NodeActionsOptions): Nodes {
  const { store, drains, nodeMetrics: metrics } = options;
  const { deadAfterMs } = options.sessions;
  const get: Nodes['get'] = async (id) => {
    const found = await store.read((sql) => readNodes(sql, [id], deadAfterMs));
    const [record] = await metrics.attach(found);
    if (record === undefined) throw unknownNode(id);
    return record;
  };
  const apply = async (id: string, body: NodeEventBody) => {
    await applyToNode(options, id, body);
    drains.look(id);
    return await get(id);
  };
  return {
    async list(filter, limit, after) {
      const records = await store.read((sql) => listNodes(sql, filter, limit, after, deadAfterMs));
      return await metrics.attach(records);
    },
    async metrics(id, since, until) {
      await get(id);
      return await metrics.points(id, since, until);
    },
    async resolve(selection) {
      const ids = await resolveTargets(store, selection);
      const online = await store.read((sql) => listAliveNodeIds(sql, ids, deadAfterMs));
      return { ids, online: online.length };
    },
    get,
    async updateLabels(id, change) {
      const isChanged = await store.read((sql) => updateNodeLabels(sql, id, change));
      const record = await get(id);
      if (isChanged) return record;
      const count = Object.keys(record.serverLabels).length;
      throw new MusterError(
        'resource_exhausted',
        `Cannot update node ${id}: it has ${count} labels of the server, and would have more than ${MAX_SERVER_LABELS}; remove some of them first`,
      );
    },
    drain: (id, drain, { name }) => apply(id, { type: 'drain.requested', by: name, ...drain }),
    resume: (id, { name }) => apply(id, { type: 'resume.requested', by: name }),
    async delete(id) {
      const outcome = await store.read((sql) => deleteNode(sql, id, deadAfterMs));
      if (outcome === 'unknown') throw unknownNode(id);
      if (outcome !== 'deleted') throw deletionRefused(id, outcome);
    },
    async history(id, afterVersion, limit) {
      await get(id);
      return await store.read((sql) => listNodeTransitions(sql, id, afterVersion, limit));
    },
    verify: async (id) => verifyNode(store, await loadNode(store, id)),
  };
}

function deletionRefused(id: string, why: 'connected' | 'has_tasks'): MusterError {
  const message =
    why === 'connected'
      ? `Cannot delete node ${id}: its agent is connected; stop the agent first`
      : `Cannot delete node ${id}: tasks that are not over are bound to it or run on it ` +
        `(see: muster task list --node ${id}); cancel them first`;
  return new MusterError('illegal_transition', message);
}

async function verifyNode(store: Store, record: NodeActorRecord): Promise<string[]> {
  const { nodeId, version, machineVersion, snapshot } = record;
  if (version === 0) return [];
  return await verifyHistory<NodeTransition>({
    kind: 'node',
    version,
    snapshot,
    read: (after, limit) => store.read((sql) => listNodeTransitions(sql, nodeId, after, limit)),
    replay: (first, rest) => {
      if (first.event.type !== 'node.created') return null;
      const events = rest.map(({ event }) => event as NodeEvent);
      return replayNode(first.event.input, events, machineVersion);
    },
  });
}
