/**
 * MachineService: the definitions that run, as diagrams.
 */
import { create } from '@bufbuild/protobuf';
import type { ConnectRouter } from '@connectrpc/connect';
import { machineOf } from '../../machines/catalog.ts';
import { edgeOfStep } from '../../machines/chart.ts';
import type { Trigger } from '../../machines/chart.ts';
import { MusterError } from '../../machines/errors.ts';
import {
  ChartStateKind,
  type Machine,
  MachineSchema,
} from '../../proto/gen/muster/v1/machine_pb.ts';
import { MachineForm, MachineService } from '../../proto/gen/muster/v1/machine_service_pb.ts';
import type { Supervisor, Tasks, TransitionRecord } from '../supervisor/supervisor.ts';
import { type Diagram, diagramOf, machineNames } from '../visualizer/diagrams.ts';
import type { Layout } from '../visualizer/layout.ts';
import { drawMermaid } from '../visualizer/mermaid.ts';
import { drawSvg } from '../visualizer/svg.ts';

/** Steps of a history that are read at once. */
const PAGE = 1_000;

export function routeMachineService(router: ConnectRouter, { tasks }: Supervisor): void {
  router.service(MachineService, {
    async listMachines() {
      const diagrams = await Promise.all(machineNames().map(diagramOf));
      return { machines: diagrams.map(({ layout }) => machineMessage(layout)) };
    },
    exportMachine: async ({ name, form }) => ({
      content: contentOf(await diagramOf(name), form),
    }),
    async drawTask({ id, version }) {
      const { record } = await tasks.get(id.toLowerCase());
      const drawn = version ?? record.version;
      const steps = await stepsOf(tasks, record.id, drawn);
      const last = steps.at(-1);
      // A task whose history has expired is still known as it is.
      const isKnown = last?.version === drawn || drawn === record.version;
      if (!isKnown) {
        throw new MusterError(
          'invalid_argument',
          `Cannot draw task ${record.id}: version ${drawn} is not in its history; it has version ${record.version}`,
        );
      }
      const current = last?.version === drawn ? last.toPath : record.snapshot.path;
      const { layout } = await diagramOf(machineOf(record.type).id);
      return { svg: drawSvg(layout, { current, visits: visitsOf(layout, steps) }), version: drawn };
    },
  });
}

async function stepsOf(tasks: Tasks, id: string, until: number): Promise<TransitionRecord[]> {
  const steps: TransitionRecord[] = [];
  for (;;) {
    const page = await tasks.history(id, steps.at(-1)?.version ?? 0, PAGE);
    steps.push(...page.transitions.filter(({ version }) => version <= until));
    if (!page.hasMore || (steps.at(-1)?.version ?? 0) >= until) return steps;
  }
}

/** How often each edge was taken, by its index. */
function visitsOf(
  { chart }: Layout,
  steps: readonly TransitionRecord[],
): ReadonlyMap<number, number> {
  const visits = new Map<number, number>();
  for (const { fromPath, toPath, event } of steps) {
    const edge = edgeOfStep(chart, { from: fromPath, to: toPath, event: event.type });
    if (edge === null) continue;
    const index = chart.edges.indexOf(edge);
    visits.set(index, (visits.get(index) ?? 0) + 1);
  }
  return visits;
}

function contentOf({ layout, definitionJson }: Diagram, form: MachineForm): string {
  switch (form) {
    case MachineForm.MERMAID:
      return drawMermaid(layout.chart);
    case MachineForm.XSTATE:
      return definitionJson;
    default:
      return drawSvg(layout);
  }
}

const KINDS = {
  atomic: ChartStateKind.ATOMIC,
  compound: ChartStateKind.COMPOUND,
  final: ChartStateKind.FINAL,
} as const;

function machineMessage({ chart, width, height, states, edges }: Layout): Machine {
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
