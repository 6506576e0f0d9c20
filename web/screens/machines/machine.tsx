/** One machine, large: how many are in each state, what leads from one to the other, and the definition as a file. */
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { Machine } from '../../../proto/gen/muster/v1/machine_pb.ts';
import { explain } from '../../connection.ts';
import { useMachines } from '../../machines-query.ts';
import { Empty, Failure, Page, Panel } from '../../ui/page.tsx';
import { Diagram } from '../../visualizer/diagram.tsx';
import { ExportButtons } from './export-buttons.tsx';
import { EdgeDetails, EdgeList, StateList } from './machine-lists.tsx';
import { edgeKey, meaningOf } from './machine-words.ts';
import { type Counts, countsOf, placeOf } from './state-counts.ts';
import { useCounts } from './use-counts.ts';

export function Screen() {
  const { name = '' } = useParams({ strict: false });
  const { data, error } = useMachines();
  const counts = countsOf(name, useCounts());
  const machine = data?.find((one) => one.name === name);
  const title = (
    <span className="flex items-center gap-3">
      <Link to="/machines" className="font-normal text-soft hover:text-text">
        Machines
      </Link>
      <span aria-hidden className="font-normal text-soft">
        /
      </span>
      {name}
      {machine === undefined || machine.version === '' ? null : (
        <span className="text-sm font-normal text-soft">version {machine.version}</span>
      )}
    </span>
  );
  return (
    <Page title={title} actions={machine === undefined ? null : <ExportButtons name={name} />}>
      {error === null ? null : <Failure>{explain(error)}</Failure>}
      {machine === undefined ? (
        <Empty>
          {data === undefined ? 'Reading the machine …' : `There is no machine ${name}. `}
          {data === undefined ? null : (
            <Link to="/machines" className="text-accent underline">
              All machines
            </Link>
          )}
        </Empty>
      ) : (
        <Body machine={machine} counts={counts} />
      )}
    </Page>
  );
}

function Body({ machine, counts }: { readonly machine: Machine; readonly counts: Counts | null }) {
  const { edge = '' } = useSearch({ strict: false }) as { readonly edge?: string };
  const navigate = useNavigate();
  const { name } = machine;
  const select = (key: string) =>
    void navigate({
      to: '/machines/$name',
      params: { name },
      replace: true,
      resetScroll: false,
      search: (former) => ({ ...former, edge: key === edge ? undefined : key }),
    });
  const open = (path: string) => {
    const place = placeOf(name, path);
    if (place !== null) void navigate({ to: place.to, search: place.search });
  };
  const hasPlaces = machine.states.some(({ path }) => placeOf(name, path) !== null);
  const selected = machine.edges.find((one) => edgeKey(one) === edge);
  return (
    <>
      <p className="text-soft">
        {meaningOf(name)}{' '}
        {hasPlaces ? 'Click a state to list what is in it, an arrow to read what makes it.' : null}
      </p>
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_24rem]">
        <Panel className="overflow-hidden">
          <Diagram
            machine={machine}
            counts={counts ?? undefined}
            selected={edge === '' ? undefined : edge}
            onSelectState={hasPlaces ? ({ path }) => open(path) : undefined}
            onSelectEdge={(one) => select(edgeKey(one))}
            className="h-[calc(100vh-11rem)] min-h-96"
          />
        </Panel>
        <div className="flex min-w-0 flex-col gap-4">
          {selected === undefined ? null : (
            <EdgeDetails edge={selected} onClose={() => select(edge)} />
          )}
          <StateList machine={machine} counts={counts} />
          <EdgeList machine={machine} selected={edge} onSelect={select} />
        </div>
      </div>
    </>
  );
}
