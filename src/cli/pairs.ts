/**
 * Reads the small values of flags: `key=value` pairs, lists and whole numbers.
 *
 * What a key may be is checked by the server; here only what could not be sent at all is refused, and numbers that are out of the
 * bounds of their flag (bounds.ts).
 */
import type { Range } from './bounds.ts';
import { UsageFault } from './fault.ts';

/** Collects a flag that may be given several times; a commander option parser. */
export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

/**
 * Reads `key=value` pairs into a record; a value may be empty and may hold `=`.
 *
 * @throws UsageFault for a pair without `=`, without a key, or a key given twice
 */
export function parsePairs(pairs: readonly string[] = [], flag: string): Record<string, string> {
  const record = new Map<string, string>();
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at < 1) throw new UsageFault(`${flag}: '${pair}' is no pair; write ${flag} key=value`);
    const key = pair.slice(0, at);
    if (record.has(key)) throw new UsageFault(`${flag}: '${key}' is given twice`);
    record.set(key, pair.slice(at + 1));
  }
  return Object.fromEntries(record);
}

/** Reads a list from flags that are repeated, separated by commas, or both. */
export function parseList(values: readonly string[] = []): string[] {
  return values
    .flatMap((value) => value.split(','))
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** Reads a whole number of 32 bits. @throws UsageFault when it is none, or out of range */
export function parseInteger(text: string, flag: string, range?: Range): number {
  const value = /^[+-]?\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (Number.isNaN(value)) throw new UsageFault(`${flag}: '${text}' is no whole number`);
  if (Math.abs(value) > 2 ** 31 - 1) throw new UsageFault(`${flag}: ${text} is out of range`);
  if (range !== undefined && (value < range[0] || value > range[1])) {
    throw new UsageFault(`${flag} is ${value}; it must be from ${range[0]} to ${range[1]}`);
  }
  return value;
}
