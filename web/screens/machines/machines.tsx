/** The state machines that tasks, nodes and schedules are: the definitions that run, and how many are in each state now. */
import { Link } from '@tanstack/react-router';
import type { Machine } from '../../../proto/gen/muster/v1/machine_pb.ts';
import { ChartStateKind } from '../../../proto/gen/muster/v1/machine_pb.ts';
import { explain } from '../../connection.ts';
import { useMachines } from '../../machines-query.ts';
import { Empty, Failure, Page } from '../../ui/page.tsx';
import { Diagram } from '../../visualizer/diagram.tsx';
import { meaningOf } from './machine-words.ts';
import { type Counts, countsOf } from './state-counts.ts';
import { useCounts } from './use-counts.ts';

const DRAWING_PX = 260;

export function Screen() {
  const { data, error } = useMachines();
  const sources = useCounts();
  return (
    <Page title="Machines">
      <p className="text-soft">
        Everything that lasts in Muster is a state machine. These are the definitions that run.
      </p>
      {error === null ? null : <Failure>{explain(error)}</Failure>}
      {data === undefined && error === null ? <Empty>Reading the machines …</Empty> : null}
      <ul className="grid grid-cols-1 gap-4 md:grid-cols-2 2xl:grid-cols-3">
        {data?.map((machine) => (
          <li key={`${machine.name} ${machine.version}`}>
            <Card machine={machine} counts={countsOf(machine.name, sources)} />
          </li>
        ))}
      </ul>
    </Page>
  );
}

function Card({ machine, counts }: { readonly machine: Machine; readonly counts: Counts | null }) {
  const { name, version, width, height, states, edges } = machine;
  const resting = states.filter(({ kind }) => kind !== ChartStateKind.COMPOUND);
  return (
    <article className="relative flex h-full flex-col rounded-xl border border-line bg-panel hover:border-accent">
      <div className="px-4 pt-3">
        <h2 className="flex items-baseline gap-2">
          <Link
            to="/machines/$name"
            params={{ name }}
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
          <Diagram machine={machine} counts={counts ?? undefined} />
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
