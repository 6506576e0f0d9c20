/** Task ids sort by the time they were made. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createIdSource } from './ids.ts';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const AT = 1_700_000_000_000;

describe('an id source', () => {
  it('makes 5,000 ids in one millisecond, all different, in order and well formed', () => {
    const ids = createIdSource((count) => randomBytes(count));
    const made = Array.from({ length: 5_000 }, () => ids.next(AT));
    for (const id of made) expect(id).toMatch(UUID_V7);
    expect(new Set(made).size).toBe(5_000);
    expect(made).toEqual([...made].sort());
  });

  it('carries the time, and never goes back when the clock does', () => {
    const ids = createIdSource((count) => new Uint8Array(count));
    const first = ids.next(AT);
    expect(Number.parseInt(first.replaceAll('-', '').slice(0, 12), 16)).toBe(AT);
    const earlier = ids.next(AT - 60_000);
    const later = ids.next(AT + 1);
    expect([earlier, later]).toEqual([earlier, later].sort());
    expect(earlier > first).toBe(true);
  });
});
