/** Lines, arrow heads and zoom of a diagram: numbers only. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export const MIN_SCALE = 0.2;
export const MAX_SCALE = 3;

const CORNER = 6;
const HEAD_LENGTH = 8;
const HEAD_HALF_WIDTH = 4;

/** Returns the path of a line through the points, its corners rounded. */
export function linePath(points: readonly Point[]): string {
  const [first] = points;
  if (first === undefined) return '';
  const parts = [`M${text(first)}`];
  for (let index = 1; index < points.length; index++) {
    const [before, here, after] = [points[index - 1], points[index], points[index + 1]];
    if (before === undefined || here === undefined) continue;
    if (after === undefined) parts.push(`L${text(here)}`);
    else {
      const radius = Math.min(CORNER, distance(before, here) / 2, distance(here, after) / 2);
      parts.push(
        `L${text(towards(here, before, radius))}`,
        `Q${text(here)} ${text(towards(here, after, radius))}`,
      );
    }
  }
  return parts.join(' ');
}

/** Returns the path of the triangle at the end of a line. */
export function headPath(points: readonly Point[]): string {
  const [before, end] = points.slice(-2);
  if (before === undefined || end === undefined) return '';
  const base = towards(end, before, HEAD_LENGTH);
  const length = distance(before, end) || 1;
  const [ux, uy] = [(end.x - before.x) / length, (end.y - before.y) / length];
  const side = (sign: number) =>
    text({ x: base.x - uy * HEAD_HALF_WIDTH * sign, y: base.y + ux * HEAD_HALF_WIDTH * sign });
  return `M${text(end)} L${side(1)} L${side(-1)} Z`;
}

/** Returns a scale within its bounds. */
export function clampScale(scale: number): number {
  return Math.min(Math.max(scale, MIN_SCALE), MAX_SCALE);
}

/** Returns the scale at which the whole width is seen; never above 1, and not below `least`, from where on it is scrolled instead. */
export function fitScale(width: number, available: number, least = MIN_SCALE): number {
  if (width <= 0 || available <= 0) return 1;
  return clampScale(Math.max(Math.min(available / width, 1), least));
}

/** Returns the size of the names of states, in pixels at scale 1: larger where all is drawn small, as far as the boxes have room. */
export function nameSize(scale: number): number {
  return Math.min(Math.max(10 / scale, 12), 14);
}

function distance(a: Point, b: Point): number {
  return Math.hypot(b.x - a.x, b.y - a.y);
}

/** The point at a distance from `from` on the way to `to`. */
function towards(from: Point, to: Point, by: number): Point {
  const length = distance(from, to) || 1;
  return {
    x: from.x + ((to.x - from.x) / length) * by,
    y: from.y + ((to.y - from.y) / length) * by,
  };
}

function text({ x, y }: Point): string {
  return `${Math.round(x * 100) / 100} ${Math.round(y * 100) / 100}`;
}
