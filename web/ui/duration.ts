/** Durations as people type them, and as scales show them. Pure. */

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Reads 90s, 10m, 1h30m, 2d: milliseconds, or null where it is none. */
export function readDuration(text: string): number | null {
  const compact = text.replace(/\s+/g, '').toLowerCase();
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(compact)) return null;
  let ms = 0;
  for (const [, number = '', unit = ''] of compact.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    ms += Number(number) * (UNITS[unit] ?? 0);
  }
  return ms;
}

/** What may be between two lines of a scale of durations, in ms, so that their texts are short. */
export const DURATION_STEPS: readonly number[] = [
  [1, [1, 2, 5, 10, 20, 50, 100, 200, 500]] as const,
  [1_000, [1, 2, 5, 10, 20, 30]] as const,
  [60_000, [1, 2, 5, 10, 20, 30]] as const,
  [3_600_000, [1, 2, 4, 6, 12]] as const,
  [86_400_000, [1, 2, 5, 10, 20, 50, 100, 200]] as const,
].flatMap(([unit, counts]) => counts.map((count) => count * unit));
