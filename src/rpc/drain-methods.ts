/**
 * The methods of NodeService that take a node out of work and back, and forget it.
 */
import type { ServiceImpl } from '@connectrpc/connect';
import { DrainEnd } from '../../proto/gen/muster/v1/node_pb.ts';
import type { NodeService } from '../../proto/gen/muster/v1/node_service_pb.ts';
import type { Nodes } from '../supervisor/supervisor.ts';
import { callerOf } from './auth.ts';
import { actorTransitionOf } from './history-messages.ts';
import { nodeOf } from './node-messages.ts';
import { msOfDuration } from './times.ts';

const DEFAULT_HISTORY_SIZE = 200;

type DrainMethods = Pick<
  ServiceImpl<typeof NodeService>,
  'drainNode' | 'resumeNode' | 'deleteNode' | 'getNodeHistory' | 'verifyNode'
>;

export function drainMethods(nodes: Nodes): DrainMethods {
  return {
    async drainNode({ id, deadline, onDeadline, note }, context) {
      const drain = {
        note,
        deadlineMs: deadline === undefined ? null : msOfDuration(deadline),
        onDeadline: onDeadline === DrainEnd.LEAVE ? 'leave' : 'stop',
      } as const;
      return { node: nodeOf(await nodes.drain(id, drain, callerOf(context))) };
    },
    async resumeNode({ id }, context) {
      return { node: nodeOf(await nodes.resume(id, callerOf(context))) };
    },
    async deleteNode({ id }) {
      await nodes.delete(id);
      return {};
    },
    async getNodeHistory({ id, afterVersion, pageSize = DEFAULT_HISTORY_SIZE }) {
      // One more than asked for tells whether there are later ones.
      const steps = await nodes.history(id, afterVersion, pageSize + 1);
      const transitions = steps.slice(0, pageSize).map(actorTransitionOf);
      return { transitions, hasMore: steps.length > pageSize };
    },
    async verifyNode({ id }) {
      const differences = await nodes.verify(id);
      return { clean: differences.length === 0, differences: [...differences] };
    },
  };
}
