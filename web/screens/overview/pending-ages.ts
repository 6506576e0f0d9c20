/** How old the oldest pending task was, as a curve without gaps in its times: where nothing was noted, it is broken. */
import { durationMs, timestampMs } from '@bufbuild/protobuf/wkt';
import type { PendingAge } from '../../../proto/gen/muster/v1/statistics_pb.ts';
import { durationText } from '../../ui/time.tsx';

/** As long as the spans of the supervisor are. */
export const SPAN_MS = 600_000;
const SPANS = 144;

export interface AgePoint {
  /** When the span began, in ms since 1970. */
  readonly at: number;
  /** In ms; 0 where no task was pending, null where nothing was noted. */
  readonly age: number | null;
}

/** Returns a point for each span of the last 24 h. */
export function ageCurve(ages: readonly PendingAge[], nowMs: number): readonly AgePoint[] {
  const known = new Map(
    ages.map(({ at, oldest }) => [
      at === undefined ? 0 : timestampMs(at),
      oldest === undefined ? 0 : durationMs(oldest),
    ]),
  );
  const newest = Math.floor(nowMs / SPAN_MS) * SPAN_MS;
  return Array.from({ length: SPANS }, (_, index) => {
    const at = newest - (SPANS - 1 - index) * SPAN_MS;
    return { at, age: known.get(at) ?? null };
  });
}

/** What the curve shows, for those who cannot see it. */
export function ageInWords(points: readonly AgePoint[]): string {
  const noted = points.flatMap(({ age }) => (age === null ? [] : [age]));
  const last = noted.at(-1);
  if (last === undefined) return 'nothing was noted';
  const text = (age: number) => (age === 0 ? 'none' : durationText(age));
  return `at last ${text(last)}, at most ${text(Math.max(...noted))}`;
}
