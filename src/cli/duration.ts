/**
 * Durations as people write and read them.
 *
 * `parseDuration` reads flags, `formatDuration` fills tables. Where a flag
 * has bounds (bounds.ts), what is outside is refused here.
 */
import type { Range } from './bounds.ts';
import { UsageFault } from './fault.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;

/** More than any policy allows, and still exact. */
const MAX_MS = 100 * 365 * 86_400_000;

/**
 * Reads a duration such as `30s`, `1h30m`, `500ms`, `2d` or `0`.
 *
 * @param flag the name of the flag, for the message
 * @returns whole milliseconds
 * @param range in ms
 * @throws UsageFault when the text is none, or out of range
 */
export function parseDuration(text: string, flag: string, range?: Range): number {
  const ms = readDuration(text, flag);
  if (range !== undefined && (ms < range[0] || ms > range[1])) {
    const [least, most] = range.map(formatDuration);
    throw new UsageFault(`${flag} is ${text.trim()}; it must be from ${least} to ${most}`);
  }
  return ms;
}

function readDuration(text: string, flag: string): number {
  const trimmed = text.trim();
  if (trimmed === '0') return 0;
  if (!WHOLE.test(trimmed)) {
    const hint = /^\d+$/.test(trimmed)
      ? `it needs a unit: ${trimmed}s or ${trimmed}m`
      : 'write 30s, 5m, 1h30m, 500ms or 2d';
    throw new UsageFault(`${flag}: '${text}' is no duration; ${hint}`);
  }
  let totalMs = 0;
  for (const [, count, unit] of trimmed.matchAll(PART)) {
    totalMs += Number(count) * (UNIT_MS[unit ?? ''] ?? 0);
  }
  if (totalMs > MAX_MS) throw new UsageFault(`${flag}: '${text}' is longer than a century`);
  return Math.round(totalMs);
}

/** Returns a duration in at most two units: `350ms`, `3.2s`, `5m 10s`, `2d 3h`. */
export function formatDuration(durationMs: number): string {
  const ms = Math.max(0, Math.round(durationMs));
  if (ms < 1000) return `${ms}ms`;
  if (ms < 59_950) return `${Number((ms / 1000).toFixed(1))}s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return pair(seconds, 60, 'm', 1, 's');
  if (seconds < 86_400) return pair(seconds, 3600, 'h', 60, 'm');
  return pair(seconds, 86_400, 'd', 3600, 'h');
}

function pair(seconds: number, big: number, bigUnit: string, small: number, smallUnit: string) {
  const rest = Math.floor((seconds % big) / small);
  return `${Math.floor(seconds / big)}${bigUnit}${rest === 0 ? '' : ` ${rest}${smallUnit}`}`;
}
