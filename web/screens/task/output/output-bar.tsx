/** What can be done with output: choose, search, wrap, copy, download. */
import { DropdownMenu } from 'radix-ui';
import { type ReactNode, useEffect, useState } from 'react';
import type { Task } from '../../../../proto/gen/muster/v1/task_pb.ts';
import type { LogStream } from './line-index.ts';
import type { OutputParameters, OutputSearch } from './output-search.ts';
import type { Search } from './search.ts';
import { useSettled } from '../../../ui/settled.ts';

const CONTROL =
  'h-8 rounded-md border border-line bg-panel px-2.5 hover:bg-raised disabled:opacity-50';

export function AttemptChoice({
  task,
  attempt,
  onChange,
}: {
  readonly task: Task;
  readonly attempt: number;
  readonly onChange: (change: OutputParameters) => void;
}) {
  const numbers = Array.from({ length: task.attempt }, (_, at) => at + 1);
  if (numbers.length < 2) return null;
  const newest = numbers.length;
  return (
    <select
      aria-label="Attempt"
      className={CONTROL}
      value={attempt}
      onChange={({ target }) =>
        onChange({
          attempt: Number(target.value) === newest ? '' : target.value,
          line: '',
        })
      }
    >
      {numbers.map((number) => (
        <option key={number} value={number}>
          Attempt {number} of {newest}
        </option>
      ))}
    </select>
  );
}

export function StreamChoice({
  stream,
  counts,
  onChange,
}: {
  readonly stream: LogStream | null;
  readonly counts: Readonly<Record<LogStream, number>>;
  readonly onChange: (change: OutputParameters) => void;
}) {
  const choices = [
    { value: null, label: 'Both', count: counts.stdout + counts.stderr },
    { value: 'stdout', label: 'stdout', count: counts.stdout },
    { value: 'stderr', label: 'stderr', count: counts.stderr },
  ] as const;
  return (
    <div role="group" aria-label="Stream" className="flex">
      {choices.map(({ value, label, count }) => (
        <button
          key={label}
          type="button"
          aria-pressed={stream === value}
          title={`${count.toLocaleString()} lines`}
          onClick={() => onChange({ stream: value ?? '' })}
          className="h-8 border border-l-0 border-line px-2.5 first:rounded-l-md first:border-l last:rounded-r-md hover:bg-raised aria-pressed:bg-accent-soft aria-pressed:font-medium"
        >
          {value === 'stderr' ? (
            <span aria-hidden className="mr-1 font-mono text-bad">
              !
            </span>
          ) : null}
          {label}
          {value === 'stderr' && count > 0 ? (
            <span className="ml-1.5 text-soft tabular-nums">{count.toLocaleString()}</span>
          ) : null}
        </button>
      ))}
    </div>
  );
}

export function FindBox({
  shown,
  isWrong,
  search,
  place,
  onMove,
  onChange,
}: {
  readonly shown: OutputSearch;
  /** What is typed is no pattern. */
  readonly isWrong: boolean;
  readonly search: Search | null;
  /** Of the current line among those found, from 0; -1 for none. */
  readonly place: number;
  readonly onMove: (step: 1 | -1) => void;
  readonly onChange: (change: OutputParameters) => void;
}) {
  const [text, setText] = useTypedText(shown.find, (find) => onChange({ find }));
  const found = search?.found.length ?? 0;
  return (
    <div className="flex min-w-0 items-center gap-1.5">
      <input
        type="search"
        data-search
        aria-label="Find in the output"
        placeholder="Find, or /regex/i"
        value={text}
        spellCheck={false}
        aria-invalid={isWrong}
        onChange={({ target }) => setText(target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          event.preventDefault();
          onMove(event.shiftKey ? -1 : 1);
        }}
        className="h-8 w-52 min-w-0 rounded-md border border-line bg-page px-2.5 font-mono text-[13px] aria-invalid:border-bad"
      />
      {text === '' ? null : (
        <>
          <span aria-live="polite" className="min-w-20 whitespace-nowrap text-soft tabular-nums">
            {countText(isWrong, search, place)}
          </span>
          <Tool
            label="Former match (shift Enter)"
            isDisabled={found === 0}
            onClick={() => onMove(-1)}
          >
            ↑
          </Tool>
          <Tool label="Next match (Enter)" isDisabled={found === 0} onClick={() => onMove(1)}>
            ↓
          </Tool>
          <label className="flex items-center gap-1.5 whitespace-nowrap">
            <input
              type="checkbox"
              checked={shown.isMatching}
              onChange={({ target }) => onChange({ matching: target.checked ? 'only' : '' })}
            />
            Only these
          </label>
        </>
      )}
    </div>
  );
}

function countText(isWrong: boolean, search: Search | null, place: number): string {
  if (isWrong) return 'no pattern yet';
  if (search === null) return '';
  const found = search.found.length;
  const count =
    place < 0
      ? found.toLocaleString()
      : `${(place + 1).toLocaleString()} of ${found.toLocaleString()}`;
  if (!search.isDone) return `${count}… ${Math.floor(search.fraction * 100)} %`;
  return found === 0
    ? 'no match'
    : place < 0
      ? `${count} ${found === 1 ? 'line' : 'lines'}`
      : count;
}

/** A text that is taken over a moment after the last key. */
function useTypedText(value: string, onSettle: (text: string) => void) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const settled = useSettled(text, 200);
  useEffect(() => {
    if (settled === text && settled !== value) onSettle(settled);
    // Only what has been typed counts, not what the address has changed to meanwhile.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [settled]);
  return [text, setText] as const;
}

export function Tool({
  label,
  isPressed,
  isDisabled = false,
  onClick,
  children,
}: {
  readonly label: string;
  readonly isPressed?: boolean;
  readonly isDisabled?: boolean;
  readonly onClick: () => void;
  readonly children: ReactNode;
}) {
  return (
    <button
      type="button"
      title={label}
      aria-label={label}
      aria-pressed={isPressed}
      disabled={isDisabled}
      onClick={onClick}
      className={`${CONTROL} aria-pressed:bg-accent-soft aria-pressed:font-medium`}
    >
      {children}
    </button>
  );
}

export function DownloadMenu({
  isComplete,
  sizes,
  onDownload,
}: {
  readonly isComplete: boolean;
  readonly sizes: Readonly<Record<LogStream | 'both', string>>;
  readonly onDownload: (stream: LogStream | 'both') => void;
}) {
  return (
    // A modal one writes a style element, which the content security policy does not allow.
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className={CONTROL}>
        Download <span aria-hidden>▾</span>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={4}
          className="z-40 min-w-48 rounded-lg border border-line bg-panel p-1 shadow-lg"
        >
          {isComplete ? null : (
            <DropdownMenu.Label className="px-3 py-1.5 text-soft">
              What is here so far
            </DropdownMenu.Label>
          )}
          {(['both', 'stdout', 'stderr'] as const).map((stream) => (
            <DropdownMenu.Item
              key={stream}
              onSelect={() => onDownload(stream)}
              className="flex cursor-pointer gap-6 rounded px-3 py-1.5 outline-none data-highlighted:bg-raised"
            >
              {stream === 'both' ? 'Both, as they came' : stream}
              <span className="ml-auto text-soft tabular-nums">{sizes[stream]}</span>
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
