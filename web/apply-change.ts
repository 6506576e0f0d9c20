/** What a live list is after a message of its stream. Pure. */

export interface Change<Item> {
  readonly changed: readonly Item[];
  /** Keys, as `keyOf` gives them. */
  readonly deletedIds: readonly string[];
}

/** Returns the items after a change, by their keys; `isWhole` says that it has all of them. */
export function applyChange<Item>(
  items: ReadonlyMap<string, Item> | null,
  { changed, deletedIds }: Change<Item>,
  isWhole: boolean,
  keyOf: (item: Item) => string,
): ReadonlyMap<string, Item> {
  const next = new Map(isWhole || items === null ? [] : items);
  for (const one of changed) next.set(keyOf(one), one);
  for (const id of deletedIds) next.delete(id);
  return next;
}
