/** Lines and scales of diagrams. */
import { describe, expect, it } from 'vitest';
import { fitScale, headPath, linePath, nameSize } from './geometry.ts';

describe('a line', () => {
  it('goes straight between two points', () => {
    expect(
      linePath([
        { x: 0, y: 0 },
        { x: 0, y: 40 },
      ]),
    ).toBe('M0 0 L0 40');
  });

  it('has round corners, smaller ones where there is little room', () => {
    const points = [
      { x: 0, y: 0 },
      { x: 0, y: 40 },
      { x: 4, y: 40 },
    ];
    expect(linePath(points)).toBe('M0 0 L0 38 Q0 40 2 40 L4 40');
  });

  it('is nothing without points', () => {
    expect(linePath([])).toBe('');
    expect(headPath([{ x: 1, y: 1 }])).toBe('');
  });

  it('ends in a head that points where it goes', () => {
    const points = [
      { x: 0, y: 0 },
      { x: 0, y: 40 },
    ];
    expect(headPath(points)).toBe('M0 40 L-4 32 L4 32 Z');
  });
});

describe('the scale that fits', () => {
  it('shows the whole width, never enlarged', () => {
    expect(fitScale(1000, 500)).toBe(0.5);
    expect(fitScale(400, 500)).toBe(1);
  });

  it('stops where nothing could be read any more', () => {
    expect(fitScale(1000, 500, 0.6)).toBe(0.6);
    expect(fitScale(1000, 1)).toBe(0.2);
  });

  it('is 1 before the width is known', () => {
    expect(fitScale(1000, 0)).toBe(1);
  });

  it('has larger names where all is small', () => {
    expect([nameSize(1), nameSize(0.7), nameSize(0.3)]).toEqual([12, 14, 14]);
  });
});
