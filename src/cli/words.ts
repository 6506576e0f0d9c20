/**
 * How mistakes on the command line are said.
 */

/** Returns an error of commander as one line of ours, its suggestion at the end. */
export function inOurWords(text: string): string {
  const [message, ...rest] = text.trim().split('\n');
  const suggestion = rest.join(' ').replace(/^\(Did (.*)\)$/, '; did $1');
  return `muster: ${(message ?? '').replace(/^error: /, '').replace(/\.$/, '')}${suggestion}\n`;
}
