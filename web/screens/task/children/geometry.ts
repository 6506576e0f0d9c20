/** Where the cells of the map are, as large as there is room for, and which is reached from which. Pure; all in pixels. */

export interface Layout {
  readonly count: number;
  /** Of a cell with the gap beside it. */
  readonly pitch: number;
  readonly gap: number;
  readonly columns: number;
  readonly height: number;
}

/** From a cell that can be read to one that can still be pointed at. */
const PITCHES = [30, 24, 20, 16, 13, 11, 9] as const;

/** Takes the largest cells that fit; if none do, the smallest, and the map becomes higher. */
export function layoutOf(count: number, width: number, maxHeight: number): Layout {
  const layouts = PITCHES.map((pitch) => layoutWith(pitch, count, width));
  const fitting = layouts.find(({ height }) => height <= maxHeight);
  return fitting ?? layoutWith(PITCHES[PITCHES.length - 1] ?? 9, count, width);
}

function layoutWith(pitch: number, count: number, width: number): Layout {
  const columns = Math.max(Math.floor(width / pitch), 1);
  return {
    count,
    pitch,
    gap: pitch >= 16 ? 3 : pitch >= 11 ? 2 : 1,
    columns,
    height: Math.ceil(count / columns) * pitch,
  };
}

/** The left upper corner of a cell. */
export function cornerOf({ pitch, columns }: Layout, index: number): readonly [number, number] {
  return [(index % columns) * pitch, Math.floor(index / columns) * pitch];
}

/** The cell at a point, or -1. */
export function cellAt({ pitch, columns, count }: Layout, x: number, y: number): number {
  const column = Math.floor(x / pitch);
  if (x < 0 || y < 0 || column >= columns) return -1;
  const index = Math.floor(y / pitch) * columns + column;
  return index < count ? index : -1;
}

/** Rows that PageUp and PageDown go over. */
const PAGE_ROWS = 10;

/** The cell that a key leads to from another; null where the key has no meaning. The edges are where it ends. */
export function cellAfter({ columns, count }: Layout, from: number, key: string): number | null {
  const last = count - 1;
  const down = (rows: number) => {
    const rowsBelow = Math.floor(last / columns) - Math.floor(from / columns);
    return Math.min(from + Math.min(rows, rowsBelow) * columns, last);
  };
  const up = (rows: number) => from - Math.min(rows, Math.floor(from / columns)) * columns;
  switch (key) {
    case 'ArrowRight':
      return Math.min(from + 1, last);
    case 'ArrowLeft':
      return Math.max(from - 1, 0);
    case 'ArrowDown':
      return down(1);
    case 'ArrowUp':
      return up(1);
    case 'PageDown':
      return down(PAGE_ROWS);
    case 'PageUp':
      return up(PAGE_ROWS);
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return null;
  }
}
