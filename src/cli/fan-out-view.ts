/**
 * How a fan-out looks on a terminal: its one line of progress, and the output of its nodes in one of three ways.
 *
 * Pure: text in, text out. Used by fan-out-follow.ts.
 */
import type { FanOutProgress } from '../../proto/gen/muster/v1/fan_out_pb.ts';
import type { Style } from './style.ts';
import { harmless } from './table.ts';

const BAR_WIDTH = 24;
const LEAST_BAR_WIDTH = 4;
const GAP = '  ';

/** How many children are over. */
export function finalCount(progress: FanOutProgress): number {
  const { completed, failed, timedOut, cancelled, skipped } = progress;
  return completed + failed + timedOut + cancelled + skipped;
}

/**
 * One line, without its end: a bar, and the numbers that are not zero.
 *
 * @param columns of the terminal, which the line is not to fill: only a line that has not wrapped can be drawn again
 */
export function progressLine(
  progress: FanOutProgress,
  style: Style,
  columns: number = Number.POSITIVE_INFINITY,
): string {
  const counts = countCells(progress, style);
  while (counts.length > 1 && widthOf(counts) >= columns) counts.pop();
  const size = Math.min(BAR_WIDTH, columns - widthOf(counts) - '[] '.length - 1);
  if (size < LEAST_BAR_WIDTH) return paintedText(counts);
  const { total } = progress;
  const filled = total === 0 ? size : Math.floor((finalCount(progress) / total) * size);
  return `[${'#'.repeat(filled)}${'.'.repeat(size - filled)}] ${paintedText(counts)}`;
}

/** How many children are over, and the numbers that are not zero: `2/3  1 running  2 completed`. */
export function countsText(progress: FanOutProgress, style: Style): string {
  return paintedText(countCells(progress, style));
}

interface Count {
  readonly text: string;
  readonly paint: (text: string) => string;
}

function countCells(progress: FanOutProgress, style: Style): Count[] {
  const { total, active, held, completed, failed, timedOut, cancelled, skipped } = progress;
  return [
    { text: `${finalCount(progress)}/${total}`, paint: (text) => text },
    ...counted(active, 'running', style.cyan),
    ...counted(completed, 'completed', style.green),
    ...counted(failed, 'failed', style.red),
    ...counted(timedOut, 'timed out', style.red),
    ...counted(cancelled, 'cancelled', style.yellow),
    ...counted(skipped, 'skipped', style.yellow),
    ...counted(held, 'waiting', style.dim),
  ];
}

function counted(number: number, word: string, paint: Count['paint']): Count[] {
  return number === 0 ? [] : [{ text: `${number} ${word}`, paint }];
}

function widthOf(counts: readonly Count[]): number {
  return counts.map(({ text }) => text).join(GAP).length;
}

function paintedText(counts: readonly Count[]): string {
  return counts.map(({ text, paint }) => paint(text)).join(GAP);
}

// oxlint-disable-next-line no-control-regex
const COLOUR = /(\u001b\[[0-9;:]*m)/;
const RESET = '\u001b[0m';

/**
 * The output of one node, each line behind the name of the node. What is no UTF-8 is shown as U+FFFD.
 *
 * @param isColoured colours stay, each line ends in the usual one; else they are left out
 */
export function prefixedLines(nodeId: string, output: Uint8Array, isColoured: boolean): string {
  const text = new TextDecoder().decode(output);
  if (text === '') return '';
  const lines = text.endsWith('\n') ? text.slice(0, -1).split('\n') : text.split('\n');
  return lines.map((line) => `${nodeId}: ${withColours(line, isColoured)}\n`).join('');
}

/** Colours come whole; every other control character is made harmless. */
function withColours(line: string, isColoured: boolean): string {
  // With its group, every second part is a colour.
  const parts = line.split(COLOUR);
  if (parts.length === 1) return harmless(line);
  if (!isColoured) return harmless(parts.filter((_, index) => index % 2 === 0).join(''));
  return parts.map((part, index) => (index % 2 === 0 ? harmless(part) : part)).join('') + RESET;
}

/** Equal output, printed once under the nodes that gave it. */
export function gatheredBlock(nodes: string, count: number, output: string, style: Style): string {
  const rule = '-'.repeat(Math.min(Math.max(nodes.length, 8), 60));
  const size = count === 1 ? '' : style.dim(` (${count})`);
  const body = output === '' || output.endsWith('\n') ? output : `${output}\n`;
  return `${rule}\n${style.bold(nodes)}${size}\n${rule}\n${body}`;
}
