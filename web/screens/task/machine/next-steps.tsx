/** What can happen next, in words; or what is chosen in the diagram. */
import { ChartStateKind, type Machine } from '../../../../proto/gen/muster/v1/machine_pb.ts';
import { OfflinePolicy } from '../../../../proto/gen/muster/v1/task_pb.ts';
import { type Next, nextOf, triggerWords } from './words.ts';

export function NextSteps(props: {
  readonly machine: Machine;
  readonly path: string;
  readonly isFinal: boolean;
  readonly offline: OfflinePolicy;
  /** Path of a state or `from>to` of an edge. */
  readonly selected: string | undefined;
  readonly onSelect: (key: string) => void;
}) {
  const { machine, path, isFinal, offline, selected, onSelect } = props;
  const edge = machine.edges.find(({ from, to }) => selected === `${from}>${to}`);
  const at = edge === undefined && selected !== undefined ? selected : path;
  const isCurrent = at === path;
  const next: readonly Next[] =
    edge === undefined
      ? inOrder(machine, nextOf(machine, at, impossible(offline)))
      : [{ ...edge, of: edge.from, edge: `${edge.from}>${edge.to}` }];
  return (
    <section className="min-w-0">
      <h3 className="mb-1.5 flex items-baseline gap-2 text-xs text-soft">
        {edge === undefined ? (
          <span>{isCurrent ? 'What can happen next' : `From ${at}`}</span>
        ) : (
          <span>
            From {edge.from} to {edge.to}
          </span>
        )}
        {selected === undefined ? null : (
          <button
            type="button"
            onClick={() => onSelect(selected)}
            className="text-accent hover:underline"
          >
            back to now
          </button>
        )}
      </h3>
      {next.length === 0 ? (
        <p>
          {isFinal && isCurrent
            ? 'Nothing: this state is final and never changes again.'
            : 'Nothing leaves this state.'}
        </p>
      ) : (
        <ul className="flex max-h-72 flex-col gap-1.5 overflow-y-auto">
          {next.map((one) => (
            <NextItem key={`${one.of}>${one.to}`} next={one} at={at} onSelect={onSelect} />
          ))}
        </ul>
      )}
    </section>
  );
}

/** The guards that cannot hold under a policy. */
function impossible(offline: OfflinePolicy): ReadonlySet<string> {
  const guards = new Set(['isOfflinePolicy skip', 'isOfflinePolicy fail']);
  if (offline === OfflinePolicy.SKIP) guards.delete('isOfflinePolicy skip');
  if (offline === OfflinePolicy.FAIL) guards.delete('isOfflinePolicy fail');
  return guards;
}

/** What goes on comes before what ends. */
function inOrder(machine: Machine, next: readonly Next[]): Next[] {
  const isEnd = ({ to }: Next) =>
    machine.states.some(({ path, kind }) => path === to && kind === ChartStateKind.FINAL);
  return [...next].sort((a, b) => Number(isEnd(a)) - Number(isEnd(b)));
}

function NextItem(props: {
  readonly next: Next;
  readonly at: string;
  readonly onSelect: (key: string) => void;
}) {
  const { next, at, onSelect } = props;
  const sentences = [...new Set(next.triggers.map(triggerWords))];
  const events = [...new Set(next.triggers.map(({ event }) => event))].filter(Boolean).join(', ');
  return (
    <li className="leading-5" title={events}>
      {next.to === '' ? (
        <span className="text-soft">stays</span>
      ) : (
        <button
          type="button"
          onClick={() => onSelect(next.edge)}
          className="font-medium text-accent hover:underline"
        >
          <span aria-hidden>→ </span>
          {next.to}
        </button>
      )}{' '}
      <span>when {sentences.join('; or ')}</span>
      {next.of === at ? null : <span className="text-soft"> (anywhere in {next.of})</span>}
    </li>
  );
}
