/** Curves over time, drawn by uPlot in the colours of the theme. Heavy: load it lazily. Say the same in words beside it. */
import { useEffect, useRef, useSyncExternalStore } from 'react';
import UPlot from 'uplot';
import { timeRange } from './time-range.ts';
import 'uplot/dist/uPlot.min.css';

/** A name of a colour in theme.css, and how the line is dashed, so that it is told apart without it. */
export interface Curve {
  readonly label: string;
  readonly color: string;
  readonly dash?: readonly number[];
  readonly values: readonly (number | null)[];
}

const HEIGHT = 180;
/** Of a text at an axis, about. */
const LETTER_PX = 6;
/** Values that are drawn as points as well. */
const FEW = 40;
/** How the mark in the legend is drawn, by the first length of the dashes. */
const BORDERS: Readonly<Record<number, string>> = { 0: 'solid', 2: 'dotted', 6: 'dashed' };

interface Look {
  readonly format: (value: number) => string;
  readonly max: number | null;
  readonly span: number;
  readonly steps: readonly number[] | null;
}

function useSchemeName(): string {
  return useSyncExternalStore(
    (listener) => {
      const observer = new MutationObserver(listener);
      observer.observe(document.documentElement, { attributeFilter: ['data-theme'] });
      return () => observer.disconnect();
    },
    () => document.documentElement.dataset['theme'] ?? '',
  );
}

function colorOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/**
 * @param times seconds since 1970, ascending
 * @param span seconds that the chart shows, up to now; more if there are earlier times
 * @param format says a value; must stay the same function
 * @param max the top of the scale; null for what the values need
 * @param steps what may be between two lines of the scale; must stay the same list; null for round numbers
 */
export function LineChart({
  times,
  span,
  curves,
  label,
  format,
  max = null,
  steps = null,
}: {
  readonly times: readonly number[];
  readonly span: number;
  readonly curves: readonly Curve[];
  readonly label: string;
  readonly format: (value: number) => string;
  readonly max?: number | null;
  readonly steps?: readonly number[] | null;
}) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot | null>(null);
  const scheme = useSchemeName();
  const data = [[...times], ...curves.map(({ values }) => [...values])] as UPlot.AlignedData;
  const latest = useRef(data);
  latest.current = data;
  const looks = JSON.stringify([curves.map(({ label: of, color, dash }) => [of, color, dash])]);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const plot = new UPlot(
      optionsOf(curves, { format, max, span, steps, width: element.clientWidth }),
      latest.current,
      element,
    );
    chart.current = plot;
    const observer = new ResizeObserver(() =>
      plot.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
      chart.current = null;
    };
    // The values alone are given to the chart that is there.
  }, [scheme, looks, format, max, span, steps]);
  useEffect(() => chart.current?.setData(latest.current), [data]);
  return (
    <div ref={box} role="img" aria-label={label} className="w-full text-xs [&_.u-legend]:text-xs" />
  );
}

function optionsOf(
  curves: readonly Curve[],
  { format, max, span, steps, width }: Look & { readonly width: number },
): UPlot.Options {
  const axis: UPlot.Axis = {
    stroke: colorOf('soft'),
    grid: { stroke: colorOf('line'), width: 1 },
    ticks: { stroke: colorOf('line'), width: 1, size: 4 },
    font: '11px system-ui, sans-serif',
  };
  return {
    width,
    height: HEIGHT,
    padding: [8, 20, 0, 0],
    // What is shown is the whole span: nothing to be chosen by dragging.
    cursor: { y: false, points: { size: 5 }, drag: { x: false, setScale: false } },
    scales: {
      x: { time: true, range: (plot) => timeRange([...plot.data[0]], span, Date.now() / 1000) },
      y: {
        range: (_plot, _low, high) => [
          0,
          max ?? Math.max((Number.isFinite(high) ? high : 0) * 1.1, 1),
        ],
      },
    },
    legend: {
      markers: { dash: (_plot, index) => BORDERS[curves[index - 1]?.dash?.[0] ?? 0] ?? 'solid' },
    },
    axes: [
      { ...axis, values: '{HH}:{mm}', space: 70, size: 30 },
      {
        ...axis,
        size: (_plot, texts) =>
          Math.max(56, ...(texts ?? []).map((text) => text.length * LETTER_PX + 12)),
        values: (_plot, values) => values.map(format),
        ...(steps === null ? {} : { incrs: [...steps] }),
      },
    ],
    series: [
      { value: '{YYYY}-{MM}-{DD} {HH}:{mm}' },
      ...curves.map(({ label, color, dash }) => ({
        label,
        stroke: colorOf(color),
        width: 1.5,
        // A few values alone are no line.
        points: {
          size: 4,
          show: (_plot: UPlot, _series: number, first: number, last: number) => last - first < FEW,
        },
        ...(dash === undefined ? {} : { dash: [...dash] }),
        value: (_plot: UPlot, value: number | null) => (value === null ? '–' : format(value)),
      })),
    ],
  };
}
