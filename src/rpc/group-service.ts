/**
 * GroupService: the tree of groups of nodes.
 */
import { create } from '@bufbuild/protobuf';
import type { ConnectRouter } from '@connectrpc/connect';
import {
  type Group,
  GroupSchema,
  GroupService,
} from '../../proto/gen/muster/v1/group_service_pb.ts';
import type { NodeGroupRecord, Supervisor } from '../supervisor/supervisor.ts';
import { actionOf } from './actions.ts';
import { requiredSelectionOf } from './fan-out-spec.ts';
import { timestampOf } from './times.ts';

export function routeGroupService(router: ConnectRouter, { groups }: Supervisor): void {
  const read = async (name: string) => groupOf(await groups.get(name));
  router.service(GroupService, {
    createGroup: async ({ name, parent, description }) => ({
      group: groupOf(await groups.create({ name, parent, description })),
    }),
    updateGroup: async ({ name, parent, description }) => ({
      group: groupOf(await groups.update({ name, parent, description })),
    }),
    async deleteGroup({ name }) {
      await groups.delete(name);
      return {};
    },
    getGroup: async ({ name }) => ({ group: await read(name) }),
    listGroups: async () => ({ groups: (await groups.list()).map(groupOf) }),
    async addToGroup({ name, selection }) {
      const added = await groups.add(name, requiredSelectionOf(selection, actionOf('AddToGroup')));
      return { added, group: await read(name) };
    },
    async removeFromGroup({ name, selection }) {
      const chosen = requiredSelectionOf(selection, actionOf('RemoveFromGroup'));
      const removed = await groups.remove(name, chosen);
      return { removed, group: await read(name) };
    },
  });
}

function groupOf(record: NodeGroupRecord): Group {
  return create(GroupSchema, {
    name: record.name,
    parent: record.parent ?? '',
    description: record.description,
    nodes: [...record.nodeIds],
    totalNodes: record.totalNodes,
    createdAt: timestampOf(record.createdAt),
  });
}
