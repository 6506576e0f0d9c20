/** What a live list is after a message of its stream. Pure. */

export interface Change<Item> {
  readonly changed: readonly Item[];
  readonly deletedIds: readonly string[];
}

/** Returns the items after a change; `isWhole` says that it has all of them. */
export function applyChange<Item extends { readonly id: string }>(
  items: ReadonlyMap<string, Item> | null,
  { changed, deletedIds }: Change<Item>,
  isWhole: boolean,
): ReadonlyMap<string, Item> {
  const next = new Map(isWhole || items === null ? [] : items);
  for (const one of changed) next.set(one.id, one);
  for (const id of deletedIds) next.delete(id);
  return next;
}
