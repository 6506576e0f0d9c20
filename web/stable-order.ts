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

/**
 * Returns what of `before` is still wanted, and how many others are. Where nothing was shown, all of them, in order.
 *
 * @param inOrder is called only where an order is needed
 */
export function keepOrder(
  before: readonly string[] | null,
  wanted: ReadonlySet<string>,
  inOrder: () => readonly string[],
): Shown {
  if (before === null || before.length === 0) return { ids: inOrder(), waiting: 0 };
  const ids = before.filter((id) => wanted.has(id));
  return { ids, waiting: wanted.size - ids.length };
}

/**
 * @param wanted ids of now; null before they are known
 * @param inOrder returns them in the order that was chosen
 * @param view what was chosen to be seen: another one begins anew
 */
export function useStableOrder(
  wanted: ReadonlySet<string> | null,
  inOrder: () => readonly string[],
  view: string,
) {
  const [turn, setTurn] = useState(0);
  const kept = useRef<{ readonly view: string; readonly ids: readonly string[] } | null>(null);
  const key = `${turn} ${view}`;
  const before = kept.current?.view === key ? kept.current.ids : null;
  const shown = wanted === null ? { ids: [], waiting: 0 } : keepOrder(before, wanted, inOrder);
  kept.current = wanted === null ? null : { view: key, ids: shown.ids };
  const renew = useCallback(() => setTurn((former) => former + 1), []);
  return { ...shown, renew };
}
