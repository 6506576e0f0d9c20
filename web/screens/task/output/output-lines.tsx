/**
 * The list of lines: only those in sight are in the page.
 *
 * While its end is in sight it stays at the end; who scrolls up is left alone.
 */
import { useVirtualizer, type Virtualizer } from '@tanstack/react-virtual';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { Extent, LineIndex } from './line-index.ts';
import { Tool } from './output-bar.tsx';
import { OutputLine } from './output-line.tsx';
import type { View } from './use-output.ts';

const LINE_PX = 20;
/** Browsers end at about 17 million pixels: longer output is shown in parts. Wrapped lines may each be several rows high. */
const MAX_LINES = 800_000;
const MAX_WRAPPED_LINES = 200_000;
/** This near to the end counts as the end. */
const END_PX = 30;

export interface Range {
  readonly first: number;
  readonly last: number;
}

interface LinesProps {
  readonly index: LineIndex;
  readonly extent: Extent;
  readonly view: View;
  readonly pattern: RegExp | null;
  /** Index of the line that a search is at; -1 for none. */
  readonly current: number;
  readonly selected: Range | null;
  readonly isWrapped: boolean;
  /** Whether more may come. */
  readonly isLive: boolean;
  readonly onSelect: (line: number, isRange: boolean) => void;
}

export function OutputLines(props: LinesProps) {
  const { extent, view, current, selected, isWrapped, isLive } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(false);
  const part = usePart(view, isWrapped);
  const lines = useVirtualizer({
    count: part.count,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_PX,
    overscan: 20,
  });
  const goTo = (line: number) => {
    if (line >= 0 && line < extent.lineCount) {
      part.goTo(view.placeOf(line), (place) => lines.scrollToIndex(place, { align: 'center' }));
    }
  };
  const follows = useFollowing(isLive && selected === null, view.count, scroller, () =>
    part.goTo(view.count - 1, (place) => lines.scrollToIndex(place, { align: 'end' })),
  );
  useEffect(() => lines.measure(), [isWrapped, lines]);
  useGoTo(current, extent.lineCount, goTo, follows.stop);
  const isClicked = useRef(false);
  const select = (line: number, isRange: boolean) => {
    isClicked.current = true;
    props.onSelect(line, isRange);
  };
  useGoTo((selected?.first ?? 0) - 1, extent.lineCount, goTo, follows.stop, isClicked);
  useEffect(() => {
    const { current: box } = scroller;
    // What is short enough to be seen whole is at its end without being scrolled.
    if (box !== null) setAtEnd(isNearEnd(box));
  }, [view.count]);
  return (
    <div className="relative flex min-h-0 grow flex-col">
      <div
        ref={scroller}
        role="region"
        aria-label="Lines of output"
        // A region that scrolls has to be reachable by keys.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        onScroll={({ currentTarget: box }) => {
          setAtEnd(isNearEnd(box));
          follows.onScroll(box.scrollTop, isNearEnd(box) && part.isLast);
        }}
        className="min-h-0 grow overflow-auto font-mono text-[12.5px] leading-5 [overflow-anchor:none]"
      >
        <Rows {...props} lines={lines} firstPlace={part.first} onSelect={select} />
      </div>
      <Parts part={part} total={view.count} />
      {(isAtEnd && part.isLast) || view.count === 0 ? null : (
        <JumpToEnd isLive={isLive} onClick={() => follows.begin()} />
      )}
    </div>
  );
}

interface Part {
  /** The place of its first line. */
  readonly first: number;
  readonly count: number;
  readonly isLast: boolean;
  readonly move: (step: 1 | -1) => void;
  /** Shows the part that a place is in, then calls `scroll` with the place in it. */
  readonly goTo: (place: number, scroll: (place: number) => void) => void;
}

/** The part of a long output that is shown: all of it, as long as it fits. */
function usePart(view: View, isWrapped: boolean): Part {
  const size = isWrapped ? MAX_WRAPPED_LINES : MAX_LINES;
  const [chosen, choose] = useState(0);
  const last = Math.max(Math.ceil(view.count / size) - 1, 0);
  const number = Math.min(chosen, last);
  const first = number * size;
  const goTo: Part['goTo'] = (place, scroll) => {
    const wanted = Math.floor(Math.max(place, 0) / size);
    const inside = Math.max(place, 0) % size;
    if (wanted === number) return scroll(inside);
    choose(wanted);
    // Its lines have to be there first.
    requestAnimationFrame(() => requestAnimationFrame(() => scroll(inside)));
  };
  return {
    first,
    count: Math.min(view.count - first, size),
    isLast: number === last,
    move: (step) => choose(number + step),
    goTo,
  };
}

function Parts({ part, total }: { readonly part: Part; readonly total: number }) {
  const { first, count, isLast, move } = part;
  if (count === total) return null;
  return (
    <div className="flex items-center gap-3 border-t border-line px-3 py-1.5 text-soft">
      <span className="tabular-nums">
        {(first + 1).toLocaleString()} to {(first + count).toLocaleString()} of{' '}
        {total.toLocaleString()}
      </span>
      <Tool label="The part before" isDisabled={first === 0} onClick={() => move(-1)}>
        ← Earlier
      </Tool>
      <Tool label="The part after" isDisabled={isLast} onClick={() => move(1)}>
        Later →
      </Tool>
    </div>
  );
}

function isNearEnd({ scrollTop, scrollHeight, clientHeight }: HTMLDivElement): boolean {
  return scrollTop + clientHeight >= scrollHeight - END_PX;
}

function Rows({
  index,
  extent,
  view,
  pattern,
  current,
  selected,
  isWrapped,
  onSelect,
  lines,
  firstPlace,
}: LinesProps & {
  readonly lines: Virtualizer<HTMLDivElement, Element>;
  readonly firstPlace: number;
}) {
  const digits = String(extent.lineCount).length;
  return (
    <div className="relative w-full" style={{ height: lines.getTotalSize() }}>
      {lines.getVirtualItems().map((item) => {
        const line = view.lineAt(firstPlace + item.index);
        const isSelected = selected !== null && line >= selected.first - 1 && line < selected.last;
        return (
          <div
            key={item.key}
            ref={isWrapped ? lines.measureElement : undefined}
            data-index={item.index}
            className={`absolute top-0 left-0 ${isWrapped ? 'w-full' : 'w-max min-w-full'}`}
            style={{ transform: `translateY(${item.start}px)` }}
          >
            <OutputLine
              {...{ index, line, extent, pattern, isSelected, isWrapped, digits, onSelect }}
              isCurrent={line === current}
            />
          </div>
        );
      })}
    </div>
  );
}

function JumpToEnd({
  isLive,
  onClick,
}: {
  readonly isLive: boolean;
  readonly onClick: () => void;
}) {
  return (
    <button
      type="button"
      onClick={onClick}
      className="absolute right-5 bottom-4 z-10 rounded-full border border-line bg-panel px-3.5 py-1.5 font-medium shadow-md hover:bg-raised"
    >
      <span aria-hidden>↓ </span>
      {isLive ? 'Follow the end' : 'Jump to end'}
    </button>
  );
}

/** Goes to a line when another one is meant, as soon as it is there; not to one that was clicked at, which is in sight. */
function useGoTo(
  line: number,
  lineCount: number,
  goTo: (line: number) => void,
  stop: () => void,
  isInSight: { current: boolean } = { current: false },
) {
  const gone = useRef(-1);
  useEffect(() => {
    if (line < 0) gone.current = -1;
    if (line < 0 || gone.current === line || line >= lineCount) return;
    gone.current = line;
    stop();
    if (!isInSight.current) goTo(line);
    isInSight.current = false;
  });
}

/** Stays at the end of what grows, until the reader scrolls up. */
function useFollowing(
  isWanted: boolean,
  count: number,
  scroller: { readonly current: HTMLDivElement | null },
  toEnd: () => void,
) {
  const isFollowing = useRef(isWanted);
  const top = useRef(0);
  useLayoutEffect(() => {
    if (isFollowing.current && count > 0) toEnd();
    // Only when there is more; the reader moves in between.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [count]);
  return {
    begin: () => {
      isFollowing.current = true;
      toEnd();
      scroller.current?.focus({ preventScroll: true });
    },
    stop: () => {
      isFollowing.current = false;
    },
    onScroll: (scrollTop: number, isAtEnd: boolean) => {
      if (isAtEnd) isFollowing.current = true;
      else if (scrollTop < top.current) isFollowing.current = false;
      top.current = scrollTop;
    },
  };
}
