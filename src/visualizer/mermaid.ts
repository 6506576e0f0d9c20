/**
 * Writes a chart as a Mermaid state diagram (https://mermaid.js.org/syntax/stateDiagram.html), for documents that draw those.
 */
import type { Chart, ChartEdge, ChartState } from '../../machines/chart.ts';

/** Returns the whole diagram, with its last line end. */
export function drawMermaid(chart: Chart): string {
  return `${['stateDiagram-v2', ...statesIn(chart, '', '  '), ...chart.edges.map(edgeLine)].join('\n')}\n`;
}

function statesIn(chart: Chart, parent: string, indent: string): string[] {
  return chart.states
    .filter((state) => state.parent === parent)
    .flatMap((state) => {
      const lines = [`${indent}state "${state.name}" as ${idOf(state.path)}`];
      if (state.kind === 'compound') {
        lines[0] += ' {';
        lines.push(...statesIn(chart, state.path, `${indent}  `), `${indent}}`);
      }
      if (state.isInitial) lines.push(`${indent}[*] --> ${idOf(state.path)}`);
      if (state.kind === 'final') lines.push(`${indent}${idOf(state.path)} --> [*]`);
      return lines;
    });
}

function edgeLine({ from, to, triggers }: ChartEdge): string {
  const texts = triggers.map(({ event, guard }) => event || (guard === '' ? 'else' : guard));
  return `  ${idOf(from)} --> ${idOf(to)}: ${[...new Set(texts)].join(', ')}`;
}

/** Dots mean something else there. */
function idOf(path: ChartState['path']): string {
  return path.replaceAll('.', '_');
}
