/**
 * Resolves which nodes a selection names, once, when a fan-out is created or a preview is asked for.
 *
 * Names, groups, a selector and `all` add up; exclusions take away. One statement reads the ids and labels of all nodes; what is chosen is decided here, so that an error can say what there is
 * instead. Nodes that are away are chosen like others: their tasks wait for them.
 */
import { listGroupNodeIds, listNodeGroupNames } from '../../db/node-groups.ts';
import { listNodeLabels } from '../../db/nodes.ts';
import type { NodeLabels } from '../../db/nodes.ts';
import { closeNames } from '../../machines/close-names.ts';
import { MusterError } from '../../machines/errors.ts';
import { expandPattern } from '../../machines/host-pattern.ts';
import { matchesSelector, parseSelector } from '../../machines/label-selector.ts';
import type { Requirement } from '../../machines/label-selector.ts';
import type { Store } from './store.ts';
import type { NodeSelection } from './supervisor.ts';

/** Values of a label that a message lists. */
const MAX_SHOWN = 8;

/**
 * Returns the ids of the chosen nodes, sorted, each once; at least one.
 *
 * @throws MusterError `unknown_node` (naming all), `invalid_argument` if nothing matches or something cannot be read
 */
export async function resolveTargets(store: Store, selection: NodeSelection): Promise<string[]> {
  const { groups } = selection;
  const grouped = groups.length === 0 ? [] : await readGroups(store, groups);
  return chooseNodes(await store.read((sql) => listNodeLabels(sql)), selection, grouped);
}

/** Returns the nodes of groups. @throws MusterError `unknown_group`, naming all */
async function readGroups(store: Store, names: readonly string[]): Promise<string[]> {
  const nodesOf = await store.read((sql) => listGroupNodeIds(sql, names));
  const unknown = names.filter((name) => !nodesOf.has(name));
  if (unknown.length > 0) throw unknownGroups(unknown, await store.read(listNodeGroupNames));
  return [...nodesOf.values()].flat();
}

/** Makes the error for groups that are not there. */
export function unknownGroups(names: readonly string[], all: readonly string[]): MusterError {
  const meant = [...new Set(names.flatMap((name) => closeNames(name, all)))];
  const there = meant.length > 0 ? meant : all;
  const hint = there.length === 0 ? 'there is no group yet' : `there is ${shown(there)}`;
  const which = names.length === 1 ? `Group ${names[0]} is` : `Groups ${names.join(', ')} are`;
  return new MusterError('unknown_group', `${which} unknown; ${hint}`);
}

function shown(names: readonly string[]): string {
  return names.slice(0, MAX_SHOWN).join(', ') + (names.length > MAX_SHOWN ? ', …' : '');
}

/** As resolveTargets, among these nodes; `grouped` are those of the groups. */
export function chooseNodes(
  known: readonly NodeLabels[],
  selection: NodeSelection,
  grouped: readonly string[] = [],
): string[] {
  const ids = new Set(known.map(({ id }) => id));
  const chosen = new Set(selection.all ? ids : []);
  for (const id of namedNodes(selection.nodes, ids)) chosen.add(id);
  // A node may have been deleted since its group was read.
  for (const id of grouped) if (ids.has(id)) chosen.add(id);
  if (selection.selector !== '') {
    const requirements = parseSelector(selection.selector);
    const matching = known.filter(({ labels }) => matchesSelector(labels, requirements));
    if (matching.length === 0) throw nothingMatches(selection.selector, requirements, known);
    for (const { id } of matching) chosen.add(id);
  }
  const named = chosen.size;
  for (const pattern of selection.exclude)
    for (const id of expandPattern(pattern)) chosen.delete(id);
  if (chosen.size === 0) {
    const why =
      named === 0
        ? selection.groups.length > 0
          ? 'no node is in these groups'
          : 'there is no node yet'
        : `all ${named} nodes are excluded`;
    throw new MusterError('invalid_argument', `Cannot choose nodes: ${why}`);
  }
  return [...chosen].sort();
}

function namedNodes(patterns: readonly string[], ids: ReadonlySet<string>): string[] {
  const named = patterns.flatMap((pattern) => expandPattern(pattern));
  const unknown = [...new Set(named.filter((id) => !ids.has(id)))].sort();
  if (unknown.length === 0) return named;
  const meant = [...new Set(unknown.flatMap((id) => closeNames(id, ids)))].slice(0, MAX_SHOWN);
  const what = unknown.length === 1 ? 'node' : 'nodes';
  const are = unknown.length === 1 ? 'is' : 'are';
  const hint =
    meant.length === 0
      ? 'a node is known from the first connection of its agent on (see: muster node list)'
      : `there is ${meant.join(', ')}`;
  throw new MusterError(
    'unknown_node',
    `Cannot choose nodes: ${what} ${unknown.join(', ')} ${are} unknown; ${hint}`,
  );
}

/** Says which requirement nobody meets, and what its label is instead. */
function nothingMatches(
  selector: string,
  requirements: readonly Requirement[],
  known: readonly NodeLabels[],
): MusterError {
  const unmet = requirements.find(
    (one) => !known.some(({ labels }) => matchesSelector(labels, [one])),
  );
  const nobody = `Cannot choose nodes: no node matches "${selector}"`;
  if (unmet === undefined) {
    return new MusterError('invalid_argument', `${nobody}; each part alone matches some`);
  }
  const { key } = unmet;
  const values = [...new Set(known.flatMap(({ labels }) => labels[key] ?? []))].sort();
  const keys = [...new Set(known.flatMap(({ labels }) => Object.keys(labels)))].sort();
  const there =
    values.length > 0
      ? `the values of ${key} are: ${shown(values)}`
      : keys.length > 0
        ? `no node has the label ${key}; there are: ${shown(keys)}`
        : 'no node has a label';
  return new MusterError('invalid_argument', `${nobody}; ${there}`);
}
