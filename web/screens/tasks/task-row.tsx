/** One row of the list of tasks. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { Link } from '@tanstack/react-router';
import { type MouseEvent, memo } from 'react';
import { type Task, TaskType } from '../../../proto/gen/muster/v1/task_pb.ts';
import { isFinal, pathOf, StateBadge } from '../../ui/state.tsx';
import { Ago, durationText, useNow } from '../../ui/time.tsx';
import { Bar } from './bar.tsx';

export const ROW_HEIGHT = 34;
/** The columns of the head and of every row. */
export const COLUMNS =
  'grid grid-cols-[36px_206px_minmax(160px,1.6fr)_minmax(90px,0.7fr)_76px_72px_minmax(120px,1fr)_96px_92px]';

/** The id of the element of a row. */
export function rowIdOf(taskId: string): string {
  return `row-${taskId}`;
}

interface RowProps {
  readonly task: Task;
  readonly index: number;
  readonly isActive: boolean;
  readonly isSelected: boolean;
  /** It is not what the list is for any more: deleted, or changed since. */
  readonly gone: 'deleted' | 'changed' | null;
  readonly onOpen: (index: number) => void;
  readonly onSelect: (index: number, isOn: boolean, isRange: boolean) => void;
}

export const TaskRow = memo(function TaskRow(props: RowProps) {
  const { task, index, isActive, isSelected, gone, onOpen, onSelect } = props;
  const open = (event: MouseEvent) => {
    // The link and the box do their own thing.
    if (event.target instanceof Element && event.target.closest('a,input,label') !== null) return;
    onOpen(index);
  };
  return (
    // The name is the link; a click anywhere in the row is a short cut to it.
    <div
      id={rowIdOf(task.id)}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      tabIndex={-1}
      title={gone === 'changed' ? 'Does not match the filter any more' : undefined}
      onClick={open}
      className={`${COLUMNS} h-[34px] cursor-pointer items-center border-b border-line/60 hover:bg-raised ${isSelected ? 'bg-accent-soft/60' : ''} ${isActive ? 'shadow-[inset_3px_0_0_var(--accent)] bg-raised' : ''} ${gone === null ? '' : 'italic opacity-90'}`}
    >
      <Cell>
        <label className="flex h-[34px] cursor-pointer items-center justify-center">
          <span className="sr-only">Select {task.name}</span>
          <input
            type="checkbox"
            checked={isSelected}
            onChange={() => {}}
            onClick={(event) => {
              onSelect(index, event.currentTarget.checked, event.shiftKey);
              // Chosen with the mouse: the keys of the list go on working.
              if (event.detail > 0) event.currentTarget.blur();
            }}
            className="size-3.5 accent-accent"
          />
        </label>
      </Cell>
      <Cell>{gone === 'deleted' ? <Deleted /> : <StateBadge path={pathOf(task)} />}</Cell>
      <Cell>
        <Link
          to="/tasks/$taskId"
          params={{ taskId: task.id }}
          title={`${task.name}\n${task.id}`}
          onClick={() => onOpen(index)}
          className="block truncate font-medium hover:underline"
        >
          {task.name}
        </Link>
      </Cell>
      <Cell title={task.nodeId}>{task.nodeId === '' ? <Nothing /> : task.nodeId}</Cell>
      <Cell>
        <span className="text-soft">{typeName(task.type)}</span>
      </Cell>
      <Cell>
        <span className="tabular-nums">
          {task.attempt === 0 ? <Nothing /> : task.attempt}
          {task.maxAttempts > 1 ? <span className="text-soft">/{task.maxAttempts}</span> : null}
        </span>
      </Cell>
      <Cell title={task.message}>
        <Outcome task={task} />
      </Cell>
      <Cell>
        <span className="tabular-nums">
          <Took task={task} />
        </span>
      </Cell>
      <Cell>
        <span className="text-soft">
          <Ago at={task.createdAt} />
        </span>
      </Cell>
    </div>
  );
});

function Cell({
  children,
  title,
}: {
  readonly children: React.ReactNode;
  readonly title?: string | undefined;
}) {
  return (
    <div role="gridcell" title={title} className="min-w-0 truncate px-1.5">
      {children}
    </div>
  );
}

function Nothing() {
  return <span className="text-soft">–</span>;
}

function Deleted() {
  return <span className="text-soft line-through">deleted</span>;
}

/** For example fan-out. */
export function typeName(type: TaskType): string {
  const [name = ''] = Object.entries(TaskType).find(([, value]) => value === type) ?? [];
  return name.toLowerCase().replaceAll('_', '-');
}

/** How it ended, or how far it is. */
function Outcome({ task }: { readonly task: Task }) {
  const { fanOut, progress, exitCode, signal, reason } = task;
  if (fanOut !== undefined) {
    const done = fanOut.completed + fanOut.failed + fanOut.timedOut + fanOut.cancelled;
    const bad = fanOut.failed + fanOut.timedOut;
    return (
      <span className="tabular-nums">
        {done + fanOut.skipped}/{fanOut.total} nodes
        {bad === 0 ? null : <span className="text-bad"> · {bad} failed</span>}
      </span>
    );
  }
  if (progress !== undefined && !isFinal(task)) {
    return (
      <span className="flex items-center gap-2">
        <span className="w-16 shrink-0">
          <Bar share={progress.fraction} label="Progress" />
        </span>
        <span className="truncate tabular-nums">
          {Math.round(progress.fraction * 100)} % {progress.message}
        </span>
      </span>
    );
  }
  if (signal !== '') return <span>{signal}</span>;
  if (exitCode !== undefined && (exitCode !== 0 || reason === 'exit_code')) {
    return <span>exit {exitCode}</span>;
  }
  if (reason === '') return exitCode === undefined ? <Nothing /> : <span>exit {exitCode}</span>;
  return <span>{reason.replaceAll('_', ' ')}</span>;
}

/** From the first start to the end, or to now. */
function Took({ task }: { readonly task: Task }) {
  const { startedAt, finishedAt } = task;
  if (startedAt === undefined) return <Nothing />;
  const from = timestampMs(startedAt);
  if (finishedAt !== undefined) return <>{durationText(timestampMs(finishedAt) - from)}</>;
  return isFinal(task) ? <Nothing /> : <RunningFor from={from} />;
}

function RunningFor({ from }: { readonly from: number }) {
  const now = useNow();
  return <span className="text-live">{durationText(Math.floor((now - from) / 1000) * 1000)}</span>;
}
