/**
 * The order of the list that a task was opened from, for this tab: the task screen goes to the former and the next one by it.
 */
const PLACE = 'muster.tasks.order';
/** As many on each side of the task that is opened. */
export const MAX_EACH_SIDE = 500;

export interface Neighbours {
  /** The one above in the list; null at its head. */
  readonly former: string | null;
  /** The one below; null at its end. */
  readonly next: string | null;
}

/** Remembers the ids around the one that is opened. */
export function rememberOrder(ids: readonly string[], openedId: string): void {
  const at = Math.max(ids.indexOf(openedId), 0);
  const near = ids.slice(Math.max(at - MAX_EACH_SIDE, 0), at + MAX_EACH_SIDE + 1);
  sessionStorage.setItem(PLACE, near.join(' '));
}

/** Returns the ids as they were remembered; none in a tab where no list was seen. */
export function readOrder(): string[] {
  return (sessionStorage.getItem(PLACE) ?? '').split(' ').filter((id) => id !== '');
}

/** Returns the tasks beside one in an order; both null for one that is not in it. */
export function neighboursOf(order: readonly string[], taskId: string): Neighbours {
  const at = order.indexOf(taskId);
  if (at === -1) return { former: null, next: null };
  return { former: order[at - 1] ?? null, next: order[at + 1] ?? null };
}
