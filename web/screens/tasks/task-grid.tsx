/** The rows of the list, only those in view: a grid with a head that stays, keys to move, and boxes to choose. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useRef } from 'react';
import type { Task } from '../../../proto/gen/muster/v1/task_pb.ts';
import { useKeys } from '../../ui/keys.ts';
import type { KeptList } from './kept-list.ts';
import { isSelected, NOTHING, select, type Selection } from './selection.ts';
import { type TaskList } from './task-list.ts';
import { COLUMNS, ROW_HEIGHT, rowIdOf, TaskRow } from './task-row.tsx';

interface GridProps {
  readonly list: TaskList;
  readonly kept: KeptList;
  readonly selection: Selection;
  readonly onSelection: (selection: Selection) => void;
  readonly activeId: string | null;
  readonly onActive: (id: string) => void;
  readonly onOpen: (id: string) => void;
  readonly isMatching: (task: Task) => boolean;
}

const NAMES = [
  'State',
  'Name',
  'Node',
  'Type',
  'Attempt',
  'Result',
  'Duration',
  'Created',
] as const;

export function TaskGrid(props: GridProps) {
  const { list, kept, selection, activeId } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: list.count,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
    initialOffset: kept.scrollTop,
  });
  const items = rows.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (list.isStarted) list.show(first, last);
  }, [list, list.revision, list.isStarted, first, last]);
  useTopAfterReload(list, scroller);
  const { openRow, selectRow, openActive } = useRows(props, (index) => {
    rows.scrollToIndex(index);
    // With the focus, Enter is for the row that is active.
    scroller.current?.focus({ preventScroll: true });
  });
  return (
    <div
      ref={scroller}
      role="grid"
      aria-label="Tasks"
      aria-rowcount={list.hasMore ? -1 : list.count + 1}
      aria-multiselectable
      aria-activedescendant={activeId === null ? undefined : rowIdOf(activeId)}
      tabIndex={0}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && event.target === event.currentTarget) openActive();
      }}
      onScroll={(event) => {
        kept.scrollTop = event.currentTarget.scrollTop;
      }}
      className="min-h-0 grow overflow-auto !-outline-offset-2"
    >
      <div className="min-w-[940px]">
        <Head list={list} selection={selection} onSelection={props.onSelection} />
        <div role="rowgroup" className="relative" style={{ height: rows.getTotalSize() }}>
          {items.map(({ index, start }) => (
            <div
              key={index}
              role="presentation"
              className="absolute top-0 left-0 w-full"
              style={{ transform: `translateY(${start}px)` }}
            >
              <RowAt index={index} grid={props} onOpen={openRow} onSelect={selectRow} />
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

interface RowAtProps {
  readonly index: number;
  readonly grid: GridProps;
  readonly onOpen: (index: number) => void;
  readonly onSelect: (index: number, isOn: boolean, isRange: boolean) => void;
}

function RowAt({ index, grid, onOpen, onSelect }: RowAtProps) {
  const { list, selection, activeId, isMatching } = grid;
  const task = list.at(index);
  if (task === null) return <Placeholder index={index} />;
  return (
    <TaskRow
      task={task}
      index={index}
      isActive={task.id === activeId}
      isSelected={isSelected(selection, task.id)}
      gone={goneBy(list, task, isMatching)}
      onOpen={onOpen}
      onSelect={onSelect}
    />
  );
}

/** A list that was read anew is shown from its top. */
function useTopAfterReload(list: TaskList, scroller: React.RefObject<HTMLDivElement | null>) {
  const { generation } = list;
  const shown = useRef(generation);
  useEffect(() => {
    if (shown.current === generation) return;
    shown.current = generation;
    scroller.current?.scrollTo({ top: 0 });
  }, [generation, scroller]);
}

function goneBy(list: TaskList, task: Task, isMatching: (task: Task) => boolean) {
  if (list.isDeleted(task.id)) return 'deleted';
  return isMatching(task) ? null : 'changed';
}

/** What rows do, as functions that stay the same, so that only rows that differ are drawn anew. */
function useRows(props: GridProps, show: (index: number) => void) {
  const current = useRef(props);
  current.current = props;
  const anchor = useRef<number | null>(null);
  const openRow = useCallback((index: number) => {
    const task = current.current.list.at(index);
    if (task === null) return;
    current.current.onActive(task.id);
    current.current.onOpen(task.id);
  }, []);
  const selectRow = useCallback((index: number, isOn: boolean, isRange: boolean) => {
    const { list, selection, onSelection } = current.current;
    const from = isRange && anchor.current !== null ? anchor.current : index;
    anchor.current = index;
    onSelection(select(selection, list.idsBetween(from, index), isOn));
  }, []);
  const activeRow = () => {
    const { list, activeId } = current.current;
    return activeId === null ? -1 : list.indexOf(activeId);
  };
  const move = (step: number) => {
    const { list, onActive } = current.current;
    const next = Math.min(Math.max(activeRow() + step, 0), list.count - 1);
    const task = list.at(next);
    if (task === null) return;
    onActive(task.id);
    show(next);
  };
  const toggle = () => {
    const { list, selection } = current.current;
    const row = activeRow();
    const task = row === -1 ? null : list.at(row);
    if (task !== null) selectRow(row, !isSelected(selection, task.id), false);
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    x: toggle,
  });
  return { openRow, selectRow, openActive: () => openRow(activeRow()) };
}

interface HeadProps {
  readonly list: TaskList;
  readonly selection: Selection;
  readonly onSelection: (selection: Selection) => void;
}

function Head({ list, selection, onSelection }: HeadProps) {
  const isSome = selection.kind === 'some' && selection.ids.size > 0;
  const isAll = selection.kind === 'all' || (isSome && selection.ids.size >= list.loadedCount);
  const toggle = () =>
    onSelection(select(NOTHING, isAll ? [] : list.idsBetween(0, list.count - 1), true));
  return (
    <div role="rowgroup" className="sticky top-0 z-10 border-b border-line bg-panel">
      <div role="row" aria-rowindex={1} className={`${COLUMNS} h-8 items-center text-xs text-soft`}>
        <div role="columnheader" className="flex h-8 items-center justify-center px-1.5">
          <label className="flex h-8 cursor-pointer items-center">
            <span className="sr-only">Select all loaded tasks</span>
            <input
              type="checkbox"
              checked={isAll}
              ref={(box) => {
                if (box !== null) box.indeterminate = isSome && !isAll;
              }}
              onChange={toggle}
              className="size-3.5 accent-accent"
            />
          </label>
        </div>
        {NAMES.map((name) => (
          <div key={name} role="columnheader" className="truncate px-1.5 font-medium">
            {name}
          </div>
        ))}
      </div>
    </div>
  );
}

/** Stands for a row that is being read again. */
function Placeholder({ index }: { readonly index: number }) {
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className="flex h-[34px] items-center border-b border-line/60 px-12"
    >
      <span role="gridcell" className="h-3 w-64 rounded bg-raised">
        <span className="sr-only">loading</span>
      </span>
    </div>
  );
}
