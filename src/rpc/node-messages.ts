/**
 * Nodes as messages.
 */
import { create, fromJson, type JsonValue } from '@bufbuild/protobuf';
import {
  DrainEnd,
  DrainState,
  type Node,
  type NodeDrain,
  NodeDrainSchema,
  NodeFactsSchema,
  NodeSchema,
  NodeState,
} from '../../proto/gen/muster/v1/node_pb.ts';
import { type HostMetrics, HostMetricsSchema } from '../../proto/gen/muster/v1/node_metrics_pb.ts';
import type {
  NodeFilter,
  NodeMetrics,
  NodeRecord,
  NodeState as StateName,
} from '../supervisor/supervisor.ts';
import type { ListNodesRequest } from '../../proto/gen/muster/v1/node_service_pb.ts';
import { timestampOf } from './times.ts';

const STATES: Readonly<Record<StateName, NodeState>> = {
  online: NodeState.ONLINE,
  unreachable: NodeState.UNREACHABLE,
  offline: NodeState.OFFLINE,
};

type DrainName = NonNullable<NodeFilter['drainStates']>[number];

/** What a request asks for; unspecified states are no condition. */
export function nodeFilterOf({
  labels,
  states,
  drainStates,
}: Pick<ListNodesRequest, 'labels' | 'states' | 'drainStates'>): NodeFilter {
  const stateNames = namesOf(STATES, states);
  const drainNames = namesOf(DRAIN_STATES, drainStates);
  return {
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(stateNames.length === 0 ? {} : { states: stateNames }),
    ...(drainNames.length === 0 ? {} : { drainStates: drainNames }),
  };
}

function namesOf<Name extends string, Value>(
  values: Readonly<Record<Name, Value>>,
  wanted: readonly Value[],
): Name[] {
  const names = Object.keys(values) as Name[];
  return names.filter((name) => wanted.includes(values[name]));
}

export function nodeOf(record: NodeRecord): Node {
  return create(NodeSchema, {
    id: record.id,
    state: stateOf(record),
    labels: { ...record.labels },
    serverLabels: { ...record.serverLabels },
    facts: fromJson(NodeFactsSchema, (record.facts ?? {}) as JsonValue, {
      ignoreUnknownFields: true,
    }),
    slots: record.slots,
    active: record.active,
    epoch: BigInt(record.epoch),
    bootId: record.bootId,
    supervisorId: record.supervisorId ?? '',
    createdAt: timestampOf(record.createdAt),
    connectedAt: timestampOf(record.connectedAt),
    lastSeenAt: timestampOf(record.seenAt),
    drain: drainOf(record),
    ...(record.metrics === null ? {} : { metrics: metricsMessageOf(record.metrics) }),
  });
}

const DRAIN_STATES: Readonly<Record<DrainName, DrainState>> = {
  active: DrainState.ACTIVE,
  draining: DrainState.DRAINING,
  stopping: DrainState.STOPPING,
  drained: DrainState.DRAINED,
};

function drainOf({ actor }: NodeRecord): NodeDrain | undefined {
  if (actor === null || actor.context.drain === null) return undefined;
  const { drain, active, drainedAt } = actor.context;
  return create(NodeDrainSchema, {
    state: DRAIN_STATES[actor.path as DrainName] ?? DrainState.UNSPECIFIED,
    requestedBy: drain.by,
    note: drain.note,
    requestedAt: timestampOf(drain.requestedAt),
    deadlineAt: timestampOf(drain.deadlineAt),
    onDeadline: drain.onDeadline === 'leave' ? DrainEnd.LEAVE : DrainEnd.STOP,
    active,
    drainedAt: timestampOf(drainedAt),
  });
}

export function metricsMessageOf(metrics: NodeMetrics): HostMetrics {
  const { load1, load5, load15, cpuShare } = metrics;
  return create(HostMetricsSchema, {
    at: timestampOf(metrics.at),
    load1,
    load5,
    load15,
    cpuShare,
    memoryUsedBytes: BigInt(metrics.memoryUsed),
    memoryTotalBytes: BigInt(metrics.memoryTotal),
    diskUsedBytes: BigInt(metrics.diskUsed),
    diskTotalBytes: BigInt(metrics.diskTotal),
  });
}

function stateOf(record: NodeRecord): NodeState {
  if (record.leftAt !== null) return NodeState.OFFLINE;
  return record.isAlive ? NodeState.ONLINE : NodeState.UNREACHABLE;
}
