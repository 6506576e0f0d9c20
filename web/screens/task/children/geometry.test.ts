/** The cells of the map. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellAfter, cellAt, cornerOf, layoutOf } from './geometry.ts';

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

describe('cellAfter', () => {
  /** 25 rows of four cells, and one of two. */
  const layout = { count: 102, pitch: 30, gap: 3, columns: 4, height: 780 };
  const go = (from: number, ...keys: string[]) =>
    keys.reduce((at, key) => cellAfter(layout, at, key) ?? -1, from);

  it('goes to the neighbour, over the ends of rows, and stays at the edges', () => {
    expect(go(2, 'ArrowRight', 'ArrowRight')).toBe(4);
    expect(go(4, 'ArrowLeft')).toBe(3);
    expect(go(1, 'ArrowDown', 'ArrowDown', 'ArrowUp')).toBe(5);
    expect(go(0, 'ArrowLeft')).toBe(0);
    expect(go(3, 'ArrowUp')).toBe(3);
    expect(go(101, 'ArrowRight')).toBe(101);
    expect(go(101, 'ArrowDown')).toBe(101);
  });

  it('comes into a last row that is shorter at its end', () => {
    expect(go(97, 'ArrowDown')).toBe(101);
    expect(go(99, 'ArrowDown')).toBe(101);
  });

  it('goes over ten rows, and to both ends', () => {
    expect(go(2, 'PageDown')).toBe(42);
    expect(go(2, 'PageDown', 'PageDown', 'PageDown')).toBe(101);
    expect(go(41, 'PageUp')).toBe(1);
    expect(go(18, 'PageUp')).toBe(2);
    expect(go(50, 'Home')).toBe(0);
    expect(go(50, 'End')).toBe(101);
  });

  it('leaves other keys alone', () => {
    expect(cellAfter(layout, 50, 'Tab')).toBeNull();
  });

  it('never leaves the map', () => {
    const keys = ['Right', 'Left', 'Up', 'Down'].map((side) => `Arrow${side}`);
    const ways = fc.record({
      count: fc.integer({ min: 1, max: 500 }),
      width: fc.integer({ min: 10, max: 900 }),
      from: fc.nat(),
      key: fc.constantFrom(...keys, 'PageUp', 'PageDown', 'Home', 'End'),
    });
    fc.assert(
      fc.property(ways, ({ count, width, from, key }) => {
        const to = cellAfter(layoutOf(count, width, 300), from % count, key) ?? -1;
        expect(to).toBeGreaterThanOrEqual(0);
        expect(to).toBeLessThan(count);
      }),
    );
  });
});
