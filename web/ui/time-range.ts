/** What a chart over time shows. Pure. */

/**
 * Returns the first and the last second of a chart: what is over stands where it was, and does not look like now.
 *
 * @param times seconds since 1970, ascending
 * @param span seconds up to now; more if there are earlier times
 */
export function timeRange(
  times: readonly number[],
  span: number,
  now: number,
): [first: number, last: number] {
  const last = Math.max(times.at(-1) ?? now, now);
  return [Math.min(times[0] ?? last, last - span), last];
}
