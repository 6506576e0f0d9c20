/**
 * Writes a set of node ids as a short pattern: `web01, web02, web03, web20` is `web[01-03,20]`.
 *
 * The last number of a name is what is folded; names that differ elsewhere stand beside each other. machines/host-pattern.ts reads it back.
 */

interface Stem {
  readonly head: string;
  readonly tail: string;
  /** Digits of the number where it is padded with zeros; 0 where it is not. */
  readonly width: number;
  readonly numbers: number[];
}

/** Returns the pattern of these names, each taken once. */
export function foldNodes(names: readonly string[]): string {
  const plain: string[] = [];
  const stems = new Map<string, Stem>();
  for (const name of [...new Set(names)].sort()) {
    // Nine digits, as the pattern allows.
    const [, head = '', digits, tail = ''] = /^(.*?)(\d{1,9})(\D*)$/.exec(name) ?? [];
    if (digits === undefined) {
      plain.push(name);
      continue;
    }
    const width = digits.startsWith('0') && digits.length > 1 ? digits.length : 0;
    addTo(stems, { head, tail, width, numbers: [Number(digits)] }, digits.length);
  }
  return [...plain, ...[...stems.values()].map(foldStem)].sort().join(',');
}

/** A number without zeros in front goes with padded ones of its length: 09 and 10 are one range. */
function addTo(stems: Map<string, Stem>, stem: Stem, length: number): void {
  const keyOf = (width: number) => JSON.stringify([stem.head, stem.tail, width]);
  const padded = stems.get(keyOf(length));
  const known = stem.width === 0 && padded !== undefined ? padded : stems.get(keyOf(stem.width));
  if (known === undefined) stems.set(keyOf(stem.width), stem);
  else known.numbers.push(...stem.numbers);
}

function foldStem({ head, tail, width, numbers }: Stem): string {
  const shown = (number: number) => String(number).padStart(width, '0');
  const ranges: [number, number][] = [];
  for (const number of numbers.sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && number === last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  const [only] = ranges;
  if (ranges.length === 1 && only !== undefined && only[0] === only[1]) {
    return `${head}${shown(only[0])}${tail}`;
  }
  const texts = ranges.map(([from, to]) =>
    from === to ? shown(from) : `${shown(from)}-${shown(to)}`,
  );
  return `${head}[${texts.join(',')}]${tail}`;
}
