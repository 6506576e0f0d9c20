/**
 * Exponential backoff with full jitter, as one pure function.
 *
 * Used for retries of tasks, restarts of workers and reconnects of agents; the random number comes from the caller.
 */

/** How long to wait before trying again. */
export interface BackoffPolicy {
  /** Upper bound of the first wait, in ms. */
  readonly initialMs: number;
  /** Upper bound of every wait, in ms. */
  readonly maxMs: number;
}

/**
 * Returns the wait before the try that follows `failures` failed ones: a uniformly random time below
 * `initialMs * 2^(failures - 1)`, itself bounded by `maxMs`.
 *
 * Source: "Exponential Backoff And Jitter", M. Brooker, AWS Architecture Blog, 2015 (full jitter).
 *
 * @param failures how many tries have failed in a row, from 1
 * @param random a number in [0, 1)
 * @returns whole milliseconds
 */
export function backoffMs(policy: BackoffPolicy, failures: number, random: number): number {
  const doublings = Math.min(Math.max(failures - 1, 0), 52);
  const bound = Math.min(policy.maxMs, policy.initialMs * 2 ** doublings);
  return Math.floor(bound * random);
}
