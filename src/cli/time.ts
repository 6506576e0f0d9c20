/**
 * Points in time as people write and read them.
 *
 * Flags take a distance from now or an ISO time; tables show a distance, details the time itself in local time with its
 * offset. Nothing here reads the clock: the caller says what now is.
 */
import { formatDuration, parseDuration } from './duration.ts';
import { UsageFault } from './fault.ts';

const ISO = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/i;

/**
 * Reads a time: a distance from now (`30m`, `2h`) or an ISO time (`2026-11-23`, `2026-11-23T10:00`, `…Z`, `…+01:00`).
 * A time without an offset is local.
 *
 * @param direction where a distance leads
 * @param nowMs ms since 1970
 * @returns ms since 1970
 * @throws UsageFault when the text is neither
 */
export function parseTime(
  text: string,
  flag: string,
  direction: 'past' | 'future',
  nowMs: number,
): number {
  const trimmed = text.trim();
  if (ISO.test(trimmed)) {
    // A date alone would be read as UTC, a date with a time as local.
    const at = Date.parse(trimmed.length === 10 ? `${trimmed}T00:00` : trimmed.replace(' ', 'T'));
    if (!Number.isNaN(at)) return at;
  }
  if (!/^\d+(?:\.\d+)?[a-z]/.test(trimmed)) {
    throw new UsageFault(
      `${flag}: '${text}' is no time; write a distance from now such as 30m or 2h, or an ISO time such as 2026-11-23T10:00`,
    );
  }
  const distanceMs = parseDuration(trimmed, flag);
  return direction === 'past' ? nowMs - distanceMs : nowMs + distanceMs;
}

/** Returns the distance of a time from now: `3s ago`, `2h ago`, `in 5m`. */
export function formatAge(atMs: number, nowMs: number): string {
  const distanceMs = nowMs - atMs;
  if (Math.abs(distanceMs) < 1000) return 'now';
  const text = coarse(Math.abs(distanceMs));
  return distanceMs > 0 ? `${text} ago` : `in ${text}`;
}

function coarse(ms: number): string {
  if (ms < 60_000) return `${Math.floor(ms / 1000)}s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)}m`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)}h`;
  return `${Math.floor(ms / 86_400_000)}d`;
}

/** Returns a time in local time with its offset: `2026-11-23 10:00:00.123 +01:00`. */
export function formatTime(atMs: number): string {
  const at = new Date(atMs);
  const offset = -at.getTimezoneOffset();
  const local = new Date(atMs + offset * 60_000).toISOString();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.trunc(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  return `${local.slice(0, 10)} ${local.slice(11, 23)} ${zone}`;
}

/** Returns the time of the day in local time: `10:00:00`. */
export function formatTimeOfDay(atMs: number): string {
  return formatTime(atMs).slice(11, 19);
}

/** Returns the time between two points, or an empty text where one of them is missing. */
export function formatSpan(fromMs: number | undefined, untilMs: number | undefined): string {
  return fromMs === undefined || untilMs === undefined ? '' : formatDuration(untilMs - fromMs);
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
