/**
 * Events: every committed transition of every task, schedule and node as it happens, newest first.
 */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { useKeys } from '../../ui/keys.ts';
import { Button, Command, Empty, Failure } from '../../ui/page.tsx';
import type { SearchTexts } from '../tasks/filter.ts';
import { EventFilters } from './event-filters.tsx';
import { EventGrid } from './event-grid.tsx';
import { type Entry, type EventFilter, jsonLines, MAX_ENTRIES } from './event-log.ts';
import { useEventLog } from './use-event-log.ts';

/** The condition by text is `q` in the URL. */
const nameInUrl = (name: keyof EventFilter) => (name === 'text' ? 'q' : name);

export function Screen() {
  const { log, isStarted, failure } = useEventLog();
  const { filter, change } = useEventFilter();
  const [isPaused, setPaused] = useState(false);
  const [isAtTop, setAtTop] = useState(true);
  const [round, setRound] = useState(0);
  const setHeld = (isHeld: boolean) => (isHeld ? log.hold() : log.goOn());
  const pause = (isOn: boolean) => {
    setPaused(isOn);
    setHeld(isOn || !isAtTop);
  };
  const showNew = () => {
    setPaused(false);
    setAtTop(true);
    log.goOn();
    // A list made anew begins at its top.
    setRound(round + 1);
  };
  useKeys({ p: () => pause(!isPaused) });
  const { revision } = log;
  const entries = useMemo(() => log.shown(filter), [log, revision, filter]);
  return (
    <div className="flex h-full flex-col gap-3 px-5 py-4">
      <h1 className="sr-only">Events</h1>
      <div className="flex items-start gap-2">
        <EventFilters log={log} filter={filter} onChange={change} />
        <Button onClick={() => pause(!isPaused)} title="Pause or go on (p)">
          {isPaused ? 'Go on' : 'Pause'}
        </Button>
        <Button
          onClick={() => save(entries)}
          isDisabled={entries.length === 0}
          title="Save what is shown as JSON, one event a line"
        >
          Export
        </Button>
      </div>
      {failure === null ? null : <Failure>{failure}</Failure>}
      <section className="relative flex min-h-0 grow flex-col overflow-hidden rounded-xl border border-line bg-panel">
        <NewPill count={log.newCount(filter)} onShow={showNew} />
        {isStarted && entries.length === 0 ? (
          <div className="grow">
            <Nothing isFiltered={Object.values(filter).some((value) => value !== '')} />
          </div>
        ) : (
          <EventGrid
            key={round}
            entries={entries}
            onAtTop={(isNow) => {
              setAtTop(isNow);
              setHeld(isPaused || !isNow);
            }}
          />
        )}
        <Foot count={entries.length} isPaused={isPaused} isHeld={log.isHeld} />
      </section>
    </div>
  );
}

function useEventFilter() {
  const search: SearchTexts = useSearch({ strict: false });
  const navigate = useNavigate();
  const of = (name: keyof EventFilter) => search[nameInUrl(name)] ?? '';
  const [kind, event, from, to] = [of('kind'), of('event'), of('from'), of('to')];
  const [type, node, text] = [of('type'), of('node'), of('text')];
  const filter = useMemo(
    () => ({ kind, event, from, to, type, node, text }),
    [kind, event, from, to, type, node, text],
  );
  const change = (changed: Partial<EventFilter>) => {
    const texts = Object.entries(changed).map(([name, value]) => [
      nameInUrl(name as keyof EventFilter),
      value === '' ? undefined : value,
    ]);
    const next: SearchTexts = Object.fromEntries(texts);
    void navigate({ to: '/events', search: (former) => ({ ...former, ...next }), replace: true });
  };
  return { filter, change };
}

function save(entries: readonly Entry[]): void {
  const address = URL.createObjectURL(
    new Blob([jsonLines(entries)], { type: 'application/x-ndjson' }),
  );
  const link = document.createElement('a');
  link.href = address;
  link.download = `muster-events-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.jsonl`;
  link.click();
  URL.revokeObjectURL(address);
}

function NewPill({ count, onShow }: { readonly count: number; readonly onShow: () => void }) {
  return (
    <div aria-live="polite" className="absolute top-10 left-1/2 z-20 -translate-x-1/2">
      {count === 0 ? null : (
        <button
          type="button"
          onClick={onShow}
          className="rounded-full bg-accent px-3.5 py-1 font-medium text-accent-text shadow-lg hover:opacity-90"
        >
          <span aria-hidden>↑ </span>
          {count.toLocaleString('en')} new
        </button>
      )}
    </div>
  );
}

function Nothing({ isFiltered }: { readonly isFiltered: boolean }) {
  return (
    <Empty>
      {isFiltered ? (
        'None of the transitions seen so far matches. New ones appear by themselves.'
      ) : (
        <>
          Here is every committed transition of every task, schedule and node as it happens. Try{' '}
          <Command>./muster run -- uname -a</Command>.
        </>
      )}
    </Empty>
  );
}

interface FootProps {
  readonly count: number;
  readonly isPaused: boolean;
  readonly isHeld: boolean;
}

function Foot({ count, isPaused, isHeld }: FootProps) {
  return (
    <div className="flex items-center gap-4 border-t border-line px-4 py-1.5 text-xs text-soft">
      <span role="status" className="flex items-center gap-2">
        <span
          aria-hidden
          className={`size-2 rounded-full ${isHeld ? 'bg-warn' : 'animate-pulse bg-live'}`}
        />
        {isPaused ? 'paused' : isHeld ? 'held while you read; back to the top goes on' : 'live'}
      </span>
      <span className="tabular-nums">{count.toLocaleString('en')} events</span>
      <span className="grow" />
      <span>the last {MAX_ENTRIES.toLocaleString('en')} are kept · p pause · / search</span>
    </div>
  );
}
