/** The parts of a diagram: states, edges and their labels, in the colours of the theme. */
import {
  type ChartEdge,
  type ChartState,
  ChartStateKind,
} from '../../proto/gen/muster/v1/machine_pb.ts';
import { headPath, linePath } from './geometry.ts';

/** What a state or an edge looks like now. */
export interface Look {
  readonly isCurrent?: boolean;
  readonly isSelected?: boolean;
  readonly isVisited?: boolean;
  readonly onSelect?: (() => void) | undefined;
}

/** Makes a group of shapes a button, for pointers and for keys. */
function buttonProps(label: string, isSelected: boolean, onSelect: (() => void) | undefined) {
  if (onSelect === undefined) return {};
  return {
    role: 'button',
    tabIndex: 0,
    'aria-label': label,
    'aria-pressed': isSelected,
    className: 'cursor-pointer outline-none group',
    onClick: onSelect,
    onKeyDown: (event: React.KeyboardEvent) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      onSelect();
    },
  } as const;
}

/** A state around others; it lies under everything else. */
export function CompoundState({
  state,
  isCurrent = false,
  isSelected = false,
  onSelect,
}: { readonly state: ChartState } & Look) {
  const { x, y, width, height, name, initial } = state;
  const line = isSelected ? 'stroke-accent' : isCurrent ? 'stroke-soft' : 'stroke-line';
  return (
    <g {...buttonProps(`State ${state.path}`, isSelected, onSelect)} data-path={state.path}>
      <rect
        x={x}
        y={y}
        width={width}
        height={height}
        rx="10"
        strokeDasharray="5 3"
        className={`fill-raised/50 group-focus-visible:stroke-accent ${line}`}
        strokeWidth={isCurrent || isSelected ? 1.6 : 1.2}
      />
      {initial ? <circle cx={x} cy={y + 10} r="4" className="fill-soft" /> : null}
      <text x={x + 12} y={y + 18} className="fill-soft text-[12px] font-semibold">
        {name}
      </text>
    </g>
  );
}

/** A state without others inside. `count` stands at its corner. */
export function AtomicState({
  state,
  count,
  fontSize,
  isCurrent = false,
  isSelected = false,
  isVisited = false,
  onSelect,
}: {
  readonly state: ChartState;
  readonly count?: number | undefined;
  /** Of the name, in pixels at scale 1. */
  readonly fontSize: number;
} & Look) {
  const { x, y, width, height, name, path, initial, kind } = state;
  const line =
    isCurrent || isSelected ? 'stroke-accent' : isVisited ? 'stroke-accent/70' : 'stroke-soft/60';
  return (
    <g
      {...buttonProps(labelOf(state, isCurrent, count), isSelected, onSelect)}
      data-path={path}
      data-current={isCurrent || undefined}
    >
      {isCurrent ? <Glow {...{ x, y, width, height }} /> : null}
      <rect
        {...{ x, y, width, height }}
        rx="8"
        strokeWidth={isCurrent ? 2.2 : isSelected ? 2 : 1.2}
        className={`${isCurrent ? 'fill-accent-soft' : 'fill-panel group-hover:fill-raised'} group-focus-visible:stroke-accent group-focus-visible:[stroke-width:3] ${line}`}
      />
      {kind === ChartStateKind.FINAL ? (
        <rect
          x={x + 3}
          y={y + 3}
          width={width - 6}
          height={height - 6}
          rx="5.5"
          className={`fill-none ${line}`}
        />
      ) : null}
      {initial ? <circle cx={x} cy={y} r="4" className="fill-soft" /> : null}
      <text
        x={x + width / 2}
        y={y + height / 2}
        textAnchor="middle"
        dominantBaseline="central"
        fontSize={fontSize}
        className={`fill-text ${isCurrent ? 'font-semibold' : ''}`}
      >
        {name}
      </text>
      {count === undefined ? null : (
        <Badge x={x + width + 8} y={y} text={count.toLocaleString('en')} className="fill-live" />
      )}
    </g>
  );
}

function labelOf({ path }: ChartState, isCurrent: boolean, count: number | undefined): string {
  const parts = [`State ${path}`];
  if (isCurrent) parts.push('current');
  if (count !== undefined) parts.push(`${count} there`);
  return parts.join(', ');
}

/** Breathes around the current state. */
function Glow(box: Readonly<Record<'x' | 'y' | 'width' | 'height', number>>) {
  return (
    <rect
      x={box.x - 4}
      y={box.y - 4}
      width={box.width + 8}
      height={box.height + 8}
      rx="11"
      strokeWidth="4"
      className="animate-pulse fill-none stroke-accent/35"
    />
  );
}

export function EdgeLine({
  edge,
  isCurrent = false,
  isSelected = false,
  isVisited = false,
  onSelect,
}: { readonly edge: ChartEdge } & Look) {
  const isLit = isVisited || isSelected || isCurrent;
  const line = linePath(edge.points);
  return (
    <g
      data-edge={`${edge.from}>${edge.to}`}
      className={onSelect === undefined ? undefined : 'group cursor-pointer'}
      onClick={onSelect}
    >
      {onSelect === undefined ? null : (
        <path d={line} strokeWidth="12" className="fill-none stroke-transparent" />
      )}
      <path
        d={line}
        strokeWidth={isSelected || isCurrent ? 2.8 : isVisited ? 2 : 1.2}
        className={`fill-none group-hover:stroke-accent ${isLit ? 'stroke-accent' : 'stroke-soft/50'}`}
      />
      <path
        d={headPath(edge.points)}
        className={`group-hover:fill-accent ${isLit ? 'fill-accent' : 'fill-soft/70'}`}
      />
    </g>
  );
}

/** What stands at an edge; with `mark`, when it was taken or how often. */
export function EdgeLabel({
  edge,
  mark,
  isSelected = false,
  isVisited = false,
  onSelect,
}: { readonly edge: ChartEdge; readonly mark?: string | undefined } & Look) {
  const { labelX: x, labelY: y, labelWidth: width, labelHeight: height, label } = edge;
  const name = `Edge from ${edge.from} to ${edge.to}: ${label.join(', ')}${mark === undefined ? '' : `; taken: ${mark}`}`;
  return (
    <g {...buttonProps(name, isSelected, onSelect)}>
      <rect
        {...{ x, y, width, height }}
        rx="3"
        className={`group-focus-visible:stroke-accent ${isSelected ? 'fill-accent-soft' : 'fill-panel/85'}`}
      />
      {label.map((line, index) => (
        <text
          key={line}
          x={x + 4}
          y={y + 11 + index * 13}
          className={`font-mono text-[10.5px] group-hover:fill-text ${isVisited || isSelected ? 'fill-text' : 'fill-soft'}`}
        >
          {line}
        </text>
      ))}
      {mark === undefined ? null : (
        <Badge x={x + width} y={y - 7} text={mark} className="fill-accent" />
      )}
    </g>
  );
}

/** A number in a pill that ends at the point given, in the middle of its height. */
function Badge(props: {
  readonly x: number;
  readonly y: number;
  readonly text: string;
  readonly className: string;
}) {
  const { x, y, text, className } = props;
  const width = Math.max(text.length * 6 + 8, 16);
  return (
    <g aria-hidden>
      <rect x={x - width} y={y - 8} width={width} height="16" rx="8" className={className} />
      <text
        x={x - width / 2}
        y={y + 3.5}
        textAnchor="middle"
        className="fill-accent-text text-[10px] font-bold tabular-nums"
      >
        {text}
      </text>
    </g>
  );
}
