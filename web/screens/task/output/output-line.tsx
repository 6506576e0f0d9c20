/** One line of output: its number as a link, its stream, its text in colours, and what a search has found in it. */
import { memo } from 'react';
import { absoluteText } from '../../../ui/time.tsx';
import type { Extent, LineIndex } from './line-index.ts';
import { type Part, partsOf } from './line-text.ts';
import { sizeText } from './size-text.ts';

/** Bytes of a line that are shown; the rest is in the download. */
const MAX_SHOWN_BYTES = 10_000;

export interface LineProps {
  readonly index: LineIndex;
  readonly line: number;
  readonly extent: Extent;
  /** Bytes of it that are there: what makes an open line new. */
  readonly pattern: RegExp | null;
  readonly isCurrent: boolean;
  readonly isSelected: boolean;
  readonly isWrapped: boolean;
  readonly digits: number;
  readonly onSelect: (line: number, isRange: boolean) => void;
}

export const OutputLine = memo(function OutputLine(props: LineProps) {
  const { index, line, extent, pattern, isCurrent, isSelected, isWrapped, digits, onSelect } =
    props;
  const { number, stream, bytes, state, cutBytes } = index.lineAt(line, extent, MAX_SHOWN_BYTES);
  const parts = splitAtHits(partsOf(bytes, state), pattern);
  const isError = stream === 'stderr';
  return (
    <div
      className={`flex min-h-5 ${isSelected ? 'bg-accent-soft' : isCurrent ? 'bg-raised' : 'hover:bg-raised'}`}
      data-line={number}
    >
      <a
        href={linkTo(number)}
        title={`Line ${number}, ${absoluteText(index.timeAt(line))}: link to it; with shift, up to it`}
        aria-label={`Line ${number}${isError ? ', stderr' : ''}`}
        onClick={(event) => {
          if (event.ctrlKey || event.metaKey) return;
          event.preventDefault();
          onSelect(number, event.shiftKey);
        }}
        className={`sticky left-0 z-[1] shrink-0 select-none border-r pr-2 pl-3 text-right text-soft hover:text-accent hover:underline ${isSelected ? 'bg-accent-soft' : 'bg-panel'} ${isError ? 'border-bad' : 'border-line'}`}
        style={{ width: `calc(${digits + 1}ch + 1.75rem)` }}
      >
        {isError ? (
          <span aria-hidden className="float-left text-bad" title="stderr">
            !
          </span>
        ) : null}
        {number}
      </a>
      <span
        className={`min-w-0 px-3 ${isWrapped ? 'whitespace-pre-wrap [overflow-wrap:anywhere]' : 'whitespace-pre'}`}
      >
        {parts.map((part, at) => (
          <span
            // Parts of a line have no other identity.
            // oxlint-disable-next-line react/no-array-index-key
            key={at}
            className={`${part.classes} ${part.isHit ? (isCurrent ? 'output-hit-current' : 'output-hit') : ''}`}
            style={styleOf(part)}
          >
            {part.text}
          </span>
        ))}
        {cutBytes === 0 ? null : (
          <span className="text-soft italic"> … {sizeText(cutBytes)} more of this line</span>
        )}
      </span>
    </div>
  );
});

/** A colour of a program's own is brought nearer to the text of the page, so that it is readable in both themes. */
function styleOf({ color, background }: Part) {
  if (background !== undefined) return { color, backgroundColor: background };
  return color === undefined
    ? undefined
    : { color: `color-mix(in srgb, ${color} 65%, var(--text))` };
}

/** The address of this view at a line. */
function linkTo(number: number): string {
  const search = new URLSearchParams(location.search);
  search.set('line', String(number));
  return `?${search.toString()}`;
}

interface ShownPart extends Part {
  readonly isHit: boolean;
}

/** Splits parts where what was found begins and ends: it may go across colours. */
function splitAtHits(parts: readonly Part[], pattern: RegExp | null): readonly ShownPart[] {
  const plain = parts.map((part) => ({ ...part, isHit: false }));
  if (pattern === null) return plain;
  const text = parts.map((part) => part.text).join('');
  const hits = [...text.matchAll(pattern)].flatMap((hit) =>
    hit[0] === '' ? [] : [[hit.index, hit.index + hit[0].length] as const],
  );
  if (hits.length === 0) return plain;
  const shown: ShownPart[] = [];
  let start = 0;
  for (const part of parts) {
    const end = start + part.text.length;
    let at = start;
    const add = (to: number, isHit: boolean) => {
      if (to > at) shown.push({ ...part, text: text.slice(at, to), isHit });
      at = Math.max(at, to);
    };
    for (const [from, to] of hits) {
      if (to <= at || from >= end) continue;
      add(Math.max(from, at), false);
      add(Math.min(to, end), true);
    }
    add(end, false);
    start = end;
  }
  return shown;
}
