/** The first line of an error output that says something. */
// oxlint-disable-next-line no-control-regex
const ESCAPES = /\u001b\[[0-9;?]*[A-Za-z]/g;
const MAX_LENGTH = 300;

/** Returns the first line that is not blank, without colours; empty when there is none. */
export function firstLine(text: string): string {
  for (const line of text.split(/[\r\n]+/)) {
    const plain = line.replaceAll(ESCAPES, '').trim();
    if (plain !== '') return plain.slice(0, MAX_LENGTH);
  }
  return '';
}
