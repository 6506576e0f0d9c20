/** Attempts as bars over time, one row each. Every phase can be pointed at or tabbed to, and then says its numbers. */
import { useId, useLayoutEffect, useRef, useState } from 'react';
import { absoluteText, durationText } from '../../../ui/time.tsx';
import { LOOKS, type Look } from './looks.ts';
import { type Phase, PHASE_KINDS, type Row, ticksOf } from './phases.ts';

const LABEL_PX = 190;
const END_PX = 96;
const ROW_PX = 34;
const BAR_PX = 18;
const AXIS_PX = 26;
/** A phase of no time is seen all the same. */
const MIN_BAR_PX = 2;
const TICK_PX = 110;

interface Pointed {
  readonly row: Row;
  readonly phase: Phase;
  readonly x: number;
  readonly y: number;
}

export function Gantt({ rows, now }: { readonly rows: readonly Row[]; readonly now: number }) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const [pointed, point] = useState<Pointed | null>(null);
  const from = rows[0]?.phases[0]?.from ?? now;
  const length = Math.max(now - from, 1);
  const plot = Math.max(width - LABEL_PX - END_PX, 100);
  const xOf = (at: number) => LABEL_PX + ((at - from) / length) * plot;
  const height = AXIS_PX + rows.length * ROW_PX + 6;
  return (
    <div className="border-b border-line px-4 py-3">
      <Legend rows={rows} />
      <div ref={box} className="relative mt-2">
        <svg width={width} height={height} role="group" aria-label="Attempts over time">
          <Axis from={from} length={length} plot={plot} height={height} />
          {rows.map((row, at) => (
            <Bars
              key={row.number}
              {...{ row, now, xOf, point, width }}
              top={AXIS_PX + at * ROW_PX}
            />
          ))}
        </svg>
        {pointed === null ? null : <Tip {...pointed} now={now} width={width} />}
      </div>
    </div>
  );
}

/** The width of an element, followed. */
function useWidth(box: { readonly current: HTMLDivElement | null }): number {
  const [width, setWidth] = useState(800);
  useLayoutEffect(() => {
    const { current: element } = box;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    setWidth(element.clientWidth);
    return () => observer.disconnect();
  }, [box]);
  return width;
}

function Axis({
  from,
  length,
  plot,
  height,
}: {
  readonly from: number;
  readonly length: number;
  readonly plot: number;
  readonly height: number;
}) {
  return (
    <g aria-hidden className="text-soft">
      {ticksOf(length, Math.max(Math.floor(plot / TICK_PX), 1)).map((tick) => {
        const x = LABEL_PX + (tick / length) * plot;
        return (
          <g key={tick}>
            <line x1={x} x2={x} y1={AXIS_PX - 6} y2={height} stroke="var(--line)" />
            <text x={x} y={12} textAnchor="middle" fontSize={11.5} fill="currentColor">
              <title>{absoluteText(from + tick)}</title>
              {tick === 0 ? absoluteText(from).slice(11, 19) : `+${tickText(tick)}`}
            </text>
          </g>
        );
      })}
    </g>
  );
}

/** A round duration: without the parts that are nothing. */
function tickText(ms: number): string {
  return durationText(ms)
    .replace(/\.0 s$/, ' s')
    .replace(/ 0 (s|min|h)$/, '');
}

function Bars({
  row,
  now,
  xOf,
  point,
  top,
  width,
}: {
  readonly row: Row;
  readonly now: number;
  readonly xOf: (at: number) => number;
  readonly point: (pointed: Pointed | null) => void;
  readonly top: number;
  readonly width: number;
}) {
  const middle = top + ROW_PX / 2;
  return (
    <g>
      <line x1={0} x2={width} y1={top} y2={top} stroke="var(--line)" />
      <text x={0} y={middle + 4} fontSize={13} fill="var(--text)">
        Attempt {row.number}
        <tspan fill="var(--soft)" dx={8}>
          {row.nodeId === '' ? 'not begun' : shortened(row.nodeId)}
        </tspan>
      </text>
      {row.phases.map((phase) => {
        const look = LOOKS[phase.kind];
        const x = xOf(phase.from);
        const barWidth = Math.max(xOf(phase.to ?? now) - x, MIN_BAR_PX);
        const show = () => point({ row, phase, x, y: top });
        return (
          <g
            key={phase.from}
            role="img"
            // Its numbers are shown to whoever tabs to it, as to whoever points at it.
            // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
            tabIndex={0}
            aria-label={`Attempt ${row.number}: ${phaseText(phase, now)}`}
            onMouseEnter={show}
            onMouseLeave={() => point(null)}
            onFocus={show}
            onBlur={() => point(null)}
          >
            {/* All of the row's height can be pointed at. */}
            <rect x={x} y={top + 1} width={barWidth} height={ROW_PX - 2} fill="transparent" />
            <Bar look={look} x={x} middle={middle} width={barWidth} />
          </g>
        );
      })}
      <End row={row} now={now} x={xOf(row.phases.at(-1)?.to ?? now) + 8} y={middle + 4} />
    </g>
  );
}

function shortened(nodeId: string): string {
  return nodeId.length > 16 ? `${nodeId.slice(0, 15)}…` : nodeId;
}

function Bar({
  look: { color, height, form },
  x,
  middle,
  width,
}: {
  readonly look: Look;
  readonly x: number;
  readonly middle: number;
  readonly width: number;
}) {
  const id = useId();
  const tall = BAR_PX * height;
  const shape = { x, y: middle - tall / 2, width, height: tall, rx: Math.min(2, width / 2) };
  if (form === 'solid') return <rect {...shape} fill={color} />;
  if (form === 'hollow') {
    return <rect {...shape} fill="var(--panel)" stroke={color} strokeWidth={1.5} />;
  }
  return (
    <>
      <defs>
        <pattern
          id={id}
          width={6}
          height={6}
          patternUnits="userSpaceOnUse"
          patternTransform={form === 'striped' ? 'rotate(45)' : undefined}
        >
          <rect width={6} height={6} fill={color} opacity={0.25} />
          {form === 'striped' ? (
            <rect width={3} height={6} fill={color} />
          ) : (
            <circle cx={3} cy={3} r={1.7} fill={color} />
          )}
        </pattern>
      </defs>
      <rect {...shape} fill={`url(#${id})`} stroke={color} strokeWidth={1} />
    </>
  );
}

const ENDS: Readonly<Record<string, readonly [string, string]>> = {
  completed: ['✓ completed', 'var(--good)'],
  failed: ['✕ failed', 'var(--bad)'],
  timeout: ['◷ timeout', 'var(--bad)'],
  cancelled: ['⊘ cancelled', 'var(--warn)'],
  retry: ['↻ retried', 'var(--warn)'],
};

function End({
  row,
  now,
  x,
  y,
}: {
  readonly row: Row;
  readonly now: number;
  readonly x: number;
  readonly y: number;
}) {
  const open = row.phases.at(-1);
  const [text, color] =
    row.end === null
      ? [durationText(now - (open?.from ?? now)), 'var(--soft)']
      : (ENDS[row.end] ?? [row.end, 'var(--soft)']);
  return (
    <text x={x} y={y} fontSize={12.5} fill={color}>
      {text}
    </text>
  );
}

function phaseText({ kind, from, to }: Phase, now: number): string {
  const length = durationText((to ?? now) - from);
  return `${LOOKS[kind].label}, ${to === null ? `for ${length} now` : length}`;
}

function Tip({
  row,
  phase,
  x,
  y,
  now,
  width,
}: Pointed & { readonly now: number; readonly width: number }) {
  return (
    <div
      role="tooltip"
      className="pointer-events-none absolute z-10 rounded-lg border border-line bg-panel px-3 py-2 shadow-lg"
      style={{ left: Math.min(x, Math.max(width - 300, 0)), top: y + ROW_PX + 2 }}
    >
      <p className="font-medium">{phaseText(phase, now)}</p>
      <p className="text-soft">
        Attempt {row.number}
        {row.nodeId === '' ? '' : ` on ${row.nodeId}`}
      </p>
      <p className="text-soft tabular-nums">from {absoluteText(phase.from)}</p>
      <p className="text-soft tabular-nums">
        {phase.to === null ? 'until now' : `to ${absoluteText(phase.to)}`}
      </p>
    </div>
  );
}

/** The forms that are in the picture. */
function Legend({ rows }: { readonly rows: readonly Row[] }) {
  const kinds = PHASE_KINDS.filter((kind) =>
    rows.some(({ phases }) => phases.some((phase) => phase.kind === kind)),
  );
  return (
    <ul aria-label="Phases" className="flex flex-wrap gap-x-4 gap-y-1 text-soft">
      {kinds.map((kind) => (
        <li key={kind} className="flex items-center gap-1.5">
          <svg aria-hidden width={22} height={BAR_PX}>
            <Bar look={LOOKS[kind]} x={1} middle={BAR_PX / 2} width={20} />
          </svg>
          {LOOKS[kind].label}
        </li>
      ))}
    </ul>
  );
}
