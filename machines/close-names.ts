/**
 * Finds the names that somebody may have meant. Used in error messages.
 */

/** Edits that a mistyped name may be away from the right one. */
const MAX_EDITS = 2;
const MAX_NAMES = 3;

/** Returns up to three of `known` within two edits of `name`, the closest first. */
export function closeNames(name: string, known: Iterable<string>): string[] {
  const found: { name: string; edits: number }[] = [];
  for (const one of known) {
    if (Math.abs(one.length - name.length) > MAX_EDITS) continue;
    const edits = countEdits(name, one);
    if (edits <= MAX_EDITS && edits < name.length) found.push({ name: one, edits });
  }
  found.sort((a, b) => a.edits - b.edits || (a.name < b.name ? -1 : 1));
  return found.slice(0, MAX_NAMES).map((one) => one.name);
}

/** Insertions, deletions and replacements between two names (Levenshtein, 1966). */
function countEdits(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (above[column - 1] as number) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const edits = Math.min(
        replaced,
        (above[column] as number) + 1,
        (current[column - 1] as number) + 1,
      );
      current.push(edits);
    }
    above = current;
  }
  return above[b.length] as number;
}
