/**
 * All children of a fan-out at once, a cell for each. With the mouse a cell is pointed at; with keys one goes from cell to cell. The table below
 * says the same to those who do not see it.
 */
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { pathOf, StateBadge } from '../../../ui/state.tsx';
import { drawMap } from './draw.ts';
import { cellAfter, cellAt, cornerOf, layoutOf, type Layout } from './geometry.ts';
import { type Child, type ChildState, wordsOf } from './states.ts';
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
  const canvas = useRef<HTMLCanvasElement>(null);
  const [box, layout] = useLayout(children.length);
  const [pointed, setPointed] = useState(-1);
  const scheme = useScheme();
  const open = (index: number) => {
    const taskId = children[index]?.id;
    if (taskId !== undefined) void navigate({ to: '/tasks/$taskId', params: { taskId } });
  };
  const keys = useCellKeys(layout, children, open);
  useEffect(() => {
    if (canvas.current !== null) drawMap(canvas.current, layout, children, wanted, pointed);
    // The scheme is read from the page when it is drawn.
  }, [layout, children, wanted, pointed, scheme]);
  const shown = pointed >= 0 ? pointed : keys.shown;
  return (
    <div ref={box} className="relative">
      <div
        role="listbox"
        tabIndex={0}
        aria-label={summary}
        aria-activedescendant={keys.optionId}
        {...keys.handlers}
      >
        <canvas
          ref={canvas}
          aria-hidden
          className="block cursor-pointer"
          onMouseMove={({ nativeEvent: { offsetX, offsetY } }) =>
            setPointed(cellAt(layout, offsetX, offsetY))
          }
          onMouseLeave={() => setPointed(-1)}
          onClick={({ nativeEvent: { offsetX, offsetY } }) =>
            // A tap points at nothing first.
            open(cellAt(layout, offsetX, offsetY))
          }
        />
        <Current id={keys.optionId} layout={layout} index={keys.at} isShown={keys.isFocused}>
          {children}
        </Current>
      </div>
      <Tip layout={layout} index={shown} child={children[shown]} />
    </div>
  );
}

/** The layout for the width that there is, which is measured at the element of the reference. */
function useLayout(count: number) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(800);
  useLayoutEffect(() => {
    const { current: element } = box;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const layout = useMemo(() => layoutOf(count, width, MAX_HEIGHT_PX), [count, width]);
  return [box, layout] as const;
}

/** Where the keys have led. A child keeps the place when others come before it. */
function useCellKeys(layout: Layout, children: readonly Child[], open: (index: number) => void) {
  const optionId = useId();
  const [place, setPlace] = useState<string | null>(null);
  const [isFocused, setFocused] = useState(false);
  const [hasTip, setTip] = useState(true);
  const at = useMemo(
    () => Math.max(place === null ? 0 : children.findIndex(({ id }) => id === place), 0),
    [place, children],
  );
  const handlers = {
    // A click leads away or nowhere: it is no reason to mark a cell.
    onFocus: ({ currentTarget }: React.FocusEvent) => {
      setFocused(currentTarget.matches(':focus-visible'));
      setTip(true);
    },
    onBlur: () => setFocused(false),
    onKeyDown: (event: React.KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const next = cellAfter(layout, at, event.key);
      if (event.key === 'Enter') open(at);
      else if (event.key === 'Escape') setTip(false);
      else if (next !== null) {
        setPlace(children[next]?.id ?? null);
        setFocused(true);
        setTip(true);
      } else return;
      event.preventDefault();
      event.stopPropagation();
    },
  };
  return { optionId, at, isFocused, shown: isFocused && hasTip ? at : -1, handlers };
}

/** The cell that the keys have led to, in words and, while the map has the focus, with a frame. */
function Current({
  id,
  layout,
  index,
  isShown,
  children,
}: {
  readonly id: string;
  readonly layout: Layout;
  readonly index: number;
  readonly isShown: boolean;
  readonly children: readonly Child[];
}) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isShown) element.current?.scrollIntoView({ block: 'nearest' });
  }, [index, isShown]);
  const child = children[index];
  if (child === undefined) return null;
  const [left, top] = cornerOf(layout, index);
  const size = layout.pitch - layout.gap;
  return (
    <div
      ref={element}
      id={id}
      role="option"
      aria-selected={isShown}
      aria-setsize={children.length}
      aria-posinset={index + 1}
      aria-label={wordsOf(child)}
      className={`pointer-events-none absolute scroll-m-8 rounded-[2px] ${isShown ? 'ring-2 ring-panel outline-2 outline-offset-2 outline-text' : ''}`}
      style={{ left, top, width: size, height: size }}
    />
  );
}

/** What became of a child, beside its cell. */
function Tip({
  layout,
  index,
  child,
}: {
  readonly layout: Layout;
  readonly index: number;
  readonly child: Child | undefined;
}) {
  if (child === undefined) return null;
  const { nodeId, task } = child;
  const [x, y] = cornerOf(layout, index);
  const left = Math.min(x, Math.max(layout.columns * layout.pitch - TIP_PX, 0));
  return (
    <div
      role="tooltip"
      className="pointer-events-none absolute z-20 w-70 rounded-lg border border-line bg-panel px-3 py-2 shadow-lg"
      style={{ left, top: y + layout.pitch + 6 }}
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
