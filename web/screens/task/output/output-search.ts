/** What of the output is shown: a part of the address, so that a link leads to the same lines. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { LogStream } from './line-index.ts';
import type { Range } from './output-lines.tsx';

export interface OutputSearch {
  /** From 1; null for the newest. */
  readonly attempt: number | null;
  readonly stream: LogStream | null;
  readonly find: string;
  /** Only lines that match. */
  readonly isMatching: boolean;
  readonly isWrapped: boolean;
  readonly selected: Range | null;
}

export type OutputParameters = Partial<
  Record<'attempt' | 'stream' | 'find' | 'matching' | 'wrap' | 'line', string>
>;

export function readOutputSearch(search: OutputParameters): OutputSearch {
  const attempt = Number(search.attempt);
  return {
    attempt: Number.isInteger(attempt) && attempt > 0 ? attempt : null,
    stream: search.stream === 'stdout' || search.stream === 'stderr' ? search.stream : null,
    find: search.find ?? '',
    isMatching: search.matching === 'only',
    isWrapped: search.wrap === 'on',
    selected: readRange(search.line ?? ''),
  };
}

/** Reads 12 or 12-20. Null for anything else. */
function readRange(text: string): Range | null {
  const match = /^([1-9][0-9]{0,9})(?:-([1-9][0-9]{0,9}))?$/.exec(text);
  if (match === null) return null;
  const one = Number(match[1]);
  const other = Number(match[2] ?? match[1]);
  return { first: Math.min(one, other), last: Math.max(one, other) };
}

/** The text of a range in an address. */
export function rangeText({ first, last }: Range): string {
  return first === last ? String(first) : `${first}-${last}`;
}

export function useOutputSearch(): readonly [OutputSearch, (change: OutputParameters) => void] {
  const search: OutputParameters = useSearch({ strict: false });
  const navigate = useNavigate();
  const change = (parameters: OutputParameters) => {
    void navigate({
      to: '.',
      search: (before: object) => ({ ...before, ...parameters }),
      replace: true,
      resetScroll: false,
    });
  };
  return [readOutputSearch(search), change];
}
