/** The table of nodes: only the rows that are seen are in the page, thousands of others are space above and below. */
import { Link } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useLayoutEffect, useRef, useState } from 'react';
import type { Node } from '../../../proto/gen/muster/v1/node_pb.ts';
import { Meter } from '../../ui/meter.tsx';
import { Ago } from '../../ui/time.tsx';
import { bytesText, percentText } from '../../ui/units.ts';
import { HealthBadge } from './health-badge.tsx';
import { readSort, shareOf, type Sort } from './node-filter.ts';

interface Column {
  readonly title: string;
  readonly width: string;
  readonly sort?: Sort;
  /** Begins with the largest. */
  readonly isDown?: boolean;
}

const COLUMNS: readonly Column[] = [
  { title: 'Node', width: 'w-[14%]', sort: 'id' },
  { title: 'State', width: 'w-[13%]' },
  { title: 'Slots', width: 'w-[9%]', sort: 'busy', isDown: true },
  { title: 'Labels', width: 'w-[19%]' },
  { title: 'CPU', width: 'w-[9%]', sort: 'cpu', isDown: true },
  { title: 'Memory', width: 'w-[9%]', sort: 'memory', isDown: true },
  { title: 'Disk', width: 'w-[9%]', sort: 'disk', isDown: true },
  { title: 'Load', width: 'w-[5%]', sort: 'load', isDown: true },
  { title: 'Last seen', width: 'w-[8%]', sort: 'seen' },
  { title: 'Agent', width: 'w-[5%]' },
];

const ROW_PX = 40;

export function NodeTable({
  nodes,
  sort,
  onSort,
  onLabel,
}: {
  readonly nodes: readonly Node[];
  readonly sort: string;
  readonly onSort: (sort: string) => void;
  readonly onLabel: (label: string) => void;
}) {
  const table = useRef<HTMLTableElement>(null);
  const [margin, setMargin] = useState(0);
  useLayoutEffect(() => setMargin(table.current?.offsetTop ?? 0), []);
  const rows = useVirtualizer({
    count: nodes.length,
    getScrollElement: () => document.getElementById('content'),
    estimateSize: () => ROW_PX,
    scrollMargin: margin,
    overscan: 12,
  });
  const seen = rows.getVirtualItems();
  const above = (seen[0]?.start ?? margin) - margin;
  const below = rows.getTotalSize() - (seen.at(-1)?.end ?? margin) + margin;
  return (
    <table
      ref={table}
      aria-rowcount={nodes.length + 1}
      className="w-full min-w-[1100px] table-fixed"
    >
      <thead className="sticky top-0 z-10">
        <tr aria-rowindex={1}>
          {COLUMNS.map((column) => (
            <Heading key={column.title} column={column} current={sort} onSort={onSort} />
          ))}
        </tr>
      </thead>
      <tbody>
        <Space px={above} />
        {seen.map(({ index }) => {
          const node = nodes[index];
          return node === undefined ? null : (
            <Row key={node.id} node={node} index={index + 2} onLabel={onLabel} />
          );
        })}
        <Space px={below} />
      </tbody>
    </table>
  );
}

function Space({ px }: { readonly px: number }) {
  return px <= 0 ? null : (
    <tr aria-hidden>
      <td colSpan={COLUMNS.length} style={{ height: px, padding: 0 }} />
    </tr>
  );
}

function Heading({
  column: { title, width, sort, isDown = false },
  current,
  onSort,
}: {
  readonly column: Column;
  readonly current: string;
  readonly onSort: (sort: string) => void;
}) {
  const now = readSort(current);
  const isSorted = now.sort === sort;
  const looks = `${width} bg-panel shadow-[inset_0_-1px_0_var(--line)] first:rounded-tl-xl last:rounded-tr-xl px-3 py-2 text-left text-xs font-medium text-soft`;
  if (sort === undefined)
    return (
      <th scope="col" className={looks}>
        {title}
      </th>
    );
  const goesDown = isSorted ? !now.isDown : isDown;
  return (
    <th
      scope="col"
      className={looks}
      aria-sort={isSorted ? (now.isDown ? 'descending' : 'ascending') : 'none'}
    >
      <button
        type="button"
        onClick={() => onSort(goesDown ? `-${sort}` : sort)}
        className="hover:text-text"
      >
        {title}{' '}
        <span aria-hidden className={isSorted ? '' : 'invisible'}>
          {now.isDown ? '↓' : '↑'}
        </span>
      </button>
    </th>
  );
}

function Row({
  node,
  index,
  onLabel,
}: {
  readonly node: Node;
  readonly index: number;
  readonly onLabel: (label: string) => void;
}) {
  const { id, active, slots, metrics, facts } = node;
  const memory = shareOf(metrics?.memoryUsedBytes, metrics?.memoryTotalBytes);
  const disk = shareOf(metrics?.diskUsedBytes, metrics?.diskTotalBytes);
  return (
    <tr
      aria-rowindex={index}
      className="border-b border-line last:border-0 hover:bg-raised"
      style={{ height: ROW_PX }}
    >
      <td className="truncate px-3">
        <Link
          to="/nodes/$nodeId"
          params={{ nodeId: id }}
          title={id}
          className="font-medium hover:text-accent hover:underline"
        >
          {id}
        </Link>
        {facts === undefined || facts.hostname === id ? null : (
          <span className="ml-2 text-xs text-soft">{facts.hostname}</span>
        )}
      </td>
      <td className="px-3">
        <HealthBadge node={node} />
      </td>
      <td className="px-3">
        <Meter share={slots === 0 ? null : active / slots} isPlain title={`${active} at work`}>
          {active}/{slots}
        </Meter>
      </td>
      <td className="px-3">
        <Labels labels={node.labels} onLabel={onLabel} />
      </td>
      <td className="px-3">
        <Meter share={metrics?.cpuShare ?? null}>{percentText(metrics?.cpuShare ?? null)}</Meter>
      </td>
      <td className="px-3">
        <Meter share={memory} title={amounts(metrics?.memoryUsedBytes, metrics?.memoryTotalBytes)}>
          {percentText(memory)}
        </Meter>
      </td>
      <td className="px-3">
        <Meter share={disk} title={amounts(metrics?.diskUsedBytes, metrics?.diskTotalBytes)}>
          {percentText(disk)}
        </Meter>
      </td>
      <td className="px-3 tabular-nums">{metrics?.load1.toFixed(2) ?? '–'}</td>
      <td className="truncate px-3 text-soft tabular-nums">
        <Ago at={node.lastSeenAt} />
      </td>
      <td className="truncate px-3 text-soft" title={facts?.agentVersion}>
        {facts?.agentVersion || '–'}
      </td>
    </tr>
  );
}

function amounts(used: bigint | undefined, total: bigint | undefined): string {
  return used === undefined || total === undefined || total <= 0n
    ? ''
    : `${bytesText(used)} of ${bytesText(total)}`;
}

function Labels({
  labels,
  onLabel,
}: {
  readonly labels: Readonly<Record<string, string>>;
  readonly onLabel: (label: string) => void;
}) {
  const all = Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .sort();
  return (
    <span className="flex gap-1 overflow-hidden" title={all.join('\n')}>
      {all.map((label) => (
        <button
          key={label}
          type="button"
          onClick={() => onLabel(label)}
          title={`Show only ${label}`}
          className="shrink-0 rounded bg-raised px-1.5 font-mono text-xs leading-5 hover:bg-accent-soft"
        >
          {label}
        </button>
      ))}
    </span>
  );
}
