/**
 * What can be asked about nodes: the part of the supervisor that NodeService speaks to.
 */
import { listAliveNodeIds, listNodes, readNodes } from '../../db/nodes.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Store } from './store.ts';
import type { Nodes } from './supervisor.ts';
import { resolveTargets } from './targets.ts';

export function createNodeActions(store: Store, deadAfterMs: number): Nodes {
  return {
    list: (filter, limit, after) =>
      store.read((sql) => listNodes(sql, filter, limit, after, deadAfterMs)),
    async resolve(selection) {
      const ids = await resolveTargets(store, selection);
      const online = await store.read((sql) => listAliveNodeIds(sql, ids, deadAfterMs));
      return { ids, online: online.length };
    },
    async get(id) {
      const [record] = await store.read((sql) => readNodes(sql, [id], deadAfterMs));
      if (record === undefined) {
        throw new MusterError(
          'unknown_node',
          `Node ${id} is unknown; a node is known from the first connection of its agent on`,
        );
      }
      return record;
    },
  };
}
