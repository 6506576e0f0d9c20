/**
 * How a node looks to people: its row in a table and its details.
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Node } from '../../proto/gen/muster/v1/node_pb.ts';
import { NodeState } from '../../proto/gen/muster/v1/node_pb.ts';
import { enumName } from './enums.ts';
import type { Cell, Column } from './table.ts';
import { harmless } from './table.ts';
import { absolute, labelsText, stateCell, stateText } from './task-view.ts';
import { formatAge } from './time.ts';

/** The columns of `nodeRow`. */
export const NODE_COLUMNS: readonly Column[] = [
  { title: 'ID' },
  { title: 'STATE' },
  { title: 'ACTIVE', align: 'right' },
  { title: 'SLOTS', align: 'right', dropOrder: 2 },
  { title: 'HOST', shrinkTo: 8, dropOrder: 1 },
  { title: 'PLATFORM', dropOrder: 4 },
  { title: 'LABELS', shrinkTo: 8, dropOrder: 5 },
  { title: 'LAST SEEN', align: 'right', dropOrder: 3 },
];

/** Returns the row of a node. */
export function nodeRow(node: Node, nowMs: number): (Cell | string)[] {
  return [
    node.id,
    stateCell(nodeStateName(node)),
    String(node.active),
    String(node.slots),
    node.facts?.hostname ?? '',
    [node.facts?.os, node.facts?.arch].filter((text) => text).join('/'),
    labelsText(node.labels),
    node.lastSeenAt === undefined ? 'never' : formatAge(timestampMs(node.lastSeenAt), nowMs),
  ];
}

/** Returns the details of a node, name by name; an empty value is not to be shown. */
export function nodeDetails(node: Node, nowMs: number): [string, string][] {
  const { facts } = node;
  return [
    ['ID', node.id],
    ['State', stateText(nodeStateName(node))],
    ['Slots', `${node.active} of ${node.slots} in use`],
    ['Labels', labelsText(node.labels)],
    ['Given', labelsText(node.serverLabels)],
    ['Host', harmless(facts?.hostname ?? '')],
    ['Addresses', harmless((facts?.addresses ?? []).join(' '))],
    [
      'System',
      harmless([facts?.os, facts?.osRelease, facts?.arch].filter((text) => text).join(' ')),
    ],
    ['Cores', facts === undefined ? '' : String(facts.cores)],
    [
      'Memory',
      facts === undefined ? '' : `${(Number(facts.memoryBytes) / 2 ** 30).toFixed(1)} GiB`,
    ],
    [
      'Agent',
      harmless(
        [facts?.agentVersion, facts?.runtime, facts?.runtimeVersion]
          .filter((text) => text)
          .join(' '),
      ),
    ],
    ['Handlers', harmless((facts?.handlers ?? []).join(' '))],
    ['Epoch', String(node.epoch)],
    ['Boot', harmless(node.bootId)],
    ['Supervisor', harmless(node.supervisorId)],
    ['Created', absolute(node.createdAt, nowMs)],
    ['Connected', absolute(node.connectedAt, nowMs)],
    ['Last seen', absolute(node.lastSeenAt, nowMs)],
  ];
}

function nodeStateName(node: Node): string {
  return enumName(NodeState, node.state);
}
