/** A machine in words: its states with what they do, its ways with what makes them, and how often. */
import { Link } from '@tanstack/react-router';
import type { ChartEdge, ChartTrigger, Machine } from '../../../proto/gen/muster/v1/machine_pb.ts';
import { ChartStateKind } from '../../../proto/gen/muster/v1/machine_pb.ts';
import { Button, Panel } from '../../ui/page.tsx';
import type { EdgeCounts } from './edge-counts.ts';
import { edgeKey, innerWords, triggerWords } from './machine-words.ts';
import { type Counts, isCounted, type Place, placeOf } from './state-counts.ts';

export function StateList({
  machine: { name, states },
  counts,
  hasPlaces,
}: {
  readonly machine: Machine;
  /** Null where nobody counts them. */
  readonly counts: Counts | null;
  /** What is in a state can be listed. */
  readonly hasPlaces: boolean;
}) {
  return (
    <Panel title="States">
      <ul className="py-1">
        {states.map((state) => {
          const place = hasPlaces ? placeOf(name, state.path) : null;
          const lines = innerWords(state);
          const count = counts?.get(state.path) ?? 0;
          return (
            <li key={state.path} className="px-4 py-1">
              <span className="flex items-baseline gap-2">
                <span className="font-mono text-[13px]">{state.path}</span>
                <span className="text-xs text-soft">
                  {[
                    state.initial ? 'begins here' : '',
                    state.kind === ChartStateKind.FINAL ? 'final' : '',
                    state.kind === ChartStateKind.COMPOUND ? 'has states inside' : '',
                  ]
                    .filter((word) => word !== '')
                    .join(', ')}
                </span>
                <span className="grow" />
                {state.kind === ChartStateKind.COMPOUND ? null : (
                  <Count
                    place={place}
                    count={counts === null || !isCounted(name, state.path) ? null : count}
                  />
                )}
              </span>
              {lines.map((line) => (
                <p key={line} className="pl-3 text-xs text-soft">
                  {line}
                </p>
              ))}
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

/** @param count null where nobody knows it */
function Count({ place, count }: { readonly place: Place | null; readonly count: number | null }) {
  const text = count === null ? '' : count.toLocaleString('en');
  if (place === null) return <span className="tabular-nums">{text}</span>;
  return (
    <Link
      to={place.to}
      search={place.search}
      title={`List ${place.label}`}
      className="text-accent tabular-nums hover:underline"
    >
      {text || 'list'}
    </Link>
  );
}

export function EdgeList({
  machine: { edges },
  counts,
  selected,
  onSelect,
}: {
  readonly machine: Machine;
  /** Null where nobody counts them. */
  readonly counts: EdgeCounts | null;
  readonly selected: string;
  readonly onSelect: (key: string) => void;
}) {
  return (
    <Panel title="Ways">
      <ul className="py-1">
        {edges.map((edge) => {
          const key = edgeKey(edge);
          const events = new Set(edge.triggers.map((trigger) => triggerWords(trigger).when));
          return (
            <li key={key}>
              <button
                type="button"
                aria-pressed={selected === key}
                onClick={() => onSelect(key)}
                className="w-full px-4 py-1 text-left hover:bg-raised aria-pressed:bg-accent-soft"
              >
                <span className="flex gap-2">
                  <span className="grow font-mono text-[13px]">
                    {edge.from} → {edge.to}
                  </span>
                  {counts === null ? null : <Times count={counts.get(key)?.count ?? 0} />}
                </span>
                <span className="block text-xs text-soft">{[...events].join('; ')}</span>
              </button>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

/** How often something was done. */
function Times({ count }: { readonly count: number }) {
  return (
    <span className={`shrink-0 tabular-nums ${count === 0 ? 'text-soft' : ''}`}>
      {count.toLocaleString('en')}×
    </span>
  );
}

export function EdgeDetails({
  edge: { from, to, triggers },
  counts,
  place,
  onClose,
}: {
  readonly edge: ChartEdge;
  readonly counts: EdgeCounts | null;
  /** Where those are listed that it leads to. */
  readonly place: Place | null;
  readonly onClose: () => void;
}) {
  const times = counts?.get(edgeKey({ from, to }))?.events ?? [];
  return (
    <Panel
      className="border-accent"
      title={
        <span className="font-mono text-[13px]">
          {from} → {to}
        </span>
      }
      actions={<Button onClick={onClose}>Close</Button>}
    >
      <ol className="divide-y divide-line" aria-live="polite">
        {triggers.map((trigger, index) => (
          <li key={`${index} ${trigger.event}`} className="px-4 py-2">
            <TriggerInWords trigger={trigger} />
          </li>
        ))}
      </ol>
      {times.length === 0 && place === null ? null : (
        <div className="border-t border-line px-4 py-2 text-soft">
          {times.map(({ event, count }) => (
            <p key={event} className="flex gap-2">
              <span className="grow">taken on {event}</span>
              <Times count={count} />
            </p>
          ))}
          {place === null ? null : (
            <Link to={place.to} search={place.search} className="text-accent hover:underline">
              List {place.label}
            </Link>
          )}
        </div>
      )}
    </Panel>
  );
}

function TriggerInWords({ trigger }: { readonly trigger: ChartTrigger }) {
  const { when, condition, actions } = triggerWords(trigger);
  return (
    <>
      <p>
        <span className="font-medium">{when}</span>
        {condition === '' ? null : (
          <span title={trigger.guard}>
            , <span className="text-live">{condition}</span>
          </span>
        )}
      </p>
      {actions.length === 0 ? (
        <p className="text-xs text-soft">nothing else is done</p>
      ) : (
        <ul className="mt-0.5 pl-4 text-soft">
          {actions.map((action, index) => (
            <li key={action} title={trigger.actions[index]} className="list-disc">
              {action}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
