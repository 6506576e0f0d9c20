/**
 * Tasks: a list that is filtered by its URL, live, and as long as there are tasks.
 */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import type { Task } from '../../../proto/gen/muster/v1/task_pb.ts';
import { explain } from '../../connection.ts';
import { Button, Command, Empty, Failure } from '../../ui/page.tsx';
import { BulkDialog, type BulkWish } from './bulk-dialog.tsx';
import { filtersOf, type Verb } from './bulk.ts';
import { FilterBar } from './filter-bar.tsx';
import {
  faultsOf,
  type FilterInit,
  isStillMatching,
  readTokens,
  type SearchTexts,
  toFilter,
  type Token,
  writeTokens,
} from './filter.ts';
import { keep, keptFor, type KeptList } from './kept-list.ts';
import { MAX_EACH_SIDE, rememberOrder } from './neighbours.ts';
import { NOTHING, type Selection } from './selection.ts';
import { SelectionBar } from './selection-bar.tsx';
import { StateSwitches } from './state-switches.tsx';
import { TaskGrid } from './task-grid.tsx';
import { MAX_NEWS, MAX_ROWS, type TaskList } from './task-list.ts';
import { useKnownValues, useScheduleIds } from './use-known-values.ts';
import { useTaskList } from './use-task-list.ts';

export function Screen() {
  const { tokens, leftOut, withChildren, kept, isReady, fault, change, clean } = useFilter();
  return (
    <div className="flex h-full flex-col gap-3 px-5 py-4">
      <h1 className="sr-only">Tasks</h1>
      {leftOut.length === 0 ? null : (
        <Failure>
          The address asks for what there is not, and this is shown without it: {leftOut.join('; ')}
          . <Button onClick={clean}>Go on without it</Button>
        </Failure>
      )}
      {fault === null ? null : (
        <div className="flex flex-col gap-3">
          <FilterBar tokens={tokens} known={{}} onChange={(next) => change(writeTokens(next))} />
          <Failure>{fault}</Failure>
        </div>
      )}
      {isReady && fault === null ? (
        <List tokens={tokens} withChildren={withChildren} kept={kept} change={change} />
      ) : null}
    </div>
  );
}

type Change = (search: Record<string, string | undefined>) => void;

/** The filter of the URL. A time ago is counted from when the filter was set. */
function useFilter() {
  const search: SearchTexts = useSearch({ strict: false });
  const navigate = useNavigate();
  const tokens = useMemo(() => readTokens(search), [search]);
  const withChildren = search['children'] === '1';
  const schedules = useScheduleIds(tokens.some(({ key }) => key === 'schedule'));
  const wanted = tokens.find(({ key }) => key === 'schedule')?.value;
  const leftOut = useMemo(() => faultsOf(search), [search]);
  const meaning = JSON.stringify([tokens, withChildren, wanted && schedules.ids.get(wanted)]);
  const kept = useMemo(() => {
    const context = { nowMs: Date.now(), withChildren, scheduleIds: schedules.ids };
    return keptFor(meaning, context.nowMs) ?? keep(meaning, toFilter(tokens, context));
    // Other objects that mean the same are the same filter.
  }, [meaning]);
  const isUnknown = schedules.isReady && wanted !== undefined && kept.filter.scheduleId === '';
  const fault = isUnknown ? `There is no schedule ${wanted}` : null;
  const change: Change = (next) =>
    void navigate({ to: '/tasks', search: (former) => ({ ...former, ...next }), replace: true });
  const clean = () => {
    const { children } = search;
    void navigate({ to: '/tasks', search: { ...writeTokens(tokens), children }, replace: true });
  };
  return { tokens, leftOut, withChildren, kept, isReady: schedules.isReady, fault, change, clean };
}

interface ListProps {
  readonly tokens: readonly Token[];
  readonly withChildren: boolean;
  readonly kept: KeptList;
  readonly change: Change;
}

function List({ tokens, withChildren, kept, change }: ListProps) {
  const { filter } = kept;
  const list = useTaskList(kept);
  const [selection, setSelection] = useState<Selection>(NOTHING);
  const [wish, setWish] = useState<BulkWish | null>(null);
  useEffect(() => setSelection(NOTHING), [filter]);
  const { activeId, setActiveId, open } = useOpening(kept, list);
  const isMatching = useMemo(() => (task: Task) => isStillMatching(filter, task), [filter]);
  const wishFor = (verb: Verb) => setWish(makeWish(verb, selection, filter, list));
  const isEmpty = list.isStarted && list.count === 0 && list.failure === null;
  return (
    <>
      <Toolbar {...{ list, tokens, withChildren, change }} />
      {list.failure === null ? null : (
        <Failure>
          {explain(list.failure)}. <Button onClick={() => void list.retry()}>Try again</Button>
        </Failure>
      )}
      <section className="relative flex min-h-0 grow flex-col overflow-hidden rounded-xl border border-line bg-panel">
        <NewPill list={list} />
        {isEmpty ? (
          <div className="grow">
            <Nothing isFiltered={tokens.length > 0} />
          </div>
        ) : (
          <TaskGrid
            key={kept.meaning}
            list={list}
            kept={kept}
            selection={selection}
            onSelection={setSelection}
            activeId={activeId}
            onActive={setActiveId}
            onOpen={open}
            isMatching={isMatching}
          />
        )}
        {selection.kind === 'some' && selection.ids.size === 0 ? (
          <Foot list={list} />
        ) : (
          <SelectionBar
            list={list}
            selection={selection}
            onSelection={setSelection}
            onVerb={wishFor}
          />
        )}
      </section>
      {wish === null ? null : (
        <BulkDialog
          wish={wish}
          onClose={(isDone) => {
            setWish(null);
            if (isDone) setSelection(NOTHING);
          }}
        />
      )}
    </>
  );
}

type ToolbarProps = Omit<ListProps, 'kept'> & { readonly list: TaskList };

function Toolbar({ list, tokens, withChildren, change }: ToolbarProps) {
  const known = useKnownValues(list);
  const onTokens = (next: readonly Token[]) => change(writeTokens(next));
  return (
    <div className="flex flex-wrap items-start gap-x-3 gap-y-2">
      <FilterBar tokens={tokens} known={known} onChange={onTokens} />
      <StateSwitches tokens={tokens} onChange={onTokens} />
      <label className="flex cursor-pointer items-center gap-2 py-1.5 text-soft">
        <input
          type="checkbox"
          checked={withChildren}
          onChange={(event) => change({ children: event.target.checked ? '1' : undefined })}
          className="size-3.5 accent-accent"
        />
        Children of fan-outs
      </label>
    </div>
  );
}

function useOpening(kept: KeptList, list: TaskList) {
  const [activeId, setShown] = useState(kept.activeId);
  const setActiveId = (id: string) => {
    kept.activeId = id;
    setShown(id);
  };
  const navigate = useNavigate();
  const open = (taskId: string) => {
    const row = list.indexOf(taskId);
    rememberOrder(list.idsBetween(row - MAX_EACH_SIDE, row + MAX_EACH_SIDE), taskId);
    void navigate({ to: '/tasks/$taskId', params: { taskId } });
  };
  return { activeId, setActiveId, open };
}

function makeWish(verb: Verb, selection: Selection, filter: FilterInit, list: TaskList): BulkWish {
  const isAll = selection.kind === 'all';
  const count = isAll ? 0 : selection.ids.size;
  return {
    verb,
    filters: isAll ? [filter] : filtersOf([...selection.ids]),
    what: isAll ? 'the tasks that match the filter' : `the ${count} selected`,
    nameOf: (id) => list.find(id)?.name ?? null,
  };
}

/** New tasks wait here, so that nothing moves under the pointer. */
function NewPill({ list }: { readonly list: TaskList }) {
  const { newCount } = list;
  const isEmpty = list.isStarted && list.count === 0;
  useEffect(() => {
    if (isEmpty && newCount > 0) void list.reload();
  }, [isEmpty, newCount, list]);
  return (
    <div aria-live="polite" className="absolute top-10 left-1/2 z-20 -translate-x-1/2">
      {newCount === 0 || isEmpty ? null : (
        <button
          type="button"
          onClick={() => void list.reload()}
          className="rounded-full bg-accent px-3.5 py-1 font-medium text-accent-text shadow-lg hover:opacity-90"
        >
          <span aria-hidden>↑ </span>
          {newCount.toLocaleString('en')}
          {newCount >= MAX_NEWS ? ' or more' : ''} new
        </button>
      )}
    </div>
  );
}

function Nothing({ isFiltered }: { readonly isFiltered: boolean }) {
  return (
    <Empty>
      {isFiltered ? (
        'No task matches. Take conditions away, or wait: what matches appears by itself.'
      ) : (
        <>
          There is no task yet. Try <Command>./muster run -- uname -a</Command>
        </>
      )}
    </Empty>
  );
}

function Foot({ list }: { readonly list: TaskList }) {
  const { count, failure, hasMore, isCut, isLoading, isStarted } = list;
  let text = `${count.toLocaleString('en')} ${count === 1 ? 'task' : 'tasks'}`;
  if (count === 0 && failure !== null) text = '';
  else if (hasMore) text += ' loaded; older ones follow as you scroll';
  if (isCut) text = `The newest ${MAX_ROWS.toLocaleString('en')}; narrow the filter for older ones`;
  return (
    <div className="flex items-center gap-4 border-t border-line px-4 py-1.5 text-xs text-soft">
      <span role="status">{isStarted ? text : 'Loading…'}</span>
      {isLoading && isStarted ? <span>loading…</span> : null}
      <span className="grow" />
      <span>j k move · Enter open · x select · / filter</span>
    </div>
  );
}
