/** Counts what happens to tasks minute by minute, from live transitions. Pure; it keeps the last hour. */
import type { Span } from './spans.ts';

export type Minute = Span;

export const MINUTE_MS = 60_000;
const MAX_MINUTES = 60;

/** A step of a task; fromState is empty for its creation. */
export interface Step {
  readonly fromState: string;
  readonly toState: string;
}

/** Adds a step to the minute of a time. Minutes in which nothing happened are there as well. */
export function countStep(minutes: readonly Minute[], step: Step, atMs: number): readonly Minute[] {
  const grown = growTo(minutes, atMs);
  const at = Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
  return grown.map((minute) => (minute.at === at ? added(minute, step) : minute));
}

/** Returns the minutes up to a time. */
export function growTo(minutes: readonly Minute[], atMs: number): readonly Minute[] {
  const last = Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
  const newest = minutes.at(-1)?.at;
  if (newest !== undefined && newest >= last) return minutes;
  const first = Math.max(
    newest === undefined ? last : newest + MINUTE_MS,
    last - MAX_MINUTES * MINUTE_MS,
  );
  const more: Minute[] = [];
  for (let at = first; at <= last; at += MINUTE_MS) {
    more.push({ at, created: 0, completed: 0, failed: 0 });
  }
  return [...minutes, ...more].slice(-MAX_MINUTES);
}

function added(minute: Minute, { fromState, toState }: Step): Minute {
  const created = minute.created + (fromState === '' ? 1 : 0);
  if (toState === 'completed') return { ...minute, created, completed: minute.completed + 1 };
  if (toState === 'failed' || toState === 'timeout') {
    return { ...minute, created, failed: minute.failed + 1 };
  }
  return { ...minute, created };
}
