/**
 * Lays out rows of text in aligned columns that fit the terminal.
 *
 * Pure: the caller says how wide the terminal is. Cells that come from elsewhere (names, messages, host names) are made
 * harmless first, so that no stored text can steer the terminal.
 */

/** A cell: its text, and optionally how to paint it once it is laid out. */
export interface Cell {
  readonly text: string;
  readonly paint?: (text: string) => string;
}

/** A column of a table. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** The width down to which the column may be cut where the terminal is narrow. Default: never cut. */
  readonly shrinkTo?: number;
  /** Columns with a number may be left out altogether, the highest first. */
  readonly dropOrder?: number;
}

const GAP = 2;

/**
 * Returns the lines of a table, the titles first.
 *
 * @param width columns of the terminal; undefined where nothing has to fit
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly (Cell | string)[])[],
  width: number | undefined,
): string[] {
  const cells = rows.map((row) => row.map(toCell));
  const kept = fit(columns, cells, width);
  const line = (row: readonly Cell[]) =>
    kept
      .map(({ index, size, column }, position) => {
        const isLast = position === kept.length - 1;
        return renderCell(row[index] ?? { text: '' }, size, column.align ?? 'left', isLast);
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  return [line(columns.map((column) => ({ text: column.title }))), ...cells.map(line)];
}

interface Placed {
  readonly column: Column;
  readonly index: number;
  readonly size: number;
}

/** Cuts what may be cut; when that is not enough, leaves a column out and tries again. */
function fit(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number | undefined,
): Placed[] {
  let placed: Placed[] = columns.map((column, index) => {
    const widths = rows.map((row) => displayWidth(row[index]?.text ?? ''));
    return {
      column,
      index,
      size: widths.reduce((a, b) => Math.max(a, b), displayWidth(column.title)),
    };
  });
  if (width === undefined) return placed;
  for (;;) {
    const shrunk = shrink(placed, width);
    const [dropped] = placed
      .filter(({ column }) => column.dropOrder !== undefined)
      .sort((a, b) => (b.column.dropOrder ?? 0) - (a.column.dropOrder ?? 0));
    if (excessOf(shrunk, width) <= 0 || dropped === undefined) return shrunk;
    placed = placed.filter((one) => one !== dropped);
  }
}

/** Takes from the widest column that may be cut, until all fit or none is left. */
function shrink(placed: readonly Placed[], width: number): Placed[] {
  let shrunk = [...placed];
  for (let excess = excessOf(shrunk, width); excess > 0; excess = excessOf(shrunk, width)) {
    const [widest] = shrunk
      .filter(({ column, size }) => column.shrinkTo !== undefined && size > column.shrinkTo)
      .sort((a, b) => b.size - a.size);
    if (widest === undefined) break;
    const size = Math.max(widest.column.shrinkTo ?? 0, widest.size - excess);
    shrunk = shrunk.map((one) => (one === widest ? { ...one, size } : one));
  }
  return shrunk;
}

function excessOf(placed: readonly Placed[], width: number): number {
  return placed.reduce((sum, { size }) => sum + size, GAP * (placed.length - 1)) - width;
}

function renderCell(cell: Cell, size: number, align: 'left' | 'right', isLast: boolean): string {
  const text = cut(cell.text, size);
  const painted = cell.paint === undefined ? text : cell.paint(text);
  const padding = ' '.repeat(Math.max(0, size - displayWidth(text)));
  if (align === 'right') return padding + painted;
  return isLast ? painted : painted + padding;
}

function toCell(cell: Cell | string): Cell {
  return typeof cell === 'string'
    ? { text: harmless(cell) }
    : { ...cell, text: harmless(cell.text) };
}

/** Returns the text with everything that could steer a terminal, or turn its direction round, replaced. */
export function harmless(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, (character) =>
    character === '\n' || character === '\t' ? ' ' : '\uFFFD',
  );
}

/** Returns how many columns a text takes on a terminal. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

// Wide are the East Asian blocks and emoji; Unicode Standard Annex 11 has the whole list.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

function characterWidth(character: string): number {
  if (/\p{Mn}|\p{Me}|\p{Cf}/u.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

function cut(text: string, size: number): string {
  if (displayWidth(text) <= size) return text;
  let kept = '';
  let width = 0;
  for (const character of text) {
    if (width + characterWidth(character) > size - 1) break;
    kept += character;
    width += characterWidth(character);
  }
  return `${kept}…`;
}

/** Returns a word as a shell would need it. */
export function quote(word: string): string {
  const text = harmless(word);
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
