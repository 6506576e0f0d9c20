/**
 * What can be asked about nodes: the part of the supervisor that NodeService speaks to.
 */
import { MAX_SERVER_LABELS, updateNodeLabels } from '../../db/node-labels.ts';
import { listAliveNodeIds, listNodes, readNodes } from '../../db/nodes.ts';
import { MusterError } from '../../machines/errors.ts';
import type { NodeMetricsService } from './node-metrics.ts';
import type { Store } from './store.ts';
import type { Nodes } from './supervisor.ts';
import { resolveTargets } from './targets.ts';

export function createNodeActions(
  store: Store,
  deadAfterMs: number,
  metrics: Pick<NodeMetricsService, 'attach' | 'points'>,
): Nodes {
  const get: Nodes['get'] = async (id) => {
    const found = await store.read((sql) => readNodes(sql, [id], deadAfterMs));
    const [record] = await metrics.attach(found);
    if (record === undefined) {
      throw new MusterError(
        'unknown_node',
        `Node ${id} is unknown; a node is known from the first connection of its agent on`,
      );
    }
    return record;
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
  };
}
