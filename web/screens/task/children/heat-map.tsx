/** All children of a fan-out at once, a cell for each. The table below says the same to those who do not see it. */
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { pathOf, StateBadge } from '../../../ui/state.tsx';
import { drawMap } from './draw.ts';
import { cellAt, cornerOf, layoutOf } from './geometry.ts';
import type { Child, ChildState } from './states.ts';
import { useScheme } from './use-scheme.ts';

const MAX_HEIGHT_PX = 300;
const TIP_PX = 280;

export function HeatMap({
  children,
  wanted,
  summary,
}: {
  readonly children: readonly Child[];
  /** The state that is not dimmed; null for all. */
  readonly wanted: ChildState | null;
  /** What is to be seen, in words. */
  readonly summary: string;
}) {
  const navigate = useNavigate();
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(800);
  const [pointed, setPointed] = useState(-1);
  const scheme = useScheme();
  useLayoutEffect(() => {
    const { current: element } = box;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const layout = useMemo(
    () => layoutOf(children.length, width, MAX_HEIGHT_PX),
    [children.length, width],
  );
  useEffect(() => {
    if (canvas.current !== null) drawMap(canvas.current, layout, children, wanted, pointed);
    // The scheme is read from the page when it is drawn.
  }, [layout, children, wanted, pointed, scheme]);
  const child = children[pointed];
  const [x, y] = cornerOf(layout, Math.max(pointed, 0));
  return (
    <div ref={box} className="relative">
      <canvas
        ref={canvas}
        role="img"
        aria-label={summary}
        className="block cursor-pointer"
        onMouseMove={({ nativeEvent: { offsetX, offsetY } }) =>
          setPointed(cellAt(layout, offsetX, offsetY))
        }
        onMouseLeave={() => setPointed(-1)}
        onClick={({ nativeEvent: { offsetX, offsetY } }) => {
          // A tap points at nothing first.
          const taskId = children[cellAt(layout, offsetX, offsetY)]?.id;
          if (taskId !== undefined) void navigate({ to: '/tasks/$taskId', params: { taskId } });
        }}
      />
      {child === undefined ? null : (
        <Tip
          child={child}
          left={Math.min(x, Math.max(width - TIP_PX, 0))}
          top={y + layout.pitch + 4}
        />
      )}
    </div>
  );
}

function Tip({
  child: { nodeId, task },
  left,
  top,
}: {
  readonly child: Child;
  readonly left: number;
  readonly top: number;
}) {
  return (
    <div
      role="tooltip"
      className="pointer-events-none absolute z-20 w-70 rounded-lg border border-line bg-panel px-3 py-2 shadow-lg"
      style={{ left, top }}
    >
      <p className="font-medium [overflow-wrap:anywhere]">{nodeId}</p>
      <StateBadge path={pathOf(task)} />
      {task.exitCode === undefined ? null : <p className="text-soft">exit code {task.exitCode}</p>}
      {task.signal === '' ? null : <p className="text-soft">{task.signal}</p>}
      {task.message === '' ? null : (
        <p className="text-soft [overflow-wrap:anywhere]">{task.message}</p>
      )}
    </div>
  );
}
