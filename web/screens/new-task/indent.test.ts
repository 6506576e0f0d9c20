/** Tab in the editor of scripts. */
import { expect, it } from 'vitest';
import { indentLines } from './indent.ts';

/** `[` and `]` stand for the ends of the selection, `|` for the cursor. */
function press(marked: string, isBackwards = false): string {
  const withEnds = marked.includes('|') ? marked.replace('|', '[]') : marked;
  const start = withEnds.indexOf('[');
  const end = withEnds.indexOf(']') - 1;
  const after = indentLines({ text: withEnds.replace(/[[\]]/g, ''), start, end }, isBackwards);
  const { text } = after;
  if (after.start === after.end) return `${text.slice(0, after.end)}|${text.slice(after.end)}`;
  return `${text.slice(0, after.start)}[${text.slice(after.start, after.end)}]${text.slice(after.end)}`;
}

it('indents at the cursor', () => {
  expect(press('if x\n|y')).toBe('if x\n  |y');
  expect(press('a|b')).toBe('a  |b');
  expect(press('a[b]c')).toBe('a  |c');
});

it('indents the lines of a selection, but no empty ones', () => {
  expect(press('a\nb[c\n\nd]e\nf')).toBe('a\n  b[c\n\n  d]e\nf');
  expect(press('[a\nb\n]c')).toBe('  [a\n  b\n]c');
});

it('takes one indentation off', () => {
  expect(press('  a|b', true)).toBe('a|b');
  expect(press('    a|', true)).toBe('  a|');
  expect(press('\t[a\n b]', true)).toBe('[a\nb]');
  expect(press('a|', true)).toBe('a|');
  expect(press(' | a', true)).toBe('|a');
});
