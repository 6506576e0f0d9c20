/** The first line of an output that says something. */
import { plainLine } from '../output/line-text.ts';

const NEWLINE = 10;

/** Returns it without colours; empty if there is none. */
export function firstLineOf(content: Uint8Array): string {
  for (let from = 0; from < content.length; ) {
    const newline = content.indexOf(NEWLINE, from);
    const end = newline === -1 ? content.length : newline;
    const line = plainLine(content.subarray(from, end)).trim();
    if (line !== '') return line;
    from = end + 1;
  }
  return '';
}
