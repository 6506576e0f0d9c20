/**
 * The output of a task: its lines as they come, in their colours, found, filtered, linked to and taken along.
 *
 * pieces (output-feed.ts) ── lines (line-index.ts) ── view (use-output.ts) ── what is in sight (output-lines.tsx)
 */
import { useMemo, useState } from 'react';
import type { Task } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { Failure, Panel } from '../../../ui/page.tsx';
import { isFinal } from '../../../ui/state.tsx';
import { toast } from '../../../ui/toast.tsx';
import './ansi.css';
import type { Extent, LogStream } from './line-index.ts';
import { AttemptChoice, DownloadMenu, FindBox, StreamChoice, Tool } from './output-bar.tsx';
import { OutputLines } from './output-lines.tsx';
import { NoOutput, OutputNotes } from './output-notes.tsx';
import { type OutputSearch, rangeText, useOutputSearch } from './output-search.ts';
import { ResultBox } from './result-box.tsx';
import { copyLines, download } from './save.ts';
import { patternOf, type Search } from './search.ts';
import { sizeText } from './size-text.ts';
import { type Output, useOutput, useSearchIn, type View, viewOf } from './use-output.ts';

/** @param until ms since 1970: shows only what had been printed by then */
export function OutputPanel({ task, until }: { readonly task: Task; readonly until?: number }) {
  const [shown] = useOutputSearch();
  // An address may name one that there is not.
  const attempt = Math.min(shown.attempt ?? task.attempt, task.attempt);
  const output = useOutput(task.id, attempt);
  // Another attempt begins with a fresh list.
  return (
    <Panel className="flex h-[calc(100vh-14rem)] min-h-96 flex-col overflow-hidden">
      <ResultBox task={task} attempt={attempt} />
      <Body key={`${task.id} ${attempt}`} {...{ task, attempt, output, until }} />
    </Panel>
  );
}

function Body({
  task,
  attempt,
  output,
  until,
}: {
  readonly task: Task;
  readonly attempt: number;
  readonly output: Output;
  readonly until: number | undefined;
}) {
  const [shown, change] = useOutputSearch();
  const { feed, state } = output;
  const { index } = feed;
  const pattern = useMemo(() => patternOf(shown.find), [shown.find]);
  const search = useSearchIn(output, pattern, shown.stream);
  const extent = until === undefined ? index.extent : index.extentAt(until);
  const isOnlyMatching = shown.isMatching && search !== null;
  const view = viewOf(feed, extent, shown.stream, isOnlyMatching ? search.found : null);
  const [current, move] = useMatches(search, extent.lineCount);
  const select = (line: number, isRange: boolean) => {
    const from = isRange && shown.selected !== null ? shown.selected.first : line;
    const range = { first: Math.min(from, line), last: Math.max(from, line) };
    const text = rangeText(range);
    const isSame = shown.selected !== null && rangeText(shown.selected) === text;
    change({ line: isSame ? '' : text });
  };
  return (
    <>
      <Bar {...{ task, attempt, output, extent, view, search, current, move }} />
      {state.failure === null ? null : (
        <div className="p-3">
          <Failure>The output cannot be followed: {state.failure}</Failure>
        </div>
      )}
      {view.count === 0 ? (
        extent.lineCount > 0 ? (
          <NothingShown isSearching={search !== null && !search.isDone} />
        ) : (
          <NoOutput task={task} attempt={attempt} state={state} isPast={index.lineCount > 0} />
        )
      ) : (
        <div className="output flex min-h-0 grow flex-col">
          <OutputLines
            index={index}
            extent={extent}
            view={view}
            pattern={pattern}
            current={current}
            selected={shown.selected}
            isWrapped={shown.isWrapped}
            isLive={!isFinal(task) && attempt === task.attempt && until === undefined}
            onSelect={select}
          />
        </div>
      )}
      <OutputNotes state={state} />
    </>
  );
}

function Bar({
  task,
  attempt,
  output,
  extent,
  view,
  search,
  current,
  move,
}: {
  readonly task: Task;
  readonly attempt: number;
  readonly output: Output;
  readonly extent: Extent;
  readonly view: View;
  readonly search: Search | null;
  readonly current: number;
  readonly move: (step: 1 | -1) => void;
}) {
  const [shown, change] = useOutputSearch();
  const { index } = output.feed;
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-2 border-b border-line px-3 py-2">
      <AttemptChoice task={task} attempt={attempt} onChange={change} />
      <StreamChoice
        stream={shown.stream}
        counts={{
          stdout: index.linesOf('stdout').countUpTo(extent.lineCount - 1),
          stderr: index.linesOf('stderr').countUpTo(extent.lineCount - 1),
        }}
        onChange={change}
      />
      <FindBox
        shown={shown}
        isWrong={shown.find !== '' && search === null}
        search={search}
        place={current < 0 ? -1 : (search?.found.countUpTo(current) ?? 0) - 1}
        onMove={move}
        onChange={change}
      />
      <span className="grow" />
      <Tools {...{ task, attempt, output, view, shown }} />
    </div>
  );
}

function NothingShown({ isSearching }: { readonly isSearching: boolean }) {
  return (
    <p className="grid grow place-items-center text-soft">
      {isSearching
        ? 'Searching…'
        : 'No line matches. There are lines in the other stream, or without the filter.'}
    </p>
  );
}

function Tools({
  task,
  attempt,
  output: { feed, state },
  view,
  shown,
}: {
  readonly task: Task;
  readonly attempt: number;
  readonly output: Output;
  readonly view: View;
  readonly shown: OutputSearch;
}) {
  const [, change] = useOutputSearch();
  const { index } = feed;
  const { selected } = shown;
  const copy = () => {
    const first = selected === null ? 0 : view.placeOf(selected.first - 1);
    const last = selected === null ? view.count - 1 : view.placeOf(selected.last) - 1;
    copyLines(index, view, first, Math.min(last, view.count - 1)).then(toast, (error: Error) =>
      toast(error.message, true),
    );
  };
  const save = (stream: LogStream | 'both') => {
    const kind = stream === 'both' ? 'output' : stream;
    download(index, stream, `${task.id.slice(-12)}-attempt-${attempt}.${kind}.txt`);
  };
  const [stdout, stderr] = index.extent.ends;
  return (
    <div className="flex items-center gap-1.5">
      <span className="mr-1 whitespace-nowrap text-soft tabular-nums">
        {view.count.toLocaleString()} {view.count === 1 ? 'line' : 'lines'}
      </span>
      <Tool
        label="Wrap long lines"
        isPressed={shown.isWrapped}
        onClick={() => change({ wrap: shown.isWrapped ? '' : 'on' })}
      >
        Wrap
      </Tool>
      <Tool
        label={
          selected === null
            ? 'Copy what is shown, without colours'
            : 'Copy the chosen lines, without colours'
        }
        isDisabled={view.count === 0}
        onClick={copy}
      >
        {selected === null ? 'Copy' : `Copy ${rangeText(selected)}`}
      </Tool>
      <DownloadMenu
        isComplete={state.isOver}
        sizes={{
          stdout: sizeText(stdout),
          stderr: sizeText(stderr),
          both: sizeText(stdout + stderr),
        }}
        onDownload={save}
      />
    </div>
  );
}

/** The line that a search is at (-1 for none), and the way to the next and the former one. */
function useMatches(search: Search | null, lineCount: number) {
  const [at, setAt] = useState<{ readonly search: Search | null; readonly line: number }>({
    search: null,
    line: -1,
  });
  const current = at.search === search ? at.line : -1;
  const move = (step: 1 | -1) => {
    const { found } = search ?? {};
    const count = found?.countUpTo(lineCount - 1) ?? 0;
    if (search === null || found === undefined || count === 0) return;
    const place = current < 0 ? (step === 1 ? -1 : 0) : found.countUpTo(current) - 1;
    setAt({ search, line: found.at((place + step + count) % count) });
  };
  return [current, move] as const;
}
