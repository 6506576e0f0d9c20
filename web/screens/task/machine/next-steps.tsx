/** What can happen next, in words; or what is chosen in the diagram. */
import { ChartStateKind, type Machine } from '../../../../proto/gen/muster/v1/machine_pb.ts';
import { type Next, nextOf, triggerWords } from './words.ts';

export function NextSteps(props: {
  readonly machine: Machine;
  readonly path: string;
  readonly isFinal: boolean;
  /** There is room for a long list. */
  readonly isWide: boolean;
  /** Guards that cannot hold. */
  readonly impossible: ReadonlySet<string>;
  /** Path of a state or `from>to` of an edge. */
  readonly selected: string | undefined;
  readonly onSelect: (key: string) => void;
}) {
  const { machine, path, isFinal, isWide, impossible, selected, onSelect } = props;
  const edge = machine.edges.find(({ from, to }) => selected === `${from}>${to}`);
  const at = edge === undefined && selected !== undefined ? selected : path;
  const isCurrent = at === path;
  const next: readonly Next[] =
    edge === undefined
      ? inOrder(machine, at, nextOf(machine, at, impossible))
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
        <ul
          className={`flex flex-col gap-1.5 overflow-y-auto ${isWide ? 'max-h-[27rem]' : 'max-h-72'}`}
        >
          {next.map((one) => (
            <NextItem key={`${one.of}>${one.to}`} next={one} at={at} onSelect={onSelect} />
          ))}
        </ul>
      )}
    </section>
  );
}

/** First what the state itself does, and of that what goes on before what ends; then what happens in any state around it. */
function inOrder(machine: Machine, at: string, next: readonly Next[]): Next[] {
  const isEnd = (to: string) =>
    machine.states.some(({ path, kind }) => path === to && kind === ChartStateKind.FINAL);
  const rankOf = ({ of, to }: Next) => (of !== at ? 2 : isEnd(to) ? 1 : 0);
  return [...next].sort((a, b) => rankOf(a) - rankOf(b));
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
