/**
 * Gives every state and edge of a chart its place, by the layered layout of ELK (https://eclipse.dev/elk).
 *
 * Computed on the server, because ELK is larger than the whole console, and once for each definition. Lengths are pixels at 100 %.
 */
import Elk from 'elkjs';
import type { ElkExtendedEdge, ElkNode } from 'elkjs';
import type { Chart, ChartEdge, ChartState } from '../../machines/chart.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

/** Where a state stands; from the corner of the whole. */
export type PlacedState = ChartState & Box;

export interface PlacedEdge extends ChartEdge {
  /** From the border of one state to that of the other, at least two. */
  readonly points: readonly Point[];
  /** What stands at it: a line for each event. */
  readonly label: Box & { readonly lines: readonly string[] };
}

export interface Layout {
  readonly chart: Chart;
  readonly width: number;
  readonly height: number;
  readonly states: readonly PlacedState[];
  readonly edges: readonly PlacedEdge[];
}

/** Width of a character of the labels; they are set in a font of one width. */
const CHARACTER = 6.2;
const LINE_HEIGHT = 13;
const STATE_CHARACTER = 7.4;
const STATE_HEIGHT = 34;
/** Room for the name of a state around others. */
const TITLE_HEIGHT = 26;
const MARGIN = 16;

const OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.layered.spacing.nodeNodeBetweenLayers': '40',
  'elk.spacing.nodeNode': '26',
  'elk.spacing.edgeLabel': '4',
  'elk.spacing.edgeEdge': '12',
  'elk.spacing.edgeNode': '16',
  'elk.layered.spacing.edgeNodeBetweenLayers': '16',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '12',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
  'elk.layered.cycleBreaking.strategy': 'MODEL_ORDER',
  'elk.padding': `[top=${MARGIN},left=${MARGIN},bottom=${MARGIN},right=${MARGIN}]`,
};

/** Lays a chart out. The same chart gives the same layout. */
export async function layOut(chart: Chart): Promise<Layout> {
  const root: ElkNode = await new Elk.default().layout({
    id: '',
    layoutOptions: OPTIONS,
    children: childrenOf(chart, ''),
    edges: chart.edges.map((edge, index) => elkEdge(edge, index)),
  });
  const boxes = new Map<string, Box>();
  collectBoxes(root, { x: 0, y: 0 }, boxes);
  return {
    chart,
    width: root.width ?? 0,
    height: root.height ?? 0,
    states: chart.states.map((state) => ({ ...state, ...(boxes.get(state.path) as Box) })),
    edges: (root.edges ?? []).map((placed, index) =>
      placeEdge(chart.edges[index] as ChartEdge, placed, boxes),
    ),
  };
}

function childrenOf(chart: Chart, parent: string): ElkNode[] {
  return chart.states
    .filter((state) => state.parent === parent)
    .map((state) => {
      if (state.kind !== 'compound') {
        const width = Math.max(state.name.length * STATE_CHARACTER + 30, 72);
        return { id: state.path, width, height: STATE_HEIGHT };
      }
      const padding = `[top=${TITLE_HEIGHT + MARGIN},left=${MARGIN},bottom=${MARGIN},right=${MARGIN}]`;
      return {
        id: state.path,
        layoutOptions: { 'elk.padding': padding },
        children: childrenOf(chart, state.path),
      };
    });
}

/** The lines of a label: each event once; what is taken at once is named by its conditions. */
function linesOf({ triggers }: ChartEdge): string[] {
  const lines = triggers.map(({ event, guard }) =>
    event !== '' ? event : guard === '' ? 'else' : `[${guard}]`,
  );
  return [...new Set(lines)];
}

function elkEdge(edge: ChartEdge, index: number): ElkExtendedEdge {
  const lines = linesOf(edge);
  const longest = Math.max(...lines.map((line) => line.length));
  return {
    id: `e${index}`,
    sources: [edge.from],
    targets: [edge.to],
    labels: [
      {
        text: lines.join('\n'),
        width: longest * CHARACTER + 8,
        height: lines.length * LINE_HEIGHT + 4,
      },
    ],
  };
}

/** ELK places what is inside a state from that state's corner. */
function collectBoxes(node: ElkNode, origin: Point, boxes: Map<string, Box>): void {
  const { x = 0, y = 0, width = 0, height = 0 } = node;
  const here = { x: origin.x + x, y: origin.y + y };
  boxes.set(node.id, { ...here, width, height });
  for (const child of node.children ?? []) collectBoxes(child, here, boxes);
}

/** ELK places an edge from the corner of the innermost state that is around both of its ends. */
function placeEdge(
  edge: ChartEdge,
  placed: ElkExtendedEdge,
  boxes: ReadonlyMap<string, Box>,
): PlacedEdge {
  const { container = '' } = placed as { container?: string };
  const origin = boxes.get(container) ?? { x: 0, y: 0 };
  const moved = ({ x, y }: Point) => ({ x: origin.x + x, y: origin.y + y });
  const [section] = placed.sections ?? [];
  const points =
    section === undefined
      ? []
      : [section.startPoint, ...(section.bendPoints ?? []), section.endPoint].map(moved);
  const { x = 0, y = 0, width = 0, height = 0 } = placed.labels?.[0] ?? {};
  return { ...edge, points, label: { ...moved({ x, y }), width, height, lines: linesOf(edge) } };
}
