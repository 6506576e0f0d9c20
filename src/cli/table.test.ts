// Tables fit the terminal, stay aligned, and let no stored text steer it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Column } from './table.ts';
import { displayWidth, harmless, renderTable } from './table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'ID' },
  { title: 'NAME', shrinkTo: 6 },
  { title: 'AGE', align: 'right', dropOrder: 1 },
];

test('columns are as wide as their widest cell, numbers to the right', () => {
  const rows = [
    ['a1', 'backup', '3s'],
    ['a22', 'x', '12m'],
  ];
  expect(renderTable(COLUMNS, rows, undefined)).toEqual([
    'ID   NAME    AGE',
    'a1   backup   3s',
    'a22  x       12m',
  ]);
});

test('paint is applied to the text and not to the padding', () => {
  const cell = { text: 'ok', paint: (text: string) => `<${text}>` };
  expect(renderTable([{ title: 'STATE' }, { title: 'X' }], [[cell, 'y']], undefined)[1]).toBe(
    '<ok>     y',
  );
});

describe('on a narrow terminal', () => {
  const rows = [['0198c5f2', 'a long name of a task', '12m']];

  test('what may be cut is cut, with an ellipsis', () => {
    expect(renderTable(COLUMNS, rows, 24)[1]).toBe('0198c5f2  a long n…  12m');
  });

  test('then a column is left out', () => {
    expect(renderTable(COLUMNS, rows, 18)).toEqual(['ID        NAME', '0198c5f2  a long …']);
  });

  test('an id is never cut, even where it does not fit', () => {
    expect(renderTable(COLUMNS, rows, 5)[1]).toContain('0198c5f2');
  });

  test('no line is wider than the terminal as long as the fixed columns fit', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.string({ maxLength: 10 })),
        ),
        fc.integer({ min: 18, max: 120 }),
        (cells, width) => {
          const lines = renderTable(
            COLUMNS,
            cells.map(([name, age]) => ['0198c5f2', name, age]),
            width,
          );
          for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});

test('wide and combining characters are counted as a terminal does', () => {
  expect(displayWidth('日本')).toBe(4);
  expect(displayWidth('e\u0301')).toBe(1);
  expect(displayWidth('✓ ok')).toBe(4);
});

test('control characters and changes of direction are replaced', () => {
  expect(harmless('a\u001b[31mb\nc\u202ed\u009b')).toBe('a\uFFFD[31mb c\uFFFDd\uFFFD');
});
