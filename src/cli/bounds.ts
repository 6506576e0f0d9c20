/**
 * What the numbers and durations of flags may be, so that a wrong one is refused before anything is sent.
 *
 * The proto has the last word: a test compares each of these with its constraint there.
 */

/** The least and the most, both allowed. */
export type Range = readonly [least: number, most: number];

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 86_400 * SECOND;

/** Durations are in ms. */
export const BOUNDS = {
  timeout: [SECOND, 7 * DAY],
  maxAttempts: [1, 100],
  priority: [0, 100],
  fanOutDeadline: [SECOND, 30 * DAY],
  pageSize: [1, 200],
  previewCount: [1, 100],
  every: [SECOND, 366 * DAY],
  jitter: [0, DAY],
  missedWindow: [MINUTE, 30 * DAY],
  drainDeadline: [0, 7 * DAY],
  countsWindow: [1, 2 * DAY],
} as const satisfies Readonly<Record<string, Range>>;
