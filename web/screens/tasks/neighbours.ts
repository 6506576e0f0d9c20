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

type Store = Pick<Storage, 'getItem' | 'setItem'>;

/** Remembers the ids around the one that is opened. @param store of this tab, by default */
export function rememberOrder(
  ids: readonly string[],
  openedId: string,
  store: Store = sessionStorage,
): void {
  const at = Math.max(ids.indexOf(openedId), 0);
  const near = ids.slice(Math.max(at - MAX_EACH_SIDE, 0), at + MAX_EACH_SIDE + 1);
  store.setItem(PLACE, near.join(' '));
}

/** Returns the tasks beside one, as remembered; both null for one that is not in the list, and in a tab where no list was seen. */
export function readNeighbours(taskId: string, store: Store = sessionStorage): Neighbours {
  const order = (store.getItem(PLACE) ?? '').split(' ').filter((id) => id !== '');
  const at = order.indexOf(taskId);
  if (at === -1) return { former: null, next: null };
  return { former: order[at - 1] ?? null, next: order[at + 1] ?? null };
}
