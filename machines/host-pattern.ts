/**
 * Patterns for node ids, as cluster tools write them: `web[01-20]`, `db[1,3,5-7]`, `rack[1-2]-node[01-16]`, several with commas.
 *
 * Zero padding is kept: `[01-10]` is 01, 02 … 10. The command line folds names the same way. Source: the node sets of ClusterShell and pdsh.
 */
import { MusterError } from './errors.ts';

/** Names that one expansion may give. */
export const MAX_EXPANDED = 10_000;

/**
 * Returns the names that a pattern stands for, in its order, each once.
 *
 * @throws MusterError `invalid_argument` if it cannot be read, or gives more than 10,000 names
 */
export function expandPattern(pattern: string): string[] {
  const names = new Set<string>();
  for (const part of splitPatterns(pattern)) {
    for (const name of expandOne(part.trim(), pattern)) names.add(name);
    if (names.size > MAX_EXPANDED) throw tooMany(pattern);
  }
  return [...names];
}

/** Splits at the commas that are in no brackets. */
function splitPatterns(text: string): string[] {
  return text.split(/,(?![^[]*\])/);
}

function expandOne(text: string, whole: string): string[] {
  if (text === '') throw unreadable(whole, 'a name is empty');
  const open = text.indexOf('[');
  if (open === -1) {
    if (text.includes(']')) throw unreadable(whole, 'a ] has no [');
    return [text];
  }
  const close = text.indexOf(']', open);
  if (close === -1) throw unreadable(whole, 'a [ has no ]');
  const numbers = text
    .slice(open + 1, close)
    .split(',')
    .flatMap((range) => expandRange(range, whole));
  const rest = text.slice(close + 1);
  const tails = rest === '' ? [''] : expandOne(rest, whole);
  if (numbers.length * tails.length > MAX_EXPANDED) throw tooMany(whole);
  const head = text.slice(0, open);
  return numbers.flatMap((number) => tails.map((tail) => head + number + tail));
}

function expandRange(range: string, whole: string): string[] {
  const [, first, last] = /^\s*(\d{1,9})(?:-(\d{1,9}))?\s*$/.exec(range) ?? [];
  if (first === undefined) throw unreadable(whole, `"${range}" is no number or range`);
  if (last === undefined) return [first];
  const [from, to] = [Number(first), Number(last)];
  if (from > to) throw unreadable(whole, `the range ${range} runs backwards`);
  if (to - from >= MAX_EXPANDED) throw tooMany(whole);
  return Array.from({ length: to - from + 1 }, (_, index) =>
    String(from + index).padStart(first.length, '0'),
  );
}

function unreadable(pattern: string, fault: string): MusterError {
  return new MusterError(
    'invalid_argument',
    `Cannot read the node pattern "${pattern}": ${fault}; write it as web[01-20] or db[1,3,5-7]`,
  );
}

function tooMany(pattern: string): MusterError {
  return new MusterError(
    'invalid_argument',
    `Cannot use the node pattern "${pattern}": it stands for more than ${MAX_EXPANDED} names`,
  );
}
