/** The hosts, live: how they are, how busy and how full. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Node } from '../../../proto/gen/muster/v1/node_pb.ts';
import { useLiveNodes } from '../../live-collection.ts';
import { useStableOrder } from '../../stable-order.ts';
import { Button, Command, Empty, Failure, Page, Panel } from '../../ui/page.tsx';
import { SearchInput } from '../../ui/list-filter.tsx';
import { healthOf } from './health.ts';
import { compareNodes, matches, readSort, readStates } from './node-filter.ts';
import { NodeStates } from './node-states.tsx';
import { NodeTable } from './node-table.tsx';

export interface NodesSearch {
  readonly q?: string;
  /** States with commas between them. */
  readonly state?: string;
  readonly sort?: string;
}

export function Screen() {
  const { items, failure } = useLiveNodes();
  const { q = '', state = '', sort = 'id' } = useSearch({ strict: false }) as NodesSearch;
  const navigate = useNavigate();
  const set = (change: NodesSearch) =>
    void navigate({
      to: '/nodes',
      replace: true,
      search: (former) => ({ ...former, ...change }),
    });
  const found = useMemo(
    () =>
      items
        ?.values()
        .filter((node) => matches(node, { text: q, states: readStates(state) }))
        .toArray(),
    [items, q, state],
  );
  const { ids, waiting, renew } = useStableOrder(
    found === undefined ? null : new Set(found.map(({ id }) => id)),
    () => found?.toSorted(compareNodes(sort)).map(({ id }) => id) ?? [],
    `${sort} ${state} ${q}`,
  );
  const rows = ids.flatMap((id) => items?.get(id) ?? []);
  return (
    <Page title="Nodes" actions={items === null ? null : <Summary nodes={[...items.values()]} />}>
      {failure === null ? null : <Failure>{failure}</Failure>}
      <div className="flex flex-wrap items-center gap-2">
        <Filters q={q} state={state} onChange={set} nodes={items} />
        <span className="grow" />
        {waiting === 0 ? null : <Button onClick={renew}>{waiting} new: show</Button>}
        {readSort(sort).sort === 'id' ? null : (
          <Button onClick={renew} title="Rows stay where they are while their values change">
            Sort again
          </Button>
        )}
      </div>
      {/* The head of the table stays in sight while the page scrolls; in a panel that scrolls sideways it cannot. */}
      <Panel className="max-[1160px]:overflow-x-auto">
        {items === null ? (
          <Empty>{failure === null ? 'Reading the nodes …' : 'Nothing could be read.'}</Empty>
        ) : rows.length === 0 ? (
          <NothingHere isFiltered={items.size > 0} onReset={() => set({ q: '', state: '' })} />
        ) : (
          <NodeTable
            nodes={rows}
            sort={sort}
            onSort={(next) => set({ sort: next })}
            onLabel={(label) => set({ q: addWord(q, label) })}
          />
        )}
      </Panel>
    </Page>
  );
}

function addWord(text: string, word: string): string {
  return text.split(/\s+/).includes(word) ? text : `${text} ${word}`.trim();
}

function NothingHere({
  isFiltered,
  onReset,
}: {
  readonly isFiltered: boolean;
  readonly onReset: () => void;
}) {
  if (isFiltered) {
    return (
      <Empty>
        <p className="mb-3">No node matches.</p>
        <Button onClick={onReset}>Show all</Button>
      </Empty>
    );
  }
  return (
    <Empty>
      <p>No node has connected yet. On a host, start an agent:</p>
      <p className="mt-3">
        <Command>{`muster agent --server ${location.origin} --node web-1 --label role=web`}</Command>
      </p>
    </Empty>
  );
}

function Summary({ nodes }: { readonly nodes: readonly Node[] }) {
  const active = nodes.reduce((sum, node) => sum + node.active, 0);
  const online = nodes.filter((node) => healthOf(node).word === 'online');
  const slots = online.reduce((sum, node) => sum + node.slots, 0);
  return (
    <p className="text-soft tabular-nums">
      {online.length} of {nodes.length} online · {active} of {slots} slots at work
    </p>
  );
}

function Filters({
  q = '',
  state = '',
  nodes,
  onChange,
}: NodesSearch & {
  readonly nodes: ReadonlyMap<string, Node> | null;
  readonly onChange: (change: NodesSearch) => void;
}) {
  return (
    <>
      <SearchInput
        label="Filter nodes by name, address, version or label"
        placeholder="Name, address, version, role=web …"
        value={q}
        onChange={(text) => onChange({ q: text })}
      />
      <NodeStates
        state={state}
        nodes={nodes?.values() ?? []}
        onChange={(next) => onChange({ state: next })}
      />
    </>
  );
}
