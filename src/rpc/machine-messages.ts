/**
 * Machines as messages: their diagrams, their versions, and how often their edges were taken.
 */
import { create } from '@bufbuild/protobuf';
import { edgeOfStep } from '../../machines/chart.ts';
import type { Chart, ChartStep, Trigger } from '../../machines/chart.ts';
import {
  ChartStateKind,
  type EdgeCount,
  EdgeCountSchema,
  type Machine,
  type MachineCounts,
  MachineCountsSchema,
  MachineSchema,
  type MachineVersion,
  MachineVersionSchema,
} from '../../proto/gen/muster/v1/machine_pb.ts';
import { RUNNING_DEFINITIONS } from '../supervisor/machines.ts';
import type { MachineVersion as KnownVersion } from '../supervisor/supervisor.ts';
import type { Layout } from '../visualizer/layout.ts';
import { timestampOf } from './times.ts';

const KINDS = {
  atomic: ChartStateKind.ATOMIC,
  compound: ChartStateKind.COMPOUND,
  final: ChartStateKind.FINAL,
} as const;

export function machineMessage({ chart, width, height, states, edges }: Layout): Machine {
  return create(MachineSchema, {
    name: chart.name,
    version: chart.version,
    width,
    height,
    states: states.map(({ kind, isInitial, inner, entry, ...state }) => ({
      ...state,
      kind: KINDS[kind],
      initial: isInitial,
      entry: [...entry],
      inner: inner.map(triggerMessage),
    })),
    edges: edges.map(({ from, to, triggers, points, label }) => ({
      from,
      to,
      triggers: triggers.map(triggerMessage),
      points: [...points],
      label: [...label.lines],
      labelX: label.x,
      labelY: label.y,
      labelWidth: label.width,
      labelHeight: label.height,
    })),
  });
}

function triggerMessage({ event, guard, actions }: Trigger) {
  return { event, guard, actions: [...actions] };
}

export function versionMessage({
  machine,
  version,
  hash,
  firstSeenAt,
}: KnownVersion): MachineVersion {
  return create(MachineVersionSchema, {
    name: machine,
    version,
    hash,
    firstSeenAt: timestampOf(firstSeenAt),
    running: RUNNING_DEFINITIONS.some((one) => one.hash === hash),
  });
}

/**
 * Adds steps up by the edges that they have taken in a chart.
 *
 * What takes none is counted apart: an event that left its state as it was, or a step of a definition that has other edges.
 */
export function countsMessage(
  chart: Chart,
  steps: readonly (ChartStep & { readonly steps: number })[],
): MachineCounts {
  const edges = new Map<string, EdgeCount>();
  let otherSteps = 0n;
  for (const step of steps) {
    const edge = edgeOfStep(chart, step);
    if (edge === null) {
      otherSteps += BigInt(step.steps);
      continue;
    }
    const { from, to } = edge;
    const { event } = step;
    const key = `${from}>${to} ${event}`;
    const count = edges.get(key) ?? create(EdgeCountSchema, { from, to, event });
    count.count += BigInt(step.steps);
    edges.set(key, count);
  }
  const places = new Map(chart.edges.map(({ from, to }, index) => [`${from}>${to}`, index]));
  const placeOf = ({ from, to }: EdgeCount) => places.get(`${from}>${to}`) ?? 0;
  const inOrder = [...edges.values()].sort((a, b) => placeOf(a) - placeOf(b));
  return create(MachineCountsSchema, { name: chart.name, edges: inOrder, otherSteps });
}
