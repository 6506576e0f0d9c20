/** `muster node list`: the hosts, by id, or those in some states or with some labels. */
import { create } from '@bufbuild/protobuf';
import type { Node } from '../../../proto/gen/muster/v1/node_pb.ts';
import { DrainState, NodeSchema, NodeState } from '../../../proto/gen/muster/v1/node_pb.ts';
import { ListNodesResponseSchema } from '../../../proto/gen/muster/v1/node_service_pb.ts';
import type { ClientFlags } from '../client-flags.ts';
import { unary, withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { NODE_COLUMNS, NODE_WIDE_COLUMNS, nodeRow, nodeWideCells } from '../node-view.ts';
import { messageJson, outputForm, printDocument, printLines, printTable } from '../output.ts';
import { parseList, parsePairs } from '../pairs.ts';
import { note } from '../sink.ts';
import { enumValue } from '../enums.ts';

export interface NodeListFlags extends ClientFlags {
  readonly state?: string[];
  readonly label?: string[];
}

const PAGE_SIZE = 200;

/** Lists all nodes that fit; returns the exit code. */
export async function listNodes(flags: NodeListFlags): Promise<number> {
  const isWide = flags.output === 'wide';
  const form = isWide ? 'table' : outputForm(flags.output);
  const filter = { labels: parsePairs(flags.label, '--label'), ...statesOf(flags.state) };
  return await withConnection(flags, async (connection) => {
    const nodes: Node[] = [];
    let pageToken = '';
    do {
      const request = { ...filter, pageSize: PAGE_SIZE, pageToken };
      const page = await connection.nodes.listNodes(request, unary);
      nodes.push(...page.nodes);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    if (form === 'json') {
      await printDocument(
        messageJson(ListNodesResponseSchema, create(ListNodesResponseSchema, { nodes })),
      );
    } else if (form === 'jsonl')
      await printLines(nodes.map((node) => messageJson(NodeSchema, node)));
    else if (nodes.length === 0) await note('no node fits');
    else
      await printTable(
        isWide ? [...NODE_COLUMNS, ...NODE_WIDE_COLUMNS] : NODE_COLUMNS,
        nodes.map((node) => [...nodeRow(node, Date.now()), ...(isWide ? nodeWideCells(node) : [])]),
      );
    return EXIT.ok;
  });
}

const STATES = { ...NodeState, ...DrainState };
const PREFIX = /^(?:NODE|DRAIN)_STATE_/;

/** Reads states of two kinds: whether a node is connected, and whether it takes work. Every node has one of each. */
function statesOf(texts: string[] | undefined): { states: NodeState[]; drainStates: DrainState[] } {
  const names = parseList(texts).map((text) => {
    const [prefix = ''] = PREFIX.exec(text.toUpperCase()) ?? [];
    enumValue(STATES, prefix, text, '--state');
    return text.toUpperCase().slice(prefix.length);
  });
  const ofKind = <Value>(values: Readonly<Record<string, Value>>) =>
    names.flatMap((name) => values[name] ?? []);
  return { states: ofKind(NodeState), drainStates: ofKind(DrainState) };
}
