/**
 * MachineService: the definitions that run and have run, as diagrams, and how often their edges are taken.
 */
import type { ConnectRouter } from '@connectrpc/connect';
import { machineOf } from '../../machines/catalog.ts';
import { edgeOfStep } from '../../machines/chart.ts';
import type { Chart } from '../../machines/chart.ts';
import { chartOfDefinition } from '../../machines/definition.ts';
import { MusterError } from '../../machines/errors.ts';
import { MachineForm, MachineService } from '../../proto/gen/muster/v1/machine_service_pb.ts';
import { COUNTED_MACHINES, RUNNING_DEFINITIONS } from '../supervisor/machines.ts';
import type {
  MachineDefinition,
  Machines,
  Supervisor,
  Tasks,
  TransitionRecord,
} from '../supervisor/supervisor.ts';
import { layoutOf, layoutsOf } from '../visualizer/diagrams.ts';
import type { Layout } from '../visualizer/layout.ts';
import { drawMermaid } from '../visualizer/mermaid.ts';
import { drawSvg } from '../visualizer/svg.ts';
import { countsMessage, machineMessage, versionMessage } from './machine-messages.ts';
import { msOfDuration } from './times.ts';

/** Steps of a history that are read at once. */
const PAGE = 1_000;
const DEFAULT_WINDOW_MS = 3_600_000;

export function routeMachineService(router: ConnectRouter, { tasks, machines }: Supervisor): void {
  router.service(MachineService, {
    async listMachines() {
      return { machines: (await layoutsOf(RUNNING_DEFINITIONS)).map(machineMessage) };
    },
    async getMachine({ name, version }) {
      const definition = await machines.definition(name, version.toLowerCase());
      const versions = await machines.versions(name);
      const known = versions.find(({ hash }) => hash === definition.hash);
      return {
        machine: machineMessage(await layoutOf(definition)),
        ...(known === undefined ? {} : { version: versionMessage(known) }),
      };
    },
    async listMachineVersions({ name }) {
      const versions = await machines.versions(name === '' ? null : name);
      // Says which machines there are.
      if (versions.length === 0 && name !== '') await machines.definition(name, '');
      return { versions: versions.map(versionMessage) };
    },
    getMachineCounts: async ({ name, window }) => ({
      machines: await countsOf(
        machines,
        name,
        window === undefined ? DEFAULT_WINDOW_MS : msOfDuration(window),
      ),
    }),
    exportMachine: async ({ name, form, version }) => ({
      content: await contentOf(await machines.definition(name, version.toLowerCase()), form),
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
      const layout = await layoutOf(await machines.definition(machineOf(record.type).id, ''));
      return { svg: drawSvg(layout, { current, visits: visitsOf(layout, steps) }), version: drawn };
    },
  });
}

/** Of the definitions that run; they are asked for every other second by everybody who looks. */
const charts = new Map<string, Chart>();

async function countsOf(machines: Machines, name: string, windowMs: number) {
  if (name !== '') await machines.definition(name, '');
  const counted = RUNNING_DEFINITIONS.filter(
    ({ machine }) => COUNTED_MACHINES.includes(machine) && (name === '' || name === machine),
  );
  const names = counted.map(({ machine }) => machine);
  const steps = names.length === 0 ? [] : await machines.stepCounts(names, windowMs);
  return counted.map(({ machine, json }) => {
    const chart = charts.get(machine) ?? chartOfDefinition(json);
    charts.set(machine, chart);
    return countsMessage(
      chart,
      steps.filter((step) => step.machine === machine),
    );
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

async function contentOf(definition: MachineDefinition, form: MachineForm): Promise<string> {
  switch (form) {
    case MachineForm.MERMAID:
      return drawMermaid(chartOfDefinition(definition.json));
    case MachineForm.XSTATE:
      return definition.json;
    default:
      return drawSvg(await layoutOf(definition));
  }
}
