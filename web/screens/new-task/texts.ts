/**
 * How people write lists, pairs, words, durations and times into the form, and how those are written back.
 *
 * Each reader throws an Error with a sentence; each writer gives what its reader reads as the same.
 */

const UNITS_MS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
];

/** Reads 30s, 1h30m, 500ms, 2d or 0. @returns whole ms */
export function readDuration(text: string): number {
  const whole = text.replaceAll(/\s/g, '');
  if (whole === '0') return 0;
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/.test(whole)) {
    const hint = /^\d+$/.test(whole) ? `${whole}s or ${whole}m` : '30s, 5m, 1h30m, 500ms or 2d';
    throw new Error(`“${text}” is no duration; write ${hint}`);
  }
  let ms = 0;
  for (const [, count, unit] of whole.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    ms += Number(count) * (UNITS_MS.find(([name]) => name === unit)?.[1] ?? 0);
  }
  return Math.round(ms);
}

/** Writes a duration exactly: 1h30m. */
export function writeDuration(ms: number): string {
  let rest = Math.round(ms);
  let text = '';
  for (const [name, size] of UNITS_MS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) text += `${count}${name}`;
  }
  return text === '' ? '0' : text;
}

/** Reads a whole number. */
export function readInteger(text: string): number {
  const trimmed = text.trim();
  if (!/^\d{1,9}$/.test(trimmed)) throw new Error(`“${text}” is no whole number`);
  return Number(trimmed);
}

/** Reads a list with commas or white space between its parts; commas inside brackets belong to a pattern. */
export function readList(text: string): string[] {
  const parts: string[] = [''];
  let depth = 0;
  for (const character of text) {
    if (character === '[') depth += 1;
    if (character === ']') depth = Math.max(depth - 1, 0);
    if (depth === 0 && /[\s,]/.test(character)) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts.filter((part) => part !== '');
}

export function writeList(parts: readonly string[]): string {
  return parts.join(', ');
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

/** Splits a command line as a shell does: quotes and backslashes, and nothing else; no variable is replaced. */
export function readWords(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (quote !== '' && character === quote) quote = '';
    else if (quote === "'") word += character;
    else if (character === '\\' && index + 1 < text.length) {
      index += 1;
      const next = text.charAt(index);
      // Within double quotes a backslash is one, unless it hides what would mean something.
      const isPlain = quote === '"' && !/["\\$`\n]/.test(next);
      if (next !== '\n') word = `${word ?? ''}${isPlain ? `\\${next}` : next}`;
    } else if (quote === '' && (character === "'" || character === '"')) {
      quote = character;
      word ??= '';
    } else if (quote === '' && /\s/.test(character)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = `${word ?? ''}${character}`;
  }
  if (quote !== '') throw new Error(`A quote ${quote} is not closed`);
  if (word !== null) words.push(word);
  return words;
}

/** Quotes a word for a shell, where it needs that. */
export function quoteWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export function writeWords(words: readonly string[]): string {
  return words.map(quoteWord).join(' ');
}

/** Reads KEY=value, one a line. A value in double quotes may have \n, \t and \" in it. */
export function readPairs(text: string): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    if (trimmed === '') continue;
    const at = trimmed.indexOf('=');
    if (at < 1) throw new Error(`“${trimmed}” is not KEY=value`);
    const key = trimmed.slice(0, at).trim();
    if (key in pairs) throw new Error(`${key} is given twice`);
    pairs[key] = readValue(trimmed.slice(at + 1));
  }
  return pairs;
}

export function writePairs(pairs: Readonly<Record<string, string>>): string {
  return Object.entries(pairs)
    .map(([key, value]) => `${key}=${writeValue(value)}`)
    .join('\n');
}

function readValue(text: string): string {
  const inner = /^"(.*)"$/.exec(text)?.[1];
  if (inner === undefined) return text;
  return inner.replaceAll(/\\(.)/g, (_, character: string) => ESCAPES[character] ?? character);
}

/** In quotes where a line could not hold it, or reading would take something off. */
function writeValue(value: string): string {
  if (value === value.trim() && !/[\n\r]|^".*"$/.test(value)) return value;
  const escaped = value
    .replaceAll(/["\\]/g, (character) => `\\${character}`)
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t');
  return `"${escaped}"`;
}

/** Reads what an input of type datetime-local has. @returns ms since 1970 */
export function readLocalTime(text: string): number {
  const ms = new Date(text).getTime();
  if (text.trim() === '' || Number.isNaN(ms)) throw new Error('Choose a date and a time');
  return ms;
}

export function writeLocalTime(ms: number): string {
  const date = new Date(ms);
  const pad = (value: number, digits = 2) => String(value).padStart(digits, '0');
  const day = `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  const seconds =
    ms % 1000 === 0
      ? pad(date.getSeconds())
      : `${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;
  return `${day}T${pad(date.getHours())}:${pad(date.getMinutes())}:${seconds}`;
}
