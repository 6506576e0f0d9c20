/**
 * The state machines that tasks, nodes and schedules are: the definitions that run, how many are in each state now and how often each
 * edge is taken; and those that ran before.
 */
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import type { Machine, MachineVersion } from '../../../proto/gen/muster/v1/machine_pb.ts';
import { ChartStateKind } from '../../../proto/gen/muster/v1/machine_pb.ts';
import { explain } from '../../connection.ts';
import { useMachines, useMachineVersions } from '../../machines-query.ts';
import { Choice } from '../../ui/choice.tsx';
import { Empty, Failure, Page, Panel } from '../../ui/page.tsx';
import { Diagram } from '../../visualizer/diagram.tsx';
import { type EdgeCounts, RANGES, rangeOf, rangeWords, visitsOf } from './edge-counts.ts';
import { meaningOf } from './machine-words.ts';
import { type Counts, countsOf } from './state-counts.ts';
import { useCounts } from './use-counts.ts';
import { useEdgeCounts } from './use-edge-counts.ts';
import { seenText } from './version-choice.tsx';
import { versionKey, versionWords } from './versions.ts';

const DRAWING_PX = 340;

export function Screen() {
  const { data, error } = useMachines();
  const sources = useCounts();
  const navigate = useNavigate();
  const search = useSearch({ strict: false }) as { readonly range?: string };
  const range = rangeOf(search.range);
  const edges = useEdgeCounts('', range);
  const failure = error ?? edges.error;
  const versions = useMachineVersions();
  return (
    <Page
      title="Machines"
      actions={
        <Choice
          label="Counted in the last"
          value={range}
          onChoose={(to) =>
            void navigate({ to: '/machines', replace: true, search: { range: to } })
          }
        >
          {RANGES}
        </Choice>
      }
    >
      <p className="text-soft">
        Everything that lasts in Muster is a state machine. These are the definitions that run; the
        arrows that were taken {rangeWords(range)} are numbered.
      </p>
      {failure === null ? null : <Failure>{explain(failure)}</Failure>}
      {data === undefined && error === null ? <Empty>Reading the machines …</Empty> : null}
      <ul className="grid grid-cols-1 gap-4 md:grid-cols-2 2xl:grid-cols-3">
        {data?.map((machine) => (
          <li key={`${machine.name} ${machine.version}`}>
            <Card
              machine={machine}
              counts={countsOf(machine.name, sources)}
              edgeCounts={edges.counts?.get(machine.name)}
              search={search}
            />
          </li>
        ))}
      </ul>
      <Former versions={versions} />
    </Page>
  );
}

/** What ran before. */
function Former({ versions }: { readonly versions: readonly MachineVersion[] }) {
  const former = versions.filter(({ running }) => !running);
  if (former.length === 0) return null;
  return (
    <Panel title="Former definitions">
      <ul className="divide-y divide-line">
        {former.map((one) => (
          <li key={one.hash} className="flex gap-3 px-4 py-2">
            <Link
              to="/machines/$name"
              params={{ name: one.name }}
              search={{ version: versionKey(one) }}
              className="text-accent hover:underline"
            >
              {one.name},{' '}
              {versionWords(
                one,
                versions.filter(({ name }) => name === one.name),
              )}
            </Link>
            <span className="text-soft">first seen {seenText(one)}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Card({
  machine,
  counts,
  edgeCounts,
  search,
}: {
  readonly machine: Machine;
  readonly counts: Counts | null;
  /** Undefined where nobody counts them. */
  readonly edgeCounts: EdgeCounts | undefined;
  readonly search: { readonly range?: string };
}) {
  const { name, version, width, height, states, edges } = machine;
  const drawn = edgeCounts === undefined ? undefined : visitsOf(machine, edgeCounts);
  const resting = states.filter(({ kind }) => kind !== ChartStateKind.COMPOUND);
  return (
    <article className="relative flex h-full flex-col rounded-xl border border-line bg-panel hover:border-accent">
      <div className="px-4 pt-3">
        <h2 className="flex items-baseline gap-2">
          <Link
            to="/machines/$name"
            params={{ name }}
            search={search}
            className="font-medium after:absolute after:inset-0 after:rounded-xl"
          >
            {name}
          </Link>
          {version === '' ? null : <span className="text-xs text-soft">version {version}</span>}
          <span className="grow" />
          <span className="text-xs text-soft">
            {resting.length} states, {edges.length} ways
          </span>
        </h2>
        <p className="text-soft">{meaningOf(name)}</p>
      </div>
      {/* A picture: what it shows is said in words below, and drawn large behind the link. */}
      <div inert className="p-3 [&_div:has(>button)]:hidden">
        <div
          className="mx-auto overflow-hidden"
          style={{ height: DRAWING_PX, maxWidth: (DRAWING_PX * width) / Math.max(height, 1) }}
        >
          <Diagram
            machine={machine}
            counts={counts ?? undefined}
            visits={drawn?.visits}
            marks={drawn?.marks}
            fit="whole"
          />
        </div>
      </div>
      <ul className="mt-auto flex flex-wrap gap-x-4 gap-y-1 border-t border-line px-4 py-2.5">
        {counts === null ? (
          <li className="text-soft">Nothing counts these.</li>
        ) : (
          resting.map(({ path }) => {
            const count = counts.get(path) ?? 0;
            return count === 0 ? null : (
              <li key={path} className="whitespace-nowrap tabular-nums">
                <span className="text-soft">{path}</span> {count.toLocaleString('en')}
              </li>
            );
          })
        )}
        {counts?.size === 0 ? <li className="text-soft">None now.</li> : null}
      </ul>
    </article>
  );
}
