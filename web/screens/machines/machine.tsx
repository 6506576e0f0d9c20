/**
 * One machine, large: how many are in each state, how often each edge is taken, and the definition as a file.
 *
 * The search says which edge is chosen (`edge`), how far back is counted (`range`) and which definition is shown (`version`); without
 * that it is the one that runs. Nothing counts what a former one did.
 */
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { Machine } from '../../../proto/gen/muster/v1/machine_pb.ts';
import { explain } from '../../connection.ts';
import { useFormerMachine, useMachines, useMachineVersions } from '../../machines-query.ts';
import { Choice } from '../../ui/choice.tsx';
import { Empty, Failure, Page, Panel } from '../../ui/page.tsx';
import { Diagram } from '../../visualizer/diagram.tsx';
import {
  type EdgeCounts,
  placeBehind,
  type Range,
  RANGES,
  rangeOf,
  rangeWords,
  visitsOf,
} from './edge-counts.ts';
import { ExportButtons } from './export-buttons.tsx';
import { EdgeDetails, EdgeList, StateList } from './machine-lists.tsx';
import { edgeKey, meaningOf } from './machine-words.ts';
import { type Counts, countsOf, placeOf } from './state-counts.ts';
import { useCounts } from './use-counts.ts';
import { useEdgeCounts } from './use-edge-counts.ts';
import { FormerNote, VersionChoice } from './version-choice.tsx';
import { versionAt, versionKey } from './versions.ts';

interface MachineSearch {
  readonly edge?: string;
  readonly range?: string;
  readonly version?: string;
}

export function Screen() {
  const { name = '' } = useParams({ strict: false });
  const { range: rangeText, version = '' } = useSearch({ strict: false }) as MachineSearch;
  const change = useSearchChange(name);
  const range = rangeOf(rangeText);
  const { machine, versions, chosen, isFormer, isMissing, error } = useShown(name, version);
  const states = countsOf(name, useCounts());
  const edges = useEdgeCounts(isFormer || machine === undefined ? null : name, range);
  const failure = error ?? edges.error;
  const choice = (
    <VersionChoice
      versions={versions}
      shown={chosen ?? versions.find((one) => one.running)}
      onChoose={(one) =>
        change({ version: one.running ? undefined : versionKey(one), edge: undefined })
      }
    />
  );
  const actions =
    machine === undefined ? null : (
      <>
        {edges.counts?.has(name) === true ? (
          <Choice
            label="Counted in the last"
            value={range}
            onChoose={(to) => change({ range: to })}
          >
            {RANGES}
          </Choice>
        ) : null}
        <ExportButtons
          name={name}
          version={isFormer && chosen !== undefined ? versionKey(chosen) : ''}
        />
      </>
    );
  return (
    <Page title={<Title name={name}>{choice}</Title>} actions={actions}>
      {failure === null ? null : <Failure>{explain(failure)}</Failure>}
      {isFormer && chosen !== undefined ? <FormerNote version={chosen} /> : null}
      {version !== '' && chosen === undefined && versions.length > 0 ? (
        <Failure>There is no version {version} of this machine; this is the one that runs.</Failure>
      ) : null}
      {machine === undefined ? (
        <NoMachine name={name} isMissing={isMissing} />
      ) : (
        <Body
          machine={machine}
          isFormer={isFormer}
          states={isFormer ? null : states}
          edges={edges.counts?.get(name) ?? null}
          range={range}
        />
      )}
    </Page>
  );
}

/** The definition that the URL names: the one that runs where it names none. */
function useShown(name: string, version: string) {
  const { data, error } = useMachines();
  const versions = useMachineVersions().filter((one) => one.name === name);
  const chosen = versionAt(versions, version);
  const isFormer = chosen?.running === false;
  const former = useFormerMachine(name, isFormer ? chosen.hash : '');
  const running = data?.find((one) => one.name === name);
  return {
    machine: isFormer ? (former.data ?? undefined) : running,
    /** Of this machine. */
    versions,
    /** Undefined where the URL names none, or one that there is not. */
    chosen,
    isFormer,
    isMissing: data !== undefined && running === undefined,
    error: error ?? former.error,
  };
}

function NoMachine({ name, isMissing }: { readonly name: string; readonly isMissing: boolean }) {
  if (!isMissing) return <Empty>Reading the machine …</Empty>;
  return (
    <Empty>
      There is no machine {name}.{' '}
      <Link to="/machines" className="text-accent underline">
        All machines
      </Link>
    </Empty>
  );
}

function Title({ name, children }: { readonly name: string; readonly children: React.ReactNode }) {
  return (
    <span className="flex items-center gap-3">
      <Link to="/machines" className="font-normal text-soft hover:text-text">
        Machines
      </Link>
      <span aria-hidden className="font-normal text-soft">
        /
      </span>
      {name}
      {children}
    </span>
  );
}

/** Returns what changes the search of this screen, and leaves the rest of it. */
function useSearchChange(name: string) {
  const navigate = useNavigate();
  return (change: { readonly [Key in keyof MachineSearch]?: string | undefined }) =>
    void navigate({
      to: '/machines/$name',
      params: { name },
      replace: true,
      resetScroll: false,
      search: (former) => ({ ...former, ...change }),
    });
}

function Body({
  machine,
  isFormer,
  states,
  edges,
  range,
}: {
  readonly machine: Machine;
  readonly isFormer: boolean;
  /** Null where nobody counts them. */
  readonly states: Counts | null;
  readonly edges: EdgeCounts | null;
  readonly range: Range;
}) {
  const { edge = '' } = useSearch({ strict: false }) as MachineSearch;
  const navigate = useNavigate();
  const { name } = machine;
  const change = useSearchChange(name);
  const select = (key: string) => change({ edge: key === edge ? undefined : key });
  const open = (path: string) => {
    const place = placeOf(name, path);
    if (place !== null) void navigate({ to: place.to, search: place.search });
  };
  const hasPlaces = !isFormer && machine.states.some(({ path }) => placeOf(name, path) !== null);
  const selected = machine.edges.find((one) => edgeKey(one) === edge);
  const drawn = edges === null ? undefined : visitsOf(machine, edges);
  return (
    <>
      <p className="text-soft">
        {meaningOf(name)}{' '}
        {hasPlaces ? 'Click a state to list what is in it, an arrow to read what makes it. ' : null}
        {edges === null
          ? null
          : `The numbers at arrows say how often they were taken ${rangeWords(range)}.`}
      </p>
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_24rem]">
        <Panel className="overflow-hidden">
          <Diagram
            machine={machine}
            counts={states ?? undefined}
            visits={drawn?.visits}
            marks={drawn?.marks}
            selected={edge === '' ? undefined : edge}
            onSelectState={hasPlaces ? ({ path }) => open(path) : undefined}
            onSelectEdge={(one) => select(edgeKey(one))}
            className="h-[calc(100vh-11rem)] min-h-96"
          />
        </Panel>
        <div className="flex min-w-0 flex-col gap-4">
          {selected === undefined ? null : (
            <EdgeDetails
              edge={selected}
              counts={edges}
              place={isFormer ? null : placeBehind(name, selected.to, range)}
              onClose={() => select(edge)}
            />
          )}
          <StateList machine={machine} counts={states} hasPlaces={hasPlaces} />
          <EdgeList machine={machine} counts={edges} selected={edge} onSelect={select} />
        </div>
      </div>
    </>
  );
}
