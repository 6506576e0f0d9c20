/** The output of an attempt and a search in it, for components. */
import { useEffect, useMemo, useReducer, useSyncExternalStore } from 'react';
import type { Extent, LogStream } from './line-index.ts';
import { type FeedState, OutputFeed } from './output-feed.ts';
import { Search } from './search.ts';

/** Of each time slice, so that the page answers in between. */
const SLICE_MS = 12;
/** Between two pictures of what a search has found. */
const SHOW_INTERVAL_MS = 150;

export interface Output {
  readonly feed: OutputFeed;
  readonly state: FeedState;
}

/** Follows the output of an attempt, from 1 on. */
export function useOutput(taskId: string, attempt: number): Output {
  const feed = useMemo(() => new OutputFeed(taskId, attempt), [taskId, attempt]);
  useEffect(() => (attempt > 0 ? feed.start() : undefined), [feed, attempt]);
  const state = useSyncExternalStore(feed.onChange, () => feed.state);
  return { feed, state };
}

/** Searches as long as there is a pattern. What it has found grows; null without a pattern. */
export function useSearchIn(
  { feed, state }: Output,
  pattern: RegExp | null,
  stream: LogStream | null,
): Search | null {
  const [, render] = useReducer((count: number) => count + 1, 0);
  const search = useMemo(
    () => (pattern === null ? null : new Search(feed.index, pattern, stream)),
    [feed, pattern, stream],
  );
  const { version } = state;
  useEffect(() => {
    if (search === null) return undefined;
    let timer: ReturnType<typeof setTimeout>;
    let shownAt = performance.now();
    const goOn = () => {
      const startedAt = performance.now();
      search.advance(() => performance.now() - startedAt < SLICE_MS);
      if (search.isDone || startedAt - shownAt > SHOW_INTERVAL_MS) {
        shownAt = startedAt;
        render();
      }
      if (!search.isDone) timer = setTimeout(goOn, 0);
    };
    timer = setTimeout(goOn, 0);
    return () => clearTimeout(timer);
    // Again for all that has arrived.
  }, [search, version]);
  return search;
}

/** The lines that are shown, by their place in the list. */
export interface View {
  readonly count: number;
  /** Index of the line at a place. */
  readonly lineAt: (place: number) => number;
  /** The place of a line, or of the next one that is shown. */
  readonly placeOf: (line: number) => number;
}

/** Makes the view of all lines, of one stream, or of what a search has found. */
export function viewOf(
  { index }: OutputFeed,
  extent: Extent,
  stream: LogStream | null,
  found: Search['found'] | null,
): View {
  const list = found ?? (stream === null ? null : index.linesOf(stream));
  if (list === null) {
    return { count: extent.lineCount, lineAt: (place) => place, placeOf: (line) => line };
  }
  return {
    count: list.countUpTo(extent.lineCount - 1),
    lineAt: (place) => list.at(place),
    placeOf: (line) => list.countUpTo(line - 1),
  };
}
