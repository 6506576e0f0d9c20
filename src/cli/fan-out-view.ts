/**
 * How a fan-out looks on a terminal: its one line of progress, and the output of its nodes in one of three ways.
 *
 * Pure: text in, text out. Used by fan-out-follow.ts.
 */
import type { FanOutProgress } from '../../proto/gen/muster/v1/fan_out_pb.ts';
import type { Style } from './style.ts';
import { harmless } from './table.ts';

const BAR_WIDTH = 24;

/** How many children are over. */
export function finalCount(progress: FanOutProgress): number {
  const { completed, failed, timedOut, cancelled, skipped } = progress;
  return completed + failed + timedOut + cancelled + skipped;
}

/** One line, without its end: a bar, and the numbers that are not zero. */
export function progressLine(progress: FanOutProgress, style: Style): string {
  const { total } = progress;
  const done = finalCount(progress);
  const filled = total === 0 ? BAR_WIDTH : Math.floor((done / total) * BAR_WIDTH);
  const bar = `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}]`;
  return `${bar} ${countsText(progress, style)}`;
}

/** How many children are over, and the numbers that are not zero: `2/3  1 running  2 completed`. */
export function countsText(progress: FanOutProgress, style: Style): string {
  const { total, active, held, completed, failed, timedOut, cancelled, skipped } = progress;
  return [
    `${finalCount(progress)}/${total}`,
    ...counted(active, 'running', style.cyan),
    ...counted(completed, 'completed', style.green),
    ...counted(failed, 'failed', style.red),
    ...counted(timedOut, 'timed out', style.red),
    ...counted(cancelled, 'cancelled', style.yellow),
    ...counted(skipped, 'skipped', style.yellow),
    ...counted(held, 'waiting', style.dim),
  ].join('  ');
}

function counted(number: number, word: string, paint: (text: string) => string): string[] {
  return number === 0 ? [] : [paint(`${number} ${word}`)];
}

/** The output of one node, each line behind the name of the node. What is no UTF-8 is shown as U+FFFD. */
export function prefixedLines(nodeId: string, output: Uint8Array): string {
  const text = new TextDecoder().decode(output);
  if (text === '') return '';
  const lines = text.endsWith('\n') ? text.slice(0, -1).split('\n') : text.split('\n');
  return lines.map((line) => `${nodeId}: ${harmless(line)}\n`).join('');
}

/** Equal output, printed once under the nodes that gave it. */
export function gatheredBlock(nodes: string, count: number, output: string, style: Style): string {
  const rule = '-'.repeat(Math.min(Math.max(nodes.length, 8), 60));
  const size = count === 1 ? '' : style.dim(` (${count})`);
  const body = output === '' || output.endsWith('\n') ? output : `${output}\n`;
  return `${rule}\n${style.bold(nodes)}${size}\n${rule}\n${body}`;
}
