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
import type { NodeMetrics, NodeRecord, NodeState as StateName } from '../supervisor/supervisor.ts';
import { timestampOf } from './times.ts';

const STATES: Readonly<Record<StateName, NodeState>> = {
  online: NodeState.ONLINE,
  unreachable: NodeState.UNREACHABLE,
  offline: NodeState.OFFLINE,
};

/** Names the states that a filter asks for; unspecified ones are no condition. */
export function stateNamesOf(states: readonly NodeState[]): StateName[] {
  const entries = Object.entries(STATES) as [StateName, NodeState][];
  return entries.filter(([, state]) => states.includes(state)).map(([name]) => name);
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

const DRAIN_STATES: Readonly<Record<string, DrainState>> = {
  draining: DrainState.DRAINING,
  stopping: DrainState.STOPPING,
  drained: DrainState.DRAINED,
};

function drainOf({ actor }: NodeRecord): NodeDrain | undefined {
  if (actor === null || actor.context.drain === null) return undefined;
  const { drain, active, drainedAt } = actor.context;
  return create(NodeDrainSchema, {
    state: DRAIN_STATES[actor.path] ?? DrainState.UNSPECIFIED,
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
