/** Lines over pieces of two streams. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineIndex, type LogStream } from './line-index.ts';
import { plainLine } from './line-text.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const MAX = 1_000_000;

function texts(index: LineIndex, extent = index.extent): string[] {
  return Array.from({ length: extent.lineCount }, (_, at) =>
    plainLine(index.lineAt(at, extent, MAX).bytes),
  );
}

/** Appends texts of both streams, each where its stream ended. */
function appendAll(index: LineIndex, pieces: readonly (readonly [LogStream, string])[]): void {
  let at = 0;
  for (const [stream, text] of pieces)
    index.append(stream, index.endOf(stream), bytesOf(text), ++at);
}

describe('LineIndex', () => {
  it('puts lines where their first byte arrived', () => {
    const index = new LineIndex();
    appendAll(index, [
      ['stdout', 'one\ntw'],
      ['stderr', 'oops\n'],
      ['stdout', 'o\nthree'],
    ]);
    expect(texts(index)).toEqual(['one', 'two', 'oops', 'three']);
    expect([0, 1, 2, 3].map((at) => index.streamAt(at))).toEqual([
      'stdout',
      'stdout',
      'stderr',
      'stdout',
    ]);
    expect([0, 1, 2, 3].map((at) => index.isOpen(at))).toEqual([false, false, false, true]);
    expect([0, 1, 2, 3].map((at) => index.timeAt(at))).toEqual([1, 1, 2, 3]);
  });

  it('cuts off what it has seen', () => {
    const index = new LineIndex();
    index.append('stdout', 0, bytesOf('abc\nde'), 1);
    index.append('stdout', 0, bytesOf('abc\nde'), 1);
    index.append('stdout', 4, bytesOf('def\n'), 2);
    expect(texts(index)).toEqual(['abc', 'def']);
    expect(index.endOf('stdout')).toBe(8);
  });

  it('lets no line go across bytes that are missing', () => {
    const index = new LineIndex();
    index.append('stdout', 0, bytesOf('a\nbro'), 1);
    index.append('stdout', 50, bytesOf('ken\nc\n'), 2);
    expect(texts(index)).toEqual(['a', 'bro', 'ken', 'c']);
    expect(index.endOf('stdout')).toBe(56);
  });

  it('shows what there was at a time', () => {
    const index = new LineIndex();
    index.append('stdout', 0, bytesOf('a\nb'), 100);
    index.append('stderr', 0, bytesOf('e\n'), 200);
    index.append('stdout', 3, bytesOf('bb\nc'), 300);
    expect(texts(index, index.extentAt(99))).toEqual([]);
    expect(texts(index, index.extentAt(100))).toEqual(['a', 'b']);
    expect(texts(index, index.extentAt(299))).toEqual(['a', 'b', 'e']);
    expect(texts(index, index.extentAt(300))).toEqual(['a', 'bbb', 'e', 'c']);
  });

  it('carries colours across lines and pieces, each stream its own', () => {
    const index = new LineIndex();
    appendAll(index, [
      ['stdout', 'plain\n\u001b[3'],
      ['stderr', 'err\n'],
      ['stdout', '1mred\nstill\n\u001b[0mnot\nend\n'],
    ]);
    const states = Array.from({ length: 6 }, (_, at) => index.lineAt(at, index.extent, MAX).state);
    expect(texts(index)).toEqual(['plain', 'red', 'err', 'still', 'not', 'end']);
    expect(states).toEqual(['', '', '', '31', '31', '']);
  });

  it('cuts a long line and says by how much', () => {
    const index = new LineIndex();
    index.append('stdout', 0, bytesOf('x'.repeat(100)), 1);
    const line = index.lineAt(0, index.extent, 30);
    expect([line.bytes.length, line.cutBytes]).toEqual([30, 70]);
  });

  it('has the lines of each stream, however the bytes are cut into pieces', () => {
    const piece = fc.tuple(
      fc.constantFrom<LogStream>('stdout', 'stderr'),
      fc.string({ unit: fc.constantFrom('a', 'b', '\n'), minLength: 1, maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const index = new LineIndex();
        appendAll(index, pieces);
        for (const stream of ['stdout', 'stderr'] as const) {
          const whole = pieces.flatMap(([of, text]) => (of === stream ? [text] : [])).join('');
          const expected = whole === '' ? [] : whole.replace(/\n$/, '').split('\n');
          const lines = texts(index).filter((_, at) => index.streamAt(at) === stream);
          expect(lines).toEqual(expected);
          expect(index.linesOf(stream).length).toBe(lines.length);
        }
      }),
    );
  });
});
