/**
 * Draws a machine: the definition that runs, as the supervisor has laid it out.
 *
 *   <Diagram machine={…} current="running.executing" visits={…} counts={…} onSelectState={…} onSelectEdge={…} />
 */
import { useMemo } from 'react';
import {
  type ChartEdge,
  type ChartState,
  ChartStateKind,
  type Machine,
} from '../../proto/gen/muster/v1/machine_pb.ts';
import { nameSize } from './geometry.ts';
import { AtomicState, CompoundState, EdgeLabel, EdgeLine } from './shapes.tsx';
import { type Fit, Viewport } from './viewport.tsx';

export interface DiagramProps {
  readonly machine: Machine;
  /** Path of the state to be lit. */
  readonly current?: string | undefined;
  /** How often each edge was taken, by its index; edges that were taken are coloured and numbered. */
  readonly visits?: ReadonlyMap<number, number> | undefined;
  /** What stands at a taken edge instead of how often, by its index: for example the versions at which. */
  readonly marks?: ReadonlyMap<number, string> | undefined;
  /** Index of the edge that was taken last. */
  readonly lastEdge?: number | undefined;
  /** Live numbers shown at states, by path. */
  readonly counts?: ReadonlyMap<string, number> | undefined;
  /** Path of a state, or `from>to` of an edge, that is to be marked as chosen. */
  readonly selected?: string | undefined;
  readonly onSelectState?: ((state: ChartState) => void) | undefined;
  readonly onSelectEdge?: ((edge: ChartEdge, index: number) => void) | undefined;
  /** Says how large the window on the diagram is, for example `h-96`. Default: as high as its parent. */
  readonly className?: string;
  /** How much is shown at first. Default: as much as can be read. */
  readonly fit?: Fit;
}

export function Diagram(props: DiagramProps) {
  const { machine, current, className = 'h-full', fit } = props;
  const focus = useMemo(() => {
    const state = machine.states.find(({ path }) => path === current);
    if (state === undefined) return undefined;
    return { x: state.x + state.width / 2, y: state.y + state.height / 2 };
  }, [machine, current]);
  const { width, height } = machine;
  return (
    <Viewport
      width={width}
      height={height}
      label={`Diagram of the ${machine.name} machine`}
      className={className}
      focus={focus}
      fit={fit}
    >
      {(scale) => (
        <svg
          width={width * scale}
          height={height * scale}
          viewBox={`0 0 ${width} ${height}`}
          className="block select-none"
        >
          <title>
            {`The ${machine.name} machine${current === undefined ? '' : `, in ${current}`}`}
          </title>
          <Shapes {...props} scale={scale} />
        </svg>
      )}
    </Viewport>
  );
}

function Shapes(props: DiagramProps & { readonly scale: number }) {
  const { machine, current, visits, marks, lastEdge, counts, selected } = props;
  const { onSelectState, onSelectEdge } = props;
  const visited = new Set(
    machine.edges.flatMap(({ to, from }, index) => (visits?.has(index) ? [to, from] : [])),
  );
  const lookOf = (state: ChartState) => ({
    state,
    isCurrent: state.path === current,
    isVisited: visited.has(state.path),
    isSelected: state.path === selected,
    onSelect: onSelectState === undefined ? undefined : () => onSelectState(state),
  });
  const edges = machine.edges.map((edge, index) => ({
    edge,
    key: `${edge.from}>${edge.to}`,
    isCurrent: index === lastEdge,
    isVisited: (visits?.get(index) ?? 0) > 0,
    isSelected: selected === `${edge.from}>${edge.to}`,
    mark: marks?.get(index) ?? visits?.get(index)?.toString(),
    onSelect: onSelectEdge === undefined ? undefined : () => onSelectEdge(edge, index),
  }));
  // Those that were taken lie above those that were not.
  const inOrder = [...edges].sort((a, b) => Number(a.isVisited) - Number(b.isVisited));
  const compounds = machine.states.filter(({ kind }) => kind === ChartStateKind.COMPOUND);
  const others = machine.states.filter(({ kind }) => kind !== ChartStateKind.COMPOUND);
  return (
    <>
      {compounds.map((state) => (
        <CompoundState
          {...lookOf(state)}
          key={state.path}
          isCurrent={current?.startsWith(`${state.path}.`) === true}
        />
      ))}
      {inOrder.map(({ key, mark: _mark, ...edge }) => (
        <EdgeLine key={key} {...edge} />
      ))}
      {others.map((state) => (
        <AtomicState
          {...lookOf(state)}
          key={state.path}
          count={counts?.get(state.path)}
          fontSize={nameSize(props.scale)}
        />
      ))}
      {edges.map(({ key, isCurrent: _isCurrent, ...edge }) => (
        <EdgeLabel key={key} {...edge} />
      ))}
    </>
  );
}
