/** Searches over output that grows. */
import { describe, expect, it } from 'vitest';
import { LineIndex, type LogStream } from './line-index.ts';
import { patternOf, Search } from './search.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);

function append(index: LineIndex, stream: LogStream, text: string): void {
  index.append(stream, index.endOf(stream), bytesOf(text), 1);
}

function foundBy(search: Search): number[] {
  search.advance(() => true);
  return Array.from({ length: search.found.length }, (_, at) => search.found.at(at));
}

function searchFor(index: LineIndex, text: string, stream: LogStream | null = null): Search {
  return new Search(index, patternOf(text) ?? /$^/g, stream);
}

describe('patternOf', () => {
  it('takes text as it is, and what stands between slashes as a regular expression', () => {
    expect(patternOf('')).toBeNull();
    expect('a.B'.match(patternOf('A.b') ?? /$^/)).not.toBeNull();
    expect('axb'.match(patternOf('a.b') ?? /$^/)).toBeNull();
    expect('axb'.match(patternOf('/a.b/') ?? /$^/)).not.toBeNull();
    expect('AXB'.match(patternOf('/a.b/') ?? /$^/)).toBeNull();
    expect('AXB'.match(patternOf('/a.b/i') ?? /$^/)).not.toBeNull();
    expect(patternOf('/(/')).toBeNull();
  });
});

describe('Search', () => {
  it('finds in the text without its colours, in one stream or both', () => {
    const index = new LineIndex();
    append(index, 'stdout', 'an \u001b[31mer\u001b[0mror\nfine\n');
    append(index, 'stderr', 'Error 2\n');
    expect(foundBy(searchFor(index, 'error'))).toEqual([0, 2]);
    expect(foundBy(searchFor(index, 'error', 'stderr'))).toEqual([2]);
  });

  it('goes on with what arrives, and finds a line that becomes one', () => {
    const index = new LineIndex();
    append(index, 'stdout', 'a\nne');
    append(index, 'stderr', 'needle\n');
    const search = searchFor(index, 'needle');
    expect(foundBy(search)).toEqual([2]);
    append(index, 'stdout', 'edle\nneedle\n');
    expect(foundBy(search)).toEqual([1, 2, 3]);
  });

  it('stops when there is no time, and goes on later', () => {
    const index = new LineIndex();
    append(index, 'stdout', 'x\n'.repeat(1_000));
    const search = searchFor(index, 'x');
    search.advance(() => false);
    expect(search.isDone).toBe(false);
    expect(search.fraction).toBeGreaterThan(0);
    expect(foundBy(search)).toHaveLength(1_000);
  });
});
