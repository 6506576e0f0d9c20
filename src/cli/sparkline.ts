/**
 * A row of numbers as a row of bars, for tables. Pure.
 */
const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** A value and when it was so, in ms since 1970. */
export interface Sample {
  readonly at: number;
  readonly value: number;
}

/**
 * Returns `width` characters for the time from `from` until `until`: each the highest value of its part of the time, between 0 and
 * `max`; a space where there is none.
 */
export function sparkline(
  samples: readonly Sample[],
  range: { readonly from: number; readonly until: number },
  max: number,
  width: number,
): string {
  const peaks: (number | undefined)[] = Array.from({ length: width });
  const span = Math.max(range.until - range.from, 1);
  for (const { at, value } of samples) {
    const place = Math.floor(((at - range.from) / span) * width);
    // The last moment belongs to the last bar.
    const index = Math.min(Math.max(place, 0), width - 1);
    peaks[index] = Math.max(peaks[index] ?? 0, value);
  }
  return peaks.map((peak) => (peak === undefined ? ' ' : barOf(peak, max))).join('');
}

function barOf(value: number, max: number): string {
  const share = max > 0 ? Math.min(Math.max(value / max, 0), 1) : 0;
  return BARS[Math.round(share * (BARS.length - 1))] ?? BARS[0];
}
