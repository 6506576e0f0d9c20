/**
 * How a node looks to people: its row in a table and its details.
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Node } from '../../proto/gen/muster/v1/node_pb.ts';
import { DrainEnd, DrainState, NodeState } from '../../proto/gen/muster/v1/node_pb.ts';
import { enumName } from './enums.ts';
import type { Cell, Column } from './table.ts';
import { harmless } from './table.ts';
import { absolute, labelsText, stateCell, stateText } from './task-view.ts';
import { formatAge, formatTime } from './time.ts';

/** The columns of `nodeRow`. */
export const NODE_COLUMNS: readonly Column[] = [
  { title: 'ID' },
  { title: 'STATE' },
  { title: 'DRAIN', dropOrder: 6 },
  { title: 'ACTIVE', align: 'right' },
  { title: 'SLOTS', align: 'right', dropOrder: 2 },
  { title: 'HOST', shrinkTo: 8, dropOrder: 1 },
  { title: 'PLATFORM', dropOrder: 4 },
  { title: 'LABELS', shrinkTo: 8, dropOrder: 5 },
  { title: 'LAST SEEN', align: 'right', dropOrder: 3 },
];

/** What `nodeWideCells` adds to a row. */
export const NODE_WIDE_COLUMNS: readonly Column[] = [
  { title: 'CPU', align: 'right' },
  { title: 'LOAD', align: 'right' },
  { title: 'MEMORY', align: 'right' },
  { title: 'DISK', align: 'right' },
];

/** Returns how busy and how full a host is, in shares. */
export function nodeWideCells({ metrics }: Node): string[] {
  if (metrics === undefined) return ['', '', '', ''];
  const { memoryUsedBytes, memoryTotalBytes, diskUsedBytes, diskTotalBytes } = metrics;
  return [
    shareText(metrics.cpuShare),
    metrics.load1.toFixed(2),
    ratioText(memoryUsedBytes, memoryTotalBytes),
    ratioText(diskUsedBytes, diskTotalBytes),
  ];
}

/** Returns the row of a node. */
export function nodeRow(node: Node, nowMs: number): (Cell | string)[] {
  return [
    node.id,
    stateCell(nodeStateName(node)),
    node.drain === undefined ? '' : enumName(DrainState, node.drain.state),
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
    ['Drain', drainText(node)],
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
    ...metricsDetails(node, nowMs),
    ['Handlers', harmless((facts?.handlers ?? []).join(' '))],
    ['Epoch', String(node.epoch)],
    ['Boot', harmless(node.bootId)],
    ['Supervisor', harmless(node.supervisorId)],
    ['Created', absolute(node.createdAt, nowMs)],
    ['Connected', absolute(node.connectedAt, nowMs)],
    ['Last seen', absolute(node.lastSeenAt, nowMs)],
  ];
}

/** How far the drain of a node is; empty without one. */
export function drainText({ drain, active }: Node): string {
  if (drain === undefined) return '';
  const { state, deadlineAt, onDeadline, requestedBy, note } = drain;
  const parts = [enumName(DrainState, state)];
  if (state !== DrainState.DRAINED || active > 0) {
    parts.push(`${active} ${active === 1 ? 'task' : 'tasks'} at work`);
  }
  if (state === DrainState.DRAINING && deadlineAt !== undefined) {
    const then = onDeadline === DrainEnd.LEAVE ? 'left' : 'stopped';
    parts.push(`${then} at ${formatTime(timestampMs(deadlineAt))}`);
  }
  parts.push(`asked for by ${requestedBy}${note === '' ? '' : `: ${note}`}`);
  return harmless(parts.join(', '));
}

function metricsDetails({ metrics }: Node, nowMs: number): [string, string][] {
  if (metrics === undefined) return [];
  const { load1, load5, load15 } = metrics;
  const used = (part: bigint, whole: bigint) =>
    whole === 0n
      ? ''
      : `${bytesText(Number(part))} of ${bytesText(Number(whole))} (${ratioText(part, whole)})`;
  const age =
    metrics.at === undefined ? '' : `, measured ${formatAge(timestampMs(metrics.at), nowMs)}`;
  return [
    ['In use', `${shareText(metrics.cpuShare)} of the cores${age}`],
    ['Load', [load1, load5, load15].map((load) => load.toFixed(2)).join(' ')],
    ['Memory used', used(metrics.memoryUsedBytes, metrics.memoryTotalBytes)],
    ['Disk used', used(metrics.diskUsedBytes, metrics.diskTotalBytes)],
  ];
}

/** Returns a share as people write it: `12 %`. */
export function shareText(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function ratioText(part: bigint, whole: bigint): string {
  return whole === 0n ? '' : shareText(Number(part) / Number(whole));
}

/** Returns an amount of bytes: `512 MiB`, `3.2 GiB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

function nodeStateName(node: Node): string {
  return enumName(NodeState, node.state);
}
