/** Spans of time without gaps, for charts. */
export interface Span {
  /** Its beginning, in ms since 1970. */
  readonly at: number;
  readonly created: number;
  readonly completed: number;
  readonly failed: number;
}

/** Returns the last `count` spans up to a time; those in which nothing happened are there as well. */
export function filled(
  spans: readonly Span[],
  spanMs: number,
  count: number,
  nowMs: number,
): readonly Span[] {
  const known = new Map(spans.map((span) => [span.at, span]));
  const newest = Math.floor(nowMs / spanMs) * spanMs;
  return Array.from({ length: count }, (_, index) => {
    const at = newest - (count - 1 - index) * spanMs;
    return known.get(at) ?? { at, created: 0, completed: 0, failed: 0 };
  });
}
