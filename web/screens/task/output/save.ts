/** Output to the clipboard and to files. */
import { writeClipboard } from '../../../plain-http.ts';
import type { LineIndex, LogStream } from './line-index.ts';
import { plainLine } from './line-text.ts';
import { sizeText } from './size-text.ts';
import type { View } from './use-output.ts';

/** A clipboard is no place for more. */
const MAX_COPIED_BYTES = 8 * 1024 * 1024;

/** Saves the bytes as they were printed, colours included. */
export function download(index: LineIndex, stream: LogStream | 'both', name: string): void {
  // Pieces are views of the page's memory; the Blob copies them.
  const blob = new Blob([...index.piecesOf(stream)] as BlobPart[], { type: 'text/plain' });
  const url = URL.createObjectURL(blob);
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  URL.revokeObjectURL(url);
}

/** Copies the lines from a place up to another, without colours. Returns what was done, or throws why not. */
export async function copyLines(
  index: LineIndex,
  view: View,
  first: number,
  last: number,
): Promise<string> {
  const lines: string[] = [];
  let bytes = 0;
  for (let place = first; place <= last; place += 1) {
    const line = index.lineAt(view.lineAt(place), index.extent, MAX_COPIED_BYTES);
    bytes += line.bytes.length + line.cutBytes;
    if (bytes > MAX_COPIED_BYTES) {
      throw new Error(
        `That is more than ${sizeText(MAX_COPIED_BYTES)}: download it, or choose lines by a click and a click with shift on their numbers`,
      );
    }
    lines.push(plainLine(line.bytes));
  }
  await writeClipboard(`${lines.join('\n')}\n`);
  return lines.length === 1 ? 'Copied 1 line' : `Copied ${lines.length.toLocaleString()} lines`;
}
