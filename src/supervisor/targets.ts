/** Resolves which nodes a selection names. */
import { listNodes } from '../../db/nodes.ts';
import type { Store } from './store.ts';
import type { NodeSelection } from './supervisor.ts';

export async function resolveTargets(store: Store, selection: NodeSelection): Promise<string[]> {
  const known = await store.read((sql) => listNodes(sql, {}, 10_000, null, 15_000));
  return known
    .map(({ id }) => id)
    .filter((id) => selection.all || selection.nodes.includes(id))
    .sort();
}
