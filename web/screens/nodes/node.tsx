/** One host, live: how it is, what works on it, and what can be asked of it. */
import { Link, useParams, useSearch } from '@tanstack/react-router';
import type { Node } from '../../../proto/gen/muster/v1/node_pb.ts';
import { useLiveNodes } from '../../live-collection.ts';
import { Facts } from '../../ui/facts.tsx';
import { Meter } from '../../ui/meter.tsx';
import { Empty, Failure, Page, Panel } from '../../ui/page.tsx';
import { Ago } from '../../ui/time.tsx';
import { bytesText, percentText } from '../../ui/units.ts';
import { HealthBadge } from './health-badge.tsx';
import { DrainNotice, NodeActions } from './node-drain.tsx';
import { shareOf } from './node-filter.ts';
import { History } from './node-history.tsx';
import { Labels } from './node-labels.tsx';
import { Load } from './node-load.tsx';
import { RunningTasks } from './node-tasks.tsx';
import { Workers } from './node-workers.tsx';

interface NodeSearch {
  readonly range?: string;
  readonly form?: string;
  readonly worker?: string;
}

export function Screen() {
  const { nodeId = '' } = useParams({ strict: false });
  const { items, failure } = useLiveNodes();
  const node = items?.get(nodeId);
  const title = (
    <span className="flex items-center gap-3">
      <Link to="/nodes" className="font-normal text-soft hover:text-text">
        Nodes
      </Link>
      <span aria-hidden className="font-normal text-soft">
        /
      </span>
      {nodeId}
      {node === undefined ? null : (
        <span className="text-sm font-normal">
          <HealthBadge node={node} />
        </span>
      )}
    </span>
  );
  return (
    <Page title={title} actions={node === undefined ? null : <NodeActions node={node} />}>
      {failure === null ? null : <Failure>{failure}</Failure>}
      {node === undefined ? (
        <Empty>
          {items === null ? 'Reading the node …' : `There is no node ${nodeId}. `}
          {items === null ? null : (
            <Link to="/nodes" className="text-accent underline">
              All nodes
            </Link>
          )}
        </Empty>
      ) : (
        <Body node={node} />
      )}
    </Page>
  );
}

function Body({ node }: { readonly node: Node }) {
  const { range = '1h', form = '', worker = '' } = useSearch({ strict: false }) as NodeSearch;
  return (
    <>
      <DrainNotice node={node} />
      <Now node={node} />
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_22rem]">
        <div className="flex min-w-0 flex-col gap-4">
          <Load nodeId={node.id} range={range} form={form} />
          <Workers nodeId={node.id} selected={worker} />
          <RunningTasks nodeId={node.id} />
        </div>
        <div className="flex min-w-0 flex-col gap-4">
          <About node={node} />
          <Labels node={node} />
          <History node={node} />
        </div>
      </div>
    </>
  );
}

function Now({ node: { active, slots, metrics, lastSeenAt } }: { readonly node: Node }) {
  const memory = shareOf(metrics?.memoryUsedBytes, metrics?.memoryTotalBytes);
  const disk = shareOf(metrics?.diskUsedBytes, metrics?.diskTotalBytes);
  const of = (used = 0n, total = 0n) => `${bytesText(used)} of ${bytesText(total)}`;
  const cells: readonly (readonly [string, React.ReactNode])[] = [
    [
      'Slots at work',
      <Meter key="slots" share={slots === 0 ? null : active / slots} isPlain>
        {active} of {slots}
      </Meter>,
    ],
    [
      'CPU',
      <Meter key="cpu" share={metrics?.cpuShare ?? null}>
        {percentText(metrics?.cpuShare ?? null)}
      </Meter>,
    ],
    [
      'Memory',
      <Meter key="memory" share={memory}>
        {of(metrics?.memoryUsedBytes, metrics?.memoryTotalBytes)}
      </Meter>,
    ],
    [
      'Disk',
      <Meter key="disk" share={disk}>
        {of(metrics?.diskUsedBytes, metrics?.diskTotalBytes)}
      </Meter>,
    ],
    [
      'Load',
      <span key="load" className="tabular-nums">
        {metrics === undefined
          ? '–'
          : [metrics.load1, metrics.load5, metrics.load15].map((one) => one.toFixed(2)).join('  ')}
      </span>,
    ],
    ['Last seen', <Ago key="seen" at={lastSeenAt} />],
  ];
  return (
    <dl className="grid gap-x-6 min-[30rem]:grid-cols-2 gap-y-2 rounded-xl border border-line bg-panel px-4 py-2.5 md:grid-cols-3 xl:grid-cols-6">
      {cells.map(([name, value]) => (
        <div key={name}>
          <dt className="text-xs text-soft">{name}</dt>
          <dd className="mt-0.5 tabular-nums">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function About({ node }: { readonly node: Node }) {
  const { facts } = node;
  return (
    <Panel title="Facts">
      <Facts
        rows={[
          ['Host', facts?.hostname ?? ''],
          ['Addresses', facts?.addresses.join(', ') ?? ''],
          ['System', `${facts?.os ?? ''} ${facts?.osRelease ?? ''}`.trim()],
          ['Processor', facts === undefined ? '' : `${facts.arch}, ${facts.cores} cores`],
          ['Memory', facts === undefined ? '' : bytesText(facts.memoryBytes)],
          ['Agent', facts?.agentVersion ?? ''],
          ['Runtime', `${facts?.runtime ?? ''} ${facts?.runtimeVersion ?? ''}`.trim()],
          ['Handlers', facts?.handlers.join(', ') ?? ''],
          ['Connected', <Ago key="connected" at={node.connectedAt} />],
          ['Known since', <Ago key="created" at={node.createdAt} />],
          ['Session', `${node.epoch}`],
          [
            'Supervisor',
            <span key="supervisor" className="font-mono text-xs">
              {node.supervisorId || '–'}
            </span>,
          ],
        ]}
      />
    </Panel>
  );
}
