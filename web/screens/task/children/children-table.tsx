/** The children as a table, failed ones first: only the rows in sight are in the page. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef } from 'react';
import { OutputStream, type Task } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { tasks } from '../../../connection.ts';
import { firstLine } from '../../../ui/first-line.ts';
import { pathOf, StateBadge } from '../../../ui/state.tsx';
import { durationText } from '../../../ui/time.tsx';
import type { Child } from './states.ts';

const ROW_PX = 36;
/** Enough for its first line. */
const READ_BYTES = 4_096;
const COLUMNS =
  'grid grid-cols-[minmax(5rem,1fr)_10.25rem_2.75rem_4rem_minmax(6rem,3fr)] gap-2 px-4';

export function ChildrenTable({ rows }: { readonly rows: readonly Child[] }) {
  const scroller = useRef<HTMLDivElement>(null);
  const lines = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 8,
  });
  return (
    <div
      ref={scroller}
      role="table"
      aria-label="Children"
      aria-rowcount={rows.length + 1}
      className="max-h-[28rem] overflow-auto border-t border-line"
    >
      <div role="rowgroup" className="sticky top-0 z-10 min-w-fit bg-panel">
        <div
          role="row"
          aria-rowindex={1}
          className={`${COLUMNS} border-b border-line py-2 text-soft`}
        >
          {['Node', 'State', 'Exit', 'Ran', 'Why'].map((name) => (
            <span key={name} role="columnheader" className="font-medium">
              {name}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" className="relative" style={{ height: lines.getTotalSize() }}>
        {lines.getVirtualItems().map(({ index, key, start }) => {
          const child = rows[index];
          return child === undefined ? null : (
            <div
              key={key}
              role="row"
              aria-rowindex={index + 2}
              className={`${COLUMNS} absolute top-0 left-0 w-full min-w-fit items-center border-line hover:bg-raised ${index === 0 ? '' : 'border-t'}`}
              style={{ height: ROW_PX, transform: `translateY(${start}px)` }}
            >
              <Cells child={child} />
            </div>
          );
        })}
      </div>
    </div>
  );
}

function Cells({ child: { id, nodeId, task, state } }: { readonly child: Child }) {
  const hasFailed = state === 'failed' || state === 'timeout';
  return (
    <>
      <span role="cell" className="truncate">
        <Link
          to="/tasks/$taskId"
          params={{ taskId: id }}
          title={`Task ${id} on ${nodeId}`}
          className="text-accent hover:underline"
        >
          {nodeId}
        </Link>
      </span>
      <span role="cell">
        <StateBadge path={pathOf(task)} />
      </span>
      <span role="cell" className="tabular-nums">
        {task.signal === '' ? (task.exitCode ?? '–') : task.signal}
      </span>
      <span role="cell" className="tabular-nums">
        {ranText(task)}
      </span>
      <span role="cell" className="truncate" title={task.message}>
        {hasFailed ? <ErrorLine task={task} /> : null}
        <span className="text-soft">{task.message}</span>
      </span>
    </>
  );
}

function ranText({ startedAt, finishedAt }: Task): string {
  if (startedAt === undefined || finishedAt === undefined) return '–';
  return durationText(timestampMs(finishedAt) - timestampMs(startedAt));
}

/** What it said first on stderr. Read for rows in sight only, once. */
function ErrorLine({ task: { id, attempt } }: { readonly task: Task }) {
  const { data } = useQuery({
    queryKey: ['first-error', id, attempt],
    enabled: attempt > 0,
    staleTime: Infinity,
    // The message of the task stands beside it; without the line it is all there is to say.
    queryFn: async () => {
      const { content } = await tasks.readOutput({
        id,
        attempt,
        stream: OutputStream.STDERR,
        limitBytes: READ_BYTES,
      });
      return firstLine(new TextDecoder().decode(content));
    },
  });
  if (data === undefined || data === '') return null;
  return <code className="mr-2 font-mono text-[12.5px] text-bad">{data}</code>;
}
