/** The cells of the map. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellAt, cornerOf, layoutOf } from './geometry.ts';

describe('layoutOf', () => {
  it('has large cells for few nodes and small ones for many', () => {
    expect(layoutOf(3, 900, 300).pitch).toBe(30);
    expect(layoutOf(5_000, 1_300, 300).pitch).toBe(9);
    const some = layoutOf(500, 900, 300);
    expect(some.pitch).toBeGreaterThan(9);
    expect(some.height).toBeLessThanOrEqual(300);
  });

  it('shows all of 5,000 in a page that is narrow', () => {
    const layout = layoutOf(5_000, 320, 300);
    expect(layout.columns).toBe(35);
    expect(layout.height).toBe(Math.ceil(5_000 / 35) * 9);
  });

  it('finds each cell where it is drawn, and none elsewhere', () => {
    const sizes = fc.record({
      count: fc.integer({ min: 1, max: 5_000 }),
      width: fc.integer({ min: 50, max: 2_000 }),
    });
    fc.assert(
      fc.property(sizes, ({ count, width }) => {
        const layout = layoutOf(count, width, 300);
        for (const index of [0, Math.floor(count / 2), count - 1]) {
          const [x, y] = cornerOf(layout, index);
          expect(cellAt(layout, x + 1, y + 1)).toBe(index);
          expect(x + layout.pitch).toBeLessThanOrEqual(Math.max(width, layout.pitch));
        }
        expect(cellAt(layout, -1, 0)).toBe(-1);
        expect(cellAt(layout, layout.columns * layout.pitch, 0)).toBe(-1);
        expect(cellAt(layout, 0, layout.height)).toBe(-1);
      }),
    );
  });
});
