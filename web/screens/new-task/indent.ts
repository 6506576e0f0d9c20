/** What Tab does in the editor. Pure. */

/** A text with what of it is selected, as offsets. */
export interface Selected {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const INDENT = '  ';

/** Indents what is selected: at the cursor, or the lines of a selection. Backwards it takes one indentation off those lines. */
export function indentLines({ text, start, end }: Selected, isBackwards: boolean): Selected {
  const isWithinLine = !text.slice(start, end).includes('\n');
  if (isWithinLine && !isBackwards) {
    const at = start + INDENT.length;
    return { text: text.slice(0, start) + INDENT + text.slice(end), start: at, end: at };
  }
  const from = text.lastIndexOf('\n', start - 1) + 1;
  // A line of which nothing is selected but its start is not meant.
  const last = end > start && text[end - 1] === '\n' ? end - 1 : end;
  const until = text.indexOf('\n', last) === -1 ? text.length : text.indexOf('\n', last);
  const lines = text.slice(from, until).split('\n');
  const changed = lines.map((line) =>
    isBackwards ? line.replace(/^( {1,2}|\t)/, '') : line === '' ? line : INDENT + line,
  );
  const firstBy = (changed[0] ?? '').length - (lines[0] ?? '').length;
  const allBy = changed.join('\n').length - (until - from);
  return {
    text: text.slice(0, from) + changed.join('\n') + text.slice(until),
    start: Math.max(start + firstBy, from),
    end: Math.max(end + allBy, from),
  };
}
