/** The charts of the overview by uPlot. Loaded by chart.tsx when it is needed. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { absoluteText } from '../../ui/time.tsx';
import type { Span } from './spans.ts';

/** Bars reach down to 0: created behind completed and failed together, and these behind failed. */
export function columnsOf(spans: readonly Span[], spanMs: number): uPlot.AlignedData {
  return [
    // In the middle of its span.
    spans.map(({ at }) => (at + spanMs / 2) / 1000),
    spans.map(({ created }) => created),
    spans.map(({ completed, failed }) => completed + failed),
    spans.map(({ failed }) => failed),
  ];
}

export function makePlot(
  element: HTMLElement,
  spans: readonly Span[],
  height: number,
  spanMs: number,
  onHover: (index: number | null) => void,
): uPlot {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const bars = uPlot.paths.bars?.({ size: [0.8, 40] });
  const series = (name: string) => ({
    fill: color(name),
    stroke: color(name),
    width: 0,
    points: { show: false },
    ...(bars === undefined ? {} : { paths: bars }),
  });
  const axis = {
    stroke: color('soft'),
    font: '11px ui-sans-serif, system-ui, sans-serif',
    grid: { stroke: color('line'), width: 1, dash: [2, 3] },
    ticks: { show: false },
  };
  const half = spanMs / 2000;
  return new uPlot(
    {
      width: element.clientWidth,
      height,
      legend: { show: false },
      cursor: { y: false, drag: { setScale: false }, points: { show: false } },
      scales: {
        x: { range: (_plot, min, max) => [min - half, max + half] },
        y: { range: (_plot, _min, max) => [0, Math.max(max * 1.05, 4)] },
      },
      axes: [
        { ...axis, grid: { show: false }, size: 26, values: (_plot, times) => times.map(clock) },
        { ...axis, size: 44, incrs: INCREMENTS, values: (_plot, values) => values.map(short) },
      ],
      series: [{}, series('live'), series('good'), series('bad')],
      hooks: { setCursor: [({ cursor: { idx } }) => onHover(idx ?? null)] },
    },
    columnsOf(spans, spanMs),
    element,
  );
}

/** Counts are whole. */
const INCREMENTS = Array.from({ length: 9 }, (_, power) => 10 ** power).flatMap((ten) => [
  ten,
  2 * ten,
  5 * ten,
]);

/** Hours and minutes, in the zone of the browser. */
function clock(seconds: number): string {
  return absoluteText(seconds * 1000).slice(11, 16);
}

function short(value: number): string {
  if (value >= 1_000_000) return `${value / 1_000_000} M`;
  return value >= 1_000 ? `${value / 1_000} k` : String(value);
}
