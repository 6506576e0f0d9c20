/**
 * A window on something large: fits it to the width, zooms by buttons, keys and ctrl + wheel, and pans by dragging or scrolling.
 */
import {
  type ReactNode,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import { clampScale, fitScale, MIN_SCALE } from './geometry.ts';

const STEP = 1.25;
/** The least scale at which a width is made to fit. */
const LEAST = { readable: 0.6, whole: MIN_SCALE } as const;

/** How something large is shown at first: all of it, or not smaller than it can be read. */
export type Fit = keyof typeof LEAST;
/** A pointer that moves less than this has clicked. */
const DRAG_PIXELS = 4;

/**
 * Shows `children(scale)`, which are `width` × `height` pixels at scale 1.
 *
 * @param focus a point that is to be seen when it changes, in pixels at scale 1
 * @param fit default: readable; the button shows the whole width in any case
 */
export function Viewport(props: {
  readonly width: number;
  readonly height: number;
  readonly label: string;
  readonly className?: string;
  readonly focus?: { readonly x: number; readonly y: number } | undefined;
  readonly fit?: Fit | undefined;
  readonly children: (scale: number) => ReactNode;
}) {
  const { width, height, label, className = '', focus, fit = 'readable', children } = props;
  const box = useRef<HTMLDivElement>(null);
  const available = useWidth(box);
  const [zoom, setZoom] = useState<number | Fit>(fit);
  const scale = typeof zoom === 'number' ? zoom : fitScale(width, available, LEAST[zoom]);
  const anchor = useRef<Anchor | null>(null);
  const zoomTo = (next: number | 'whole', at?: Anchor) => {
    anchor.current = at ?? middleOf(box.current, scale);
    setZoom(next === 'whole' ? next : clampScale(next));
  };
  useWheelZoom(box, scale, zoomTo);
  useAnchor(box, scale, anchor);
  useFocus(box, scale, focus);
  const drag = useDrag(box);
  return (
    <div className={`relative min-h-0 ${className}`}>
      <div
        ref={box}
        tabIndex={0}
        role="region"
        aria-label={label}
        className="size-full cursor-grab overflow-auto active:cursor-grabbing"
        {...drag}
      >
        <div className="mx-auto" style={{ width: width * scale, height: height * scale }}>
          {children(scale)}
        </div>
        {/* The buttons cover nothing when all is scrolled. */}
        <div className="h-9" />
      </div>
      <ZoomButtons
        scale={scale}
        isFit={Math.abs(scale - fitScale(width, available)) < 0.005}
        onZoom={(factor) => zoomTo(scale * factor)}
        onFit={() => zoomTo('whole')}
        onFull={() => zoomTo(1)}
      />
    </div>
  );
}

/** A point of the content that stays where it is on the screen while the scale changes. */
interface Anchor {
  readonly contentX: number;
  readonly contentY: number;
  readonly offsetX: number;
  readonly offsetY: number;
}

/** What is in the middle stays there. */
function middleOf(box: HTMLDivElement | null, scale: number): Anchor | null {
  if (box === null) return null;
  const [offsetX, offsetY] = [box.clientWidth / 2, box.clientHeight / 2];
  return {
    contentX: (box.scrollLeft + offsetX) / scale,
    contentY: (box.scrollTop + offsetY) / scale,
    offsetX,
    offsetY,
  };
}

function useWidth(box: RefObject<HTMLDivElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    setWidth(element.clientWidth);
    return () => observer.disconnect();
  }, [box]);
  return width;
}

/** React listens to wheels passively, so that they cannot be kept from zooming the page: this one listens itself. */
function useWheelZoom(
  box: RefObject<HTMLDivElement | null>,
  scale: number,
  zoomTo: (scale: number, at: Anchor) => void,
): void {
  const latest = useRef({ scale, zoomTo });
  latest.current = { scale, zoomTo };
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const { left, top } = element.getBoundingClientRect();
      const [offsetX, offsetY] = [event.clientX - left, event.clientY - top];
      const now = latest.current.scale;
      latest.current.zoomTo(now * Math.exp(-event.deltaY / 400), {
        contentX: (element.scrollLeft + offsetX) / now,
        contentY: (element.scrollTop + offsetY) / now,
        offsetX,
        offsetY,
      });
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [box]);
}

function useAnchor(
  box: RefObject<HTMLDivElement | null>,
  scale: number,
  anchor: RefObject<Anchor | null>,
): void {
  useLayoutEffect(() => {
    const at = anchor.current;
    if (box.current === null || at === null) return;
    box.current.scrollLeft = at.contentX * scale - at.offsetX;
    box.current.scrollTop = at.contentY * scale - at.offsetY;
    anchor.current = null;
  }, [box, scale, anchor]);
}

/** Scrolls only as far as it takes to see the point, and not at all while the rest is left alone. */
function useFocus(
  box: RefObject<HTMLDivElement | null>,
  scale: number,
  focus: { readonly x: number; readonly y: number } | undefined,
): void {
  const [x, y] = [focus?.x, focus?.y];
  const currentScale = useRef(scale);
  currentScale.current = scale;
  useEffect(() => {
    const element = box.current;
    if (element === null || x === undefined || y === undefined) return;
    const margin = 60;
    const [left, top] = [x * currentScale.current, y * currentScale.current];
    const isSeen =
      left > element.scrollLeft + margin &&
      left < element.scrollLeft + element.clientWidth - margin &&
      top > element.scrollTop + margin &&
      top < element.scrollTop + element.clientHeight - margin;
    if (isSeen) return;
    const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
    element.scrollTo({
      left: left - element.clientWidth / 2,
      top: top - element.clientHeight / 2,
      behavior: isStill ? 'auto' : 'smooth',
    });
  }, [box, x, y]);
}

function useDrag(box: RefObject<HTMLDivElement | null>) {
  const start = useRef<{ x: number; y: number; left: number; top: number } | null>(null);
  const hasMoved = useRef(false);
  return {
    onPointerDown: (event: React.PointerEvent) => {
      const element = box.current;
      hasMoved.current = false;
      if (element === null || event.button !== 0 || event.pointerType !== 'mouse') return;
      const { scrollLeft: left, scrollTop: top } = element;
      start.current = { x: event.clientX, y: event.clientY, left, top };
    },
    onPointerMove: (event: React.PointerEvent) => {
      const [element, from] = [box.current, start.current];
      if (element === null || from === null) return;
      if (event.buttons === 0) {
        start.current = null;
        return;
      }
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      if (Math.hypot(dx, dy) > DRAG_PIXELS) hasMoved.current = true;
      element.scrollLeft = from.left - dx;
      element.scrollTop = from.top - dy;
    },
    onPointerUp: () => {
      start.current = null;
    },
    // The end of a drag is no click on what happens to be there.
    onClickCapture: (event: React.MouseEvent) => {
      if (hasMoved.current) event.stopPropagation();
      hasMoved.current = false;
    },
  };
}

function ZoomButtons(props: {
  readonly scale: number;
  readonly isFit: boolean;
  readonly onZoom: (factor: number) => void;
  readonly onFit: () => void;
  readonly onFull: () => void;
}) {
  const { scale, isFit, onZoom, onFit, onFull } = props;
  const look = 'px-2 py-0.5 text-soft hover:bg-raised hover:text-text';
  return (
    <div className="absolute right-2 bottom-2 flex overflow-hidden rounded-md border border-line bg-panel text-xs shadow-sm">
      <button type="button" className={look} aria-label="Smaller" onClick={() => onZoom(1 / STEP)}>
        −
      </button>
      <button
        type="button"
        className={`${look} w-12 tabular-nums`}
        title="Show it in its own size"
        onClick={onFull}
      >
        {Math.round(scale * 100)}%
      </button>
      <button type="button" className={look} aria-label="Larger" onClick={() => onZoom(STEP)}>
        +
      </button>
      <button
        type="button"
        className={`${look} border-l border-line ${isFit ? 'font-medium text-text' : ''}`}
        aria-pressed={isFit}
        title="Fit to the width (ctrl + wheel zooms, dragging moves)"
        onClick={onFit}
      >
        Fit
      </button>
    </div>
  );
}
