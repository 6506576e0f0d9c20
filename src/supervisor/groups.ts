/**
 * What can be asked of groups of nodes: the part of the supervisor that GroupService speaks to.
 */
import {
  addNodesToGroup,
  deleteNodeGroup,
  listNodeGroupNames,
  listNodeGroups,
  NODE_GROUPS_MAX,
  type NodeGroupDraft,
  removeNodesFromGroup,
  type SavedNodeGroup,
  saveNodeGroup,
} from '../../db/node-groups.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Store } from './store.ts';
import type { Groups } from './supervisor.ts';
import { resolveTargets, unknownGroups } from './targets.ts';

export function createGroupActions(store: Store): Groups {
  const unknown = async (name: string) =>
    unknownGroups([name], await store.read(listNodeGroupNames));
  const get = async (name: string) => {
    const [record] = await store.read((sql) => listNodeGroups(sql, [name]));
    if (record === undefined) throw await unknown(name);
    return record;
  };
  const save = async (draft: NodeGroupDraft, isNew: boolean) => {
    const outcome = await store.read((sql) => saveNodeGroup(sql, draft, isNew));
    if (outcome === 'saved') return await get(draft.name);
    if (outcome === 'unknown') throw await unknown(draft.name);
    if (outcome === 'unknown_parent') throw await unknown(draft.parent ?? '');
    throw refusal(outcome, draft);
  };
  return {
    create: (draft) => save(draft, true),
    update: (draft) => save(draft, false),
    get,
    list: () => store.read((sql) => listNodeGroups(sql, null)),
    async delete(name) {
      const outcome = await store.read((sql) => deleteNodeGroup(sql, name));
      if (outcome === 'unknown') throw await unknown(name);
      if (outcome === 'has_children') {
        const sentence = `Cannot delete group ${name}: there are groups below it; delete or move them first`;
        throw new MusterError('group_refused', sentence);
      }
    },
    async add(name, selection) {
      await get(name);
      const ids = await resolveTargets(store, selection);
      return await store.read((sql) => addNodesToGroup(sql, name, ids));
    },
    async remove(name, selection) {
      await get(name);
      const ids = await resolveTargets(store, selection);
      return await store.read((sql) => removeNodesFromGroup(sql, name, ids));
    },
  };
}

function refusal(
  outcome: Extract<SavedNodeGroup, 'exists' | 'cycle' | 'too_many'>,
  { name, parent = '' }: NodeGroupDraft,
): MusterError {
  switch (outcome) {
    case 'exists':
      return new MusterError('group_refused', `Cannot create group ${name}: it exists already`);
    case 'cycle': {
      const what = parent === name ? 'it is the same group' : `${parent} is below ${name}`;
      const sentence = `Cannot put group ${name} below ${parent}: ${what}; a group cannot include itself`;
      return new MusterError('group_refused', sentence);
    }
    case 'too_many': {
      const sentence = `Cannot create group ${name}: there are ${NODE_GROUPS_MAX} groups already; delete one first`;
      return new MusterError('resource_exhausted', sentence);
    }
  }
}
