/**
 * NodeService: the hosts, as the supervisor knows them.
 */
import { create } from '@bufbuild/protobuf';
import type { ConnectRouter } from '@connectrpc/connect';
import { ListNodesRequestSchema, NodeService } from '../../proto/gen/muster/v1/node_service_pb.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { actionOf } from './actions.ts';
import { requiredSelectionOf } from './fan-out-spec.ts';
import { metricsMessageOf, nodeFilterOf, nodeOf } from './node-messages.ts';
import { drainMethods } from './drain-methods.ts';
import { workerMethods } from './worker-methods.ts';
import { filterDigest, makePageToken, readPageToken } from './page-token.ts';
import { msOfTimestamp } from './times.ts';

const DEFAULT_PAGE_SIZE = 50;
const NODE_ID = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

export function routeNodeService(router: ConnectRouter, { nodes, workers }: Supervisor): void {
  router.service(NodeService, {
    async listNodes({ pageSize = DEFAULT_PAGE_SIZE, pageToken, labels, states, drainStates }) {
      const conditions = create(ListNodesRequestSchema, { labels, states, drainStates });
      const digest = filterDigest(ListNodesRequestSchema, conditions);
      const after = readPageToken(pageToken, digest, NODE_ID, actionOf('ListNodes'));
      // One more than asked for tells whether another page follows.
      const records = await nodes.list(nodeFilterOf(conditions), pageSize + 1, after);
      const page = records.slice(0, pageSize);
      const last = page.at(-1);
      const hasMore = records.length > pageSize && last !== undefined;
      return {
        nodes: page.map(nodeOf),
        nextPageToken: hasMore ? makePageToken(digest, last.id) : '',
      };
    },
    async resolveNodes({ selection }) {
      const chosen = requiredSelectionOf(selection, actionOf('ResolveNodes'));
      const { ids, online } = await nodes.resolve(chosen);
      return { nodeIds: [...ids], online };
    },
    getNode: async ({ id }) => ({ node: nodeOf(await nodes.get(id)) }),
    async getNodeMetrics({ nodeId, since, until }) {
      const action = actionOf('GetNodeMetrics');
      const from = msOfTimestamp(since, 'since', action);
      const points = await nodes.metrics(nodeId, from, msOfTimestamp(until, 'until', action));
      return { points: points.map(metricsMessageOf) };
    },
    updateNode: async ({ id, setLabels, removeLabels }) => ({
      node: nodeOf(await nodes.updateLabels(id, { set: setLabels, remove: removeLabels })),
    }),
    ...drainMethods(nodes),
    ...workerMethods(workers),
  });
}
