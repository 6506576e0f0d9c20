/** The rows of the events, only those in view. Reading further down holds the log. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { Link } from '@tanstack/react-router';
import { memo, useRef } from 'react';
import { LookBadge } from '../nodes/health-badge.tsx';
import { nodeLookOf } from '../nodes/health.ts';
import { ScheduleStateBadge } from '../schedules/schedule-badge.tsx';
import { StateBadge } from '../../ui/state.tsx';
import { absoluteText } from '../../ui/time.tsx';
import type { Entry, Kind } from './event-log.ts';

const ROW_HEIGHT = 30;
const COLUMNS =
  'grid grid-cols-[116px_80px_minmax(140px,1.4fr)_minmax(164px,1fr)_minmax(396px,1.6fr)_minmax(80px,0.6fr)_72px_64px]';
const NAMES = ['Time', 'Kind', 'Name', 'Event', 'Transition', 'Node', 'Attempt', 'Version'];

interface GridProps {
  readonly entries: readonly Entry[];
  /** Called when the first row comes into view or goes out of it. */
  readonly onAtTop: (isAtTop: boolean) => void;
}

export function EventGrid({ entries, onAtTop }: GridProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const isAtTop = useRef(true);
  const rows = useVirtualizer({
    count: entries.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
  });
  const onScroll = () => {
    const isNow = (scroller.current?.scrollTop ?? 0) < ROW_HEIGHT;
    if (isNow === isAtTop.current) return;
    isAtTop.current = isNow;
    onAtTop(isNow);
  };
  return (
    <div
      ref={scroller}
      role="table"
      aria-label="Events"
      aria-rowcount={entries.length + 1}
      tabIndex={0}
      onScroll={onScroll}
      className="min-h-0 grow overflow-auto"
    >
      <div className="min-w-[1160px]">
        <div role="rowgroup" className="sticky top-0 z-10 border-b border-line bg-panel">
          <div role="row" className={`${COLUMNS} h-8 items-center px-3 text-xs text-soft`}>
            {NAMES.map((name) => (
              <span key={name} role="columnheader" className="px-1.5 font-medium">
                {name}
              </span>
            ))}
          </div>
        </div>
        <div role="rowgroup" className="relative" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(({ index, start }) => {
            const entry = entries[index];
            return entry === undefined ? null : (
              <div
                key={entry.key}
                role="presentation"
                className="absolute top-0 left-0 w-full"
                style={{ transform: `translateY(${start}px)` }}
              >
                <EventRow entry={entry} index={index} />
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

const EventRow = memo(function EventRow({
  entry,
  index,
}: {
  readonly entry: Entry;
  readonly index: number;
}) {
  const { at, kind, event, from, to, nodeId, attempt, version } = entry;
  const time = absoluteText(at);
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className={`${COLUMNS} relative h-[30px] items-center border-b border-line/60 px-3 hover:bg-raised`}
    >
      <span role="cell" className="px-1.5 font-mono text-xs text-soft" title={time}>
        {time.slice(11)}
      </span>
      <span role="cell" className="truncate px-1.5 text-soft">
        {kind}
      </span>
      <span role="cell" className="min-w-0 truncate px-1.5">
        <NameLink entry={entry} />
      </span>
      <span role="cell" className="truncate px-1.5 font-mono text-xs">
        {event}
      </span>
      <span role="cell" className="flex min-w-0 items-center gap-2 px-1.5">
        <span className="w-44 shrink-0">
          {from === '' ? (
            <span className="text-soft">created</span>
          ) : (
            <EntryState kind={kind} path={from} />
          )}
        </span>
        <span aria-hidden className="text-soft">
          →
        </span>
        <span className="sr-only">to</span>
        <EntryState kind={kind} path={to} />
      </span>
      <span role="cell" className="truncate px-1.5">
        {nodeId}
      </span>
      <span role="cell" className="px-1.5 tabular-nums">
        {attempt === 0 ? '' : attempt}
      </span>
      <span role="cell" className="px-1.5 text-soft tabular-nums">
        {version}
      </span>
    </div>
  );
});

/** Leads to the screen of the actor, of a task as it was then. */
function NameLink({ entry: { kind, id, name, version } }: { readonly entry: Entry }) {
  // The link is as large as its row.
  const className = 'font-medium after:absolute after:inset-0 hover:underline';
  const title = name === id ? name : `${name}\n${id}`;
  if (kind === 'schedule') {
    return (
      <Link to="/schedules/$key" params={{ key: name }} title={title} className={className}>
        {name}
      </Link>
    );
  }
  if (kind === 'node') {
    return (
      <Link to="/nodes/$nodeId" params={{ nodeId: id }} title={title} className={className}>
        {name}
      </Link>
    );
  }
  return (
    <Link
      to="/tasks/$taskId"
      params={{ taskId: id }}
      search={{ version: String(version) }}
      title={title}
      className={className}
    >
      {name}
    </Link>
  );
}

function EntryState({ kind, path }: { readonly kind: Kind; readonly path: string }) {
  if (kind === 'schedule') return <ScheduleStateBadge word={path} />;
  if (kind === 'node') return <LookBadge look={nodeLookOf(path)} />;
  return <StateBadge path={path} />;
}
