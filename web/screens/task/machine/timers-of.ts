/** Which times a task waits for. All times are ms since 1970. */

export interface Timer {
  readonly what: string;
  readonly at: number;
  /** When the wait began; null where that is not known. */
  readonly from: number | null;
}

/** The defaults of a policy; see TaskPolicy. */
const LOST_AFTER_MS = 120_000;
const STOP_GRACE_MS = 10_000;

/** Returns the timers of a state, the next one first. */
export function timersOf(known: {
  readonly path: string;
  readonly isFanOut: boolean;
  /** When it came into its state. */
  readonly enteredAt: number | null;
  readonly deadlineAt: number | null;
  readonly delayedUntil: number | null;
  readonly stopGraceMs: number | null;
  readonly lostAfterMs: number | null;
}): Timer[] {
  const { path, enteredAt, deadlineAt, delayedUntil } = known;
  const timers: Timer[] = [];
  if (path === 'pending.delayed' && delayedUntil !== null) {
    timers.push({ what: 'Goes to the queue', at: delayedUntil, from: enteredAt });
  }
  if (path.startsWith('running.') && path !== 'running.stopping' && deadlineAt !== null) {
    timers.push({ what: 'Times out', at: deadlineAt, from: null });
  }
  if (path === 'running.stopping' && !known.isFanOut && enteredAt !== null) {
    const at = enteredAt + (known.stopGraceMs ?? STOP_GRACE_MS);
    timers.push({ what: 'Its processes are killed', at, from: enteredAt });
  }
  if (path === 'running.unreachable' && enteredAt !== null) {
    const at = enteredAt + (known.lostAfterMs ?? LOST_AFTER_MS);
    timers.push({ what: 'Counts as lost', at, from: enteredAt });
  }
  return timers.sort((a, b) => a.at - b.at);
}
