// The curve of the oldest pending task: every span of a day, broken where nothing was noted.
import { create } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { PendingAgeSchema } from '../../../proto/gen/muster/v1/statistics_pb.ts';
import { ageCurve, ageInWords, SPAN_MS } from './pending-ages.ts';

const NOW = Date.UTC(2026, 0, 31, 12, 34);
const NEWEST = Date.UTC(2026, 0, 31, 12, 30);

const noted = (spansAgo: number, ms: number) =>
  create(PendingAgeSchema, {
    at: timestampFromMs(NEWEST - spansAgo * SPAN_MS),
    oldest: durationFromMs(ms),
  });

describe('the curve of the oldest pending task', () => {
  it('has a point for each ten minutes of a day, the one that is under way as the last', () => {
    const points = ageCurve([noted(200, 1), noted(2, 7_000), noted(0, 0)], NOW);
    expect(points).toHaveLength(144);
    expect(points.at(-1)).toEqual({ at: NEWEST, age: 0 });
    expect(points.at(-2)).toEqual({ at: NEWEST - SPAN_MS, age: null });
    expect(points.at(-3)?.age).toBe(7_000);
    expect(points.filter(({ age }) => age !== null)).toHaveLength(2);
  });

  it('is said in words', () => {
    const say = (...ages: Parameters<typeof ageCurve>[0]) => ageInWords(ageCurve(ages, NOW));
    expect(say()).toBe('nothing was noted');
    expect(say(noted(0, 0))).toBe('at last none, at most none');
    expect(say(noted(5, 90_000), noted(1, 5_000))).toBe('at last 5.0 s, at most 1 min 30 s');
  });
});
