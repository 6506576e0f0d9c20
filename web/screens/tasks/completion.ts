/** What the filter bar offers while one types: keys first, then the values of the key. */
import { KEYS, type Key, STATE_VALUES, TYPE_VALUES } from './filter.ts';

export interface Offer {
  /** What takes the place of the word that is being typed. */
  readonly text: string;
  readonly hint: string;
  /** A whole condition, which can be applied at once. */
  readonly isWhole: boolean;
}

/** Values that are known here, by key. */
export type KnownValues = Readonly<Partial<Record<Key, readonly string[]>>>;

const HINTS: Readonly<Record<Key, string>> = {
  text: 'part of its name; without the key as well',
  state: 'pending, running, completed, failed, timeout, cancelled',
  type: 'script, file, service, handler, fan_out',
  node: 'the node of its last attempt',
  label: 'key=value',
  schedule: 'made by this schedule',
  creator: 'the token that created it',
  parent: 'children of this fan-out',
  since: 'created at or after: 1h, 7d, a date',
  until: 'created before: 1h, 7d, a date',
  id: 'the first characters of its id',
};

const FIXED: KnownValues = {
  state: Object.keys(STATE_VALUES),
  type: Object.keys(TYPE_VALUES),
  since: ['15m', '1h', '6h', '24h', '7d'],
  until: ['15m', '1h', '24h'],
};

const MAX_OFFERS = 12;

/** Returns the word that is being typed: the one at the end. */
export function lastWord(text: string): string {
  return /(?:"[^"]*"?|[^\s"])*$/.exec(text)?.[0] ?? '';
}

/** Returns what could follow in a text. */
export function offersFor(text: string, known: KnownValues): Offer[] {
  const word = lastWord(text);
  const colon = word.indexOf(':');
  if (colon === -1) {
    return KEYS.filter((key) => key.startsWith(word.toLowerCase())).map((key) => ({
      text: `${key}:`,
      hint: HINTS[key],
      isWhole: false,
    }));
  }
  const key = KEYS.find((one) => one === word.slice(0, colon).toLowerCase());
  if (key === undefined) return [];
  const typed = word.slice(colon + 1).toLowerCase();
  // Of several values with commas, the last one is being typed. A text has no others.
  const comma = key === 'text' ? -1 : typed.lastIndexOf(',');
  const begun = typed.slice(comma + 1).replaceAll('"', '');
  const before = word.slice(colon + 1, colon + 1 + comma + 1);
  return (FIXED[key] ?? known[key] ?? [])
    .filter((value) => value.toLowerCase().includes(begun))
    .sort((a, b) => rank(a, begun) - rank(b, begun))
    .slice(0, MAX_OFFERS)
    .map((value) => ({ text: `${key}:${before}${quoted(value)}`, hint: '', isWhole: true }));
}

function rank(value: string, begun: string): number {
  return value.toLowerCase().startsWith(begun) ? 0 : 1;
}

function quoted(value: string): string {
  return /\s/.test(value) ? `"${value}"` : value;
}

/** Puts an offer in the place of the last word. */
export function accept(text: string, offer: Offer): string {
  return text.slice(0, text.length - lastWord(text).length) + offer.text;
}
