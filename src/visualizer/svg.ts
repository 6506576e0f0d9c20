/**
 * Draws a layout as an SVG document of its own: for files, documents and the command line. The console draws the same layout itself.
 *
 * Colours follow the reader's scheme, light or dark. What is lit and counted is given from outside.
 */
import type { Layout, PlacedEdge, PlacedState, Point } from './layout.ts';

/** What of a chart is to be shown beside its shape. */
export interface Overlay {
  /** Path of the current state; empty for none. */
  readonly current?: string;
  /** How often each edge was taken, by its index. */
  readonly visits?: ReadonlyMap<number, number>;
}

const STYLE = `
  :root { color-scheme: light dark; }
  .paper { fill: #ffffff; }
  text { font: 12px ui-sans-serif, system-ui, sans-serif; fill: #1f2937; }
  .label text { font: 10.5px ui-monospace, SFMono-Regular, Menlo, monospace; fill: #4b5563; }
  .label rect { fill: #ffffff; fill-opacity: 0.86; }
  .state rect { fill: #f8fafc; stroke: #94a3b8; stroke-width: 1.2; }
  .compound > rect { fill: #f1f5f9; fill-opacity: 0.55; stroke-dasharray: 5 3; }
  .compound > text { font-weight: 600; fill: #64748b; }
  .final .inner { fill: none; }
  .edge path { fill: none; stroke: #94a3b8; stroke-width: 1.2; }
  .edge .head { fill: #94a3b8; stroke: none; }
  .visited path { stroke: #2563eb; stroke-width: 2; }
  .visited .head, .count circle { fill: #2563eb; stroke: none; }
  .count text { font-size: 9.5px; font-weight: 700; fill: #ffffff; text-anchor: middle; }
  .current > rect { fill: #dbeafe; stroke: #2563eb; stroke-width: 2.4; }
  .start { fill: #64748b; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0b1220; }
    text { fill: #e5e7eb; }
    .label text { fill: #9ca3af; }
    .label rect { fill: #0b1220; }
    .state rect { fill: #111c2f; stroke: #475569; }
    .compound > rect { fill: #0f1a2c; }
    .compound > text { fill: #94a3b8; }
    .edge path { stroke: #475569; }
    .edge .head { fill: #475569; }
    .visited path { stroke: #60a5fa; }
    .visited .head, .count circle { fill: #3b82f6; }
    .current > rect { fill: #172e57; stroke: #60a5fa; }
  }`;

/** Returns the whole document. */
export function drawSvg(layout: Layout, overlay: Overlay = {}): string {
  const { width, height, chart, states, edges } = layout;
  const size = `width="${Math.ceil(width)}" height="${Math.ceil(height)}" viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}"`;
  const compounds = states.filter(({ kind }) => kind === 'compound');
  const others = states.filter(({ kind }) => kind !== 'compound');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">`,
    `<title>The ${escape(chart.name)} machine, version ${escape(chart.version)}</title>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="paper" width="100%" height="100%"/>`,
    ...compounds.map((state) => drawState(state, overlay)),
    ...edges.map((edge, index) => drawEdge(edge, overlay.visits?.get(index) ?? 0)),
    ...others.map((state) => drawState(state, overlay)),
    ...edges.map((edge, index) => drawLabel(edge, overlay.visits?.get(index) ?? 0)),
    '</svg>',
    '',
  ].join('\n');
}

function drawState(state: PlacedState, { current = '' }: Overlay): string {
  const { x, y, width, height, kind, name, path, isInitial } = state;
  const isLit = path === current;
  const classes = ['state', kind, ...(isLit ? ['current'] : [])].join(' ');
  const parts = [
    `<rect x="${r(x)}" y="${r(y)}" width="${r(width)}" height="${r(height)}" rx="8"/>`,
  ];
  if (kind === 'final') {
    const inset = { x: x + 3, y: y + 3, width: width - 6, height: height - 6 };
    parts.push(
      `<rect class="inner" x="${r(inset.x)}" y="${r(inset.y)}" width="${r(inset.width)}" height="${r(inset.height)}" rx="6"/>`,
    );
  }
  if (isInitial) parts.push(`<circle class="start" cx="${r(x)}" cy="${r(y)}" r="4"/>`);
  parts.push(
    kind === 'compound'
      ? `<text x="${r(x + 12)}" y="${r(y + 18)}">${escape(name)}</text>`
      : `<text x="${r(x + width / 2)}" y="${r(y + height / 2 + 4)}" text-anchor="middle">${escape(name)}</text>`,
  );
  return `<g class="${classes}" data-path="${escape(path)}">${parts.join('')}</g>`;
}

function drawEdge({ points, from, to }: PlacedEdge, visits: number): string {
  const [last, before] = [points.at(-1), points.at(-2)];
  if (last === undefined || before === undefined) return '';
  const line = points
    .map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${r(x)} ${r(y)}`)
    .join(' ');
  const classes = visits > 0 ? 'edge visited' : 'edge';
  const head = `<path class="head" d="${headOf(before, last)}"/>`;
  return `<g class="${classes}" data-edge="${escape(`${from}>${to}`)}"><path d="${line}"/>${head}</g>`;
}

/** A triangle at the end of a line. */
function headOf(before: Point, end: Point): string {
  const length = Math.hypot(end.x - before.x, end.y - before.y) || 1;
  const [ux, uy] = [(end.x - before.x) / length, (end.y - before.y) / length];
  const base = { x: end.x - ux * 8, y: end.y - uy * 8 };
  const side = (sign: number) => `${r(base.x - uy * 4 * sign)} ${r(base.y + ux * 4 * sign)}`;
  return `M${r(end.x)} ${r(end.y)} L${side(1)} L${side(-1)} Z`;
}

function drawLabel({ label }: PlacedEdge, visits: number): string {
  const { x, y, width, height, lines } = label;
  const texts = lines.map(
    (line, index) => `<text x="${r(x + 4)}" y="${r(y + 11 + index * 13)}">${escape(line)}</text>`,
  );
  const back = `<rect x="${r(x)}" y="${r(y)}" width="${r(width)}" height="${r(height)}" rx="3"/>`;
  const count =
    visits === 0
      ? ''
      : `<g class="count"><circle cx="${r(x + width)}" cy="${r(y)}" r="8"/><text x="${r(x + width)}" y="${r(y + 3.4)}">${visits}</text></g>`;
  return `<g class="label">${back}${texts.join('')}${count}</g>`;
}

/** Two digits behind the point are enough for a screen. */
function r(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
