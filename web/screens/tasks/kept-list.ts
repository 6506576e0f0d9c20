/**
 * The list that was shown last, kept for a while in the memory of the page: whoever comes back from a task finds it as it was, row
 * and scroll position, and its changes are caught up with by version.
 */
import type { FilterInit } from './filter.ts';
import type { TaskList } from './task-list.ts';

const KEPT_MS = 300_000;

interface KeptList {
  /** What the filter says, as a text. */
  readonly meaning: string;
  readonly filter: FilterInit;
  list: TaskList | null;
  scrollTop: number;
  activeId: string | null;
  leftAt: number;
}

let kept: KeptList | null = null;

/** Returns what is kept for a filter; null for another one, and when too much time has passed. */
export function keptFor(meaning: string, nowMs: number): KeptList | null {
  if (kept === null || kept.meaning !== meaning) return null;
  return kept.leftAt !== 0 && nowMs - kept.leftAt > KEPT_MS ? null : kept;
}

/** Begins to keep the list of a filter, in the place of the former. */
export function keep(meaning: string, filter: FilterInit): KeptList {
  kept = { meaning, filter, list: null, scrollTop: 0, activeId: null, leftAt: 0 };
  return kept;
}

export type { KeptList };
