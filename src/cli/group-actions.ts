/** What `muster group …` does: one call each, and how its answer looks. */
import { create } from '@bufbuild/protobuf';
import { foldNodes } from './fold-nodes.ts';
import {
  type Group,
  GroupSchema,
  ListGroupsResponseSchema,
} from '../../proto/gen/muster/v1/group_service_pb.ts';
import type { ClientFlags } from './client-flags.ts';
import { type Connection, unary, withConnection } from './connection.ts';
import { EXIT } from './exit.ts';
import { CliFault, UsageFault } from './fault.ts';
import {
  messageJson,
  outputForm,
  printDeleted,
  printDetails,
  printDocument,
  printLines,
  printTable,
} from './output.ts';
import { type SelectionFlags, selectionOf } from './selection-flags.ts';
import { note } from './sink.ts';
import { harmless } from './table.ts';

export interface GroupFlags extends ClientFlags {
  readonly parent?: string;
  readonly description?: string;
}

/** Takes the parent away: the group is at the top. */
const NONE = 'none';

const COLUMNS = [
  { title: 'NAME' },
  { title: 'PARENT' },
  { title: 'NODES', align: 'right' },
  { title: 'TOTAL', align: 'right' },
  { title: 'DESCRIPTION', shrinkTo: 8 },
] as const;

/** Creates a group; returns the exit code, as all of these do. */
export async function createGroup(name: string, flags: GroupFlags): Promise<number> {
  const { parent = '', description = '' } = flags;
  return await showAnswer(flags, ({ groups }) =>
    groups.createGroup({ name, parent, description }, unary),
  );
}

/** Changes what the flags name. */
export async function updateGroup(name: string, flags: GroupFlags): Promise<number> {
  const changes = {
    ...(flags.parent === undefined ? {} : { parent: flags.parent === NONE ? '' : flags.parent }),
    ...(flags.description === undefined ? {} : { description: flags.description }),
  };
  return await showAnswer(flags, ({ groups }) => groups.updateGroup({ name, ...changes }, unary));
}

/** Shows a group. */
export async function getGroup(name: string, flags: ClientFlags): Promise<number> {
  return await showAnswer(flags, ({ groups }) => groups.getGroup({ name }, unary));
}

/** Lists all groups. */
export async function listGroups(flags: ClientFlags): Promise<number> {
  const form = outputForm(flags.output);
  return await withConnection(flags, async (connection) => {
    const { groups } = await connection.groups.listGroups({}, unary);
    if (form === 'json') {
      const all = create(ListGroupsResponseSchema, { groups });
      await printDocument(messageJson(ListGroupsResponseSchema, all));
    } else if (form === 'jsonl')
      await printLines(groups.map((one) => messageJson(GroupSchema, one)));
    else if (groups.length === 0) await note('there are no groups');
    else await printTable(COLUMNS, groups.map(rowOf));
    return EXIT.ok;
  });
}

/** Deletes a group. */
export async function deleteGroup(name: string, flags: ClientFlags): Promise<number> {
  const form = outputForm(flags.output);
  return await withConnection(flags, async ({ groups }) => {
    await groups.deleteGroup({ name }, unary);
    await printDeleted(form, 'name', name);
    return EXIT.ok;
  });
}

/** Puts the selected nodes into a group. */
export async function addToGroup(
  name: string,
  nodes: readonly string[],
  flags: ClientFlags & SelectionFlags,
): Promise<number> {
  return await showAnswer(flags, async ({ groups }) => {
    const answer = await groups.addToGroup({ name, selection: chosenBy(nodes, flags) }, unary);
    await note(`${answer.added} added`);
    return answer;
  });
}

/** Takes the selected nodes out of a group. */
export async function removeFromGroup(
  name: string,
  nodes: readonly string[],
  flags: ClientFlags & SelectionFlags,
): Promise<number> {
  return await showAnswer(flags, async ({ groups }) => {
    const answer = await groups.removeFromGroup({ name, selection: chosenBy(nodes, flags) }, unary);
    await note(`${answer.removed} removed`);
    return answer;
  });
}

/** @throws UsageFault when neither a word nor a flag chooses a node */
function chosenBy(
  words: readonly string[],
  flags: SelectionFlags,
): NonNullable<ReturnType<typeof selectionOf>> {
  const selection = selectionOf({ ...flags, nodes: [...words, ...(flags.nodes ?? [])] });
  if (selection === null) throw new UsageFault('choose nodes by name, or with -l, -g or --all');
  return selection;
}

async function showAnswer(
  flags: ClientFlags,
  call: (connection: Connection) => Promise<{ group?: Group | undefined }>,
): Promise<number> {
  const form = outputForm(flags.output);
  return await withConnection(flags, async (connection) => {
    const { group } = await call(connection);
    if (group === undefined) throw new CliFault('the supervisor has returned no group');
    if (form === 'json') await printDocument(messageJson(GroupSchema, group));
    else if (form === 'jsonl') await printLines([messageJson(GroupSchema, group)]);
    else await printDetails(detailsOf(group));
    return EXIT.ok;
  });
}

function rowOf(group: Group): string[] {
  const { name, parent, nodes, totalNodes, description } = group;
  return [name, parent, String(nodes.length), String(totalNodes), description];
}

function detailsOf(group: Group): [string, string][] {
  return [
    ['Name', group.name],
    ['Parent', group.parent],
    ['Description', harmless(group.description)],
    ['Nodes', foldNodes(group.nodes)],
    ['Total', `${group.totalNodes} with the groups below`],
  ];
}
