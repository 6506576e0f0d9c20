/**
 * Keeps the rows of a live list where they are: what is gone leaves, what is new waits behind a button, and values that change move
 * nothing until somebody sorts again.
 */
import { useCallback, useRef, useState } from 'react';

interface Shown {
  readonly ids: readonly string[];
  /** How many belong to the list and are not shown yet. */
  readonly waiting: number;
}

/** Returns what of `before` is still there, and how many of `wanted` are not among it. Nothing waits for an empty list. */
export function keepOrder(before: readonly string[] | null, wanted: readonly string[]): Shown {
  if (before === null || before.length === 0) return { ids: wanted, waiting: 0 };
  const all = new Set(wanted);
  const ids = before.filter((id) => all.has(id));
  return { ids, waiting: wanted.length - ids.length };
}

/**
 * @param wanted ids in the order of now; null before they are known
 * @param view what was chosen to be seen: another one begins anew
 */
export function useStableOrder(wanted: readonly string[] | null, view: string) {
  const [turn, setTurn] = useState(0);
  const kept = useRef<{ readonly view: string; readonly ids: readonly string[] } | null>(null);
  const key = `${turn} ${view}`;
  const before = kept.current?.view === key ? kept.current.ids : null;
  const shown = keepOrder(before, wanted ?? []);
  kept.current = wanted === null ? null : { view: key, ids: shown.ids };
  const renew = useCallback(() => setTurn((former) => former + 1), []);
  return { ...shown, renew };
}
