// The first line of an error output.
import { expect, it } from 'vitest';
import { firstLine } from './first-line.ts';

it('is the first that is not blank, without colours', () => {
  expect(firstLine('\n  \r\n\u001b[31mdisk full\u001b[0m\nmore')).toBe('disk full');
  expect(firstLine(' \n')).toBe('');
});
