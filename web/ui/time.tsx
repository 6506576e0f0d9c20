/** Times and durations for people: relative, with the absolute one at hand. */
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { useSyncExternalStore } from 'react';

let now = Date.now();
const listeners = new Set<() => void>();
setInterval(() => {
  now = Date.now();
  for (const listener of listeners) listener();
}, 1_000);

/** The time, once a second. */
export function useNow(): number {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => now,
  );
}

/** Returns a duration in at most two units: 420 ms, 12.3 s, 4 min 5 s, 2 h 10 min, 3 d 4 h. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.max(Math.round(ms), 0)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
}

/** Returns a time in words from now: 5 s ago, in 3 min. */
export function relativeText(at: number, from: number): string {
  const ms = from - at;
  if (Math.abs(ms) < 1_000) return 'now';
  const text = durationText(roundedToUnit(Math.abs(ms)))
    .split(' ')
    .slice(0, 2)
    .join(' ');
  return ms > 0 ? `${text} ago` : `in ${text}`;
}

/** From minutes on to whole ones of the largest unit that fits: 47 h are two days. */
function roundedToUnit(ms: number): number {
  const unit = [86_400_000, 3_600_000, 60_000].find((one) => ms >= one) ?? 1;
  return Math.round(ms / unit) * unit;
}

/** Returns a time with its date, to the millisecond, in the zone of the browser. */
export function absoluteText(at: number): string {
  const date = new Date(at);
  const pad = (value: number, digits = 2) => String(value).padStart(digits, '0');
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;
}

export function Ago({ at }: { readonly at: Timestamp | undefined }) {
  const current = useNow();
  if (at === undefined) return <span className="text-soft">–</span>;
  const ms = timestampMs(at);
  return (
    <time dateTime={new Date(ms).toISOString()} title={absoluteText(ms)}>
      {relativeText(ms, current)}
    </time>
  );
}
