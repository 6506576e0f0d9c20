/** Counts over time as bars, drawn by uPlot, which is loaded when the first chart is shown; and as a table for those who ask. */
import { useEffect, useRef, useState } from 'react';
import type uPlot from 'uplot';
import { absoluteText } from '../../ui/time.tsx';
import type { Span } from './spans.ts';

interface ChartProps {
  /** What is shown, for those who cannot see it. */
  readonly label: string;
  readonly spans: readonly Span[];
  readonly spanMs: number;
}

const HEIGHT = 180;

export function Chart({ label, spans, spanMs }: ChartProps) {
  const [hovered, setHovered] = useState<number | null>(null);
  const place = useRef<HTMLDivElement>(null);
  usePlot(place, spans, spanMs, setHovered);
  const shown = hovered === null ? null : (spans[hovered] ?? null);
  return (
    <figure className="flex flex-col gap-1 px-4 py-3">
      <figcaption className="flex flex-wrap items-baseline gap-x-4 text-xs text-soft">
        <Legend color="bg-live" name="created" value={shown?.created} />
        <Legend color="bg-good" name="completed" value={shown?.completed} />
        <Legend color="bg-bad" name="failed" value={shown?.failed} />
        <span className="grow" />
        <span className="tabular-nums">
          {shown === null ? '' : absoluteText(shown.at).slice(5, 16)}
        </span>
      </figcaption>
      <div
        ref={place}
        role="img"
        aria-label={`${label}. ${summaryOf(spans)}`}
        className="h-[180px]"
      />
      <AsTable label={label} spans={spans} />
    </figure>
  );
}

function Legend({
  color,
  name,
  value,
}: {
  readonly color: string;
  readonly name: string;
  readonly value: number | undefined;
}) {
  return (
    <span className="inline-flex items-center gap-1.5">
      <span aria-hidden className={`size-2.5 rounded-sm ${color}`} />
      {name}
      {value === undefined ? null : <span className="text-text tabular-nums">{value}</span>}
    </span>
  );
}

function summaryOf(spans: readonly Span[]): string {
  const sum = (of: (span: Span) => number) =>
    spans.reduce((all, span) => all + of(span), 0).toLocaleString('en');
  return `${sum((span) => span.created)} created, ${sum((span) => span.completed)} completed, ${sum((span) => span.failed)} failed`;
}

function AsTable({ label, spans }: { readonly label: string; readonly spans: readonly Span[] }) {
  return (
    <details className="text-xs text-soft">
      <summary className="cursor-pointer">{summaryOf(spans)}</summary>
      <div className="mt-2 max-h-48 overflow-auto">
        <table className="w-full tabular-nums">
          <caption className="sr-only">{label}</caption>
          <thead>
            <tr className="text-left">
              {['from', 'created', 'completed', 'failed'].map((name) => (
                <th key={name} scope="col" className="py-0.5 font-medium">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {spans.toReversed().map(({ at, created, completed, failed }) => (
              <tr key={at}>
                <th scope="row" className="py-0.5 text-left font-normal">
                  {absoluteText(at).slice(0, 16)}
                </th>
                <td>{created}</td>
                <td>{completed}</td>
                <td>{failed}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

/** Keeps a plot in a place: made anew with the colours of each theme, of the width that there is. */
function usePlot(
  place: React.RefObject<HTMLDivElement | null>,
  spans: readonly Span[],
  spanMs: number,
  onHover: (index: number | null) => void,
): void {
  const plot = useRef<uPlot | null>(null);
  const data = useRef(spans);
  data.current = spans;
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    let isOver = false;
    const draw = async () => {
      const { makePlot } = await import('./plot.ts');
      if (isOver) return;
      plot.current?.destroy();
      plot.current = makePlot(element, data.current, HEIGHT, spanMs, onHover);
    };
    void draw();
    const themes = new MutationObserver(() => void draw());
    themes.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    const sizes = new ResizeObserver(() => {
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    sizes.observe(element);
    return () => {
      isOver = true;
      themes.disconnect();
      sizes.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [place, spanMs, onHover]);
  useEffect(() => {
    if (plot.current === null) return;
    void import('./plot.ts').then(({ columnsOf }) =>
      plot.current?.setData(columnsOf(spans, spanMs)),
    );
  }, [spans, spanMs]);
}
