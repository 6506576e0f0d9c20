// Colours on terminals only; a state is told by its word and a symbol.
import { expect, test } from 'vitest';
import { createStyle, lookOf } from './style.ts';

test('a terminal gets colours', () => {
  expect(createStyle({ isTTY: true }, {}).red('x')).toBe('\u001b[31mx\u001b[39m');
});

test.each([
  ['something else than a terminal', { isTTY: false }, {}],
  ['NO_COLOR', { isTTY: true }, { NO_COLOR: '1' }],
  ['TERM=dumb', { isTTY: true }, { TERM: 'dumb' }],
])('%s gets none', (_name, stream, environment) => {
  const style = createStyle(stream, environment);
  expect(Object.values(style).map((paint) => paint('x'))).toEqual(Array(6).fill('x'));
});

test('an empty NO_COLOR counts as absent', () => {
  expect(createStyle({ isTTY: true }, { NO_COLOR: '' }).red('x')).not.toBe('x');
});

test('a sub-state looks like its state unless it has a look of its own', () => {
  expect(lookOf('running.executing')).toEqual(lookOf('running'));
  expect(lookOf('running.unreachable').symbol).toBe('?');
  expect(lookOf('constructor').symbol).toBe('·');
});
