/** Which tasks are chosen for an action: some by id, or all that match the filter. */
export type Selection =
  | { readonly kind: 'some'; readonly ids: ReadonlySet<string> }
  | { readonly kind: 'all' };

export const NOTHING: Selection = { kind: 'some', ids: new Set() };

export function isSelected(selection: Selection, id: string): boolean {
  return selection.kind === 'all' || selection.ids.has(id);
}

/** Chooses some tasks, or takes them back. Of all that match, taking one back leaves none: what is loaded is not all. */
export function select(selection: Selection, ids: readonly string[], isOn: boolean): Selection {
  const chosen = new Set(selection.kind === 'some' ? selection.ids : []);
  for (const id of ids) {
    if (isOn) chosen.add(id);
    else chosen.delete(id);
  }
  return { kind: 'some', ids: chosen };
}
