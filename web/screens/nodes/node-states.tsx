/** One switch for each state of nodes: whether they are connected, and beside it whether they take work. */
import type { Node } from '../../../proto/gen/muster/v1/node_pb.ts';
import { LookBadge } from './health-badge.tsx';
import {
  HEALTH_WORDS,
  healthLookOf,
  healthOf,
  type Look,
  nodeLookOf,
  nodePathOf,
  WORK_WORDS,
} from './health.ts';
import { readStates, toggleState } from './node-filter.ts';

interface NodeStatesProps {
  /** As the address has it. */
  readonly state: string;
  readonly nodes: Iterable<Node>;
  readonly onChange: (state: string) => void;
}

export function NodeStates({ state, nodes, onChange }: NodeStatesProps) {
  const counts = new Map<string, number>();
  for (const node of nodes) {
    for (const word of [healthOf(node).word, nodePathOf(node)]) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  const chosen = readStates(state);
  const switchOf = (look: Look) => (
    <Switch
      key={look.word}
      look={look}
      count={counts.get(look.word) ?? 0}
      isOn={chosen.includes(look.word)}
      onClick={() => onChange(toggleState(state, look.word))}
    />
  );
  return (
    <>
      <Switches legend="Connected">{HEALTH_WORDS.map(healthLookOf).map(switchOf)}</Switches>
      <Switches legend="Takes work">{WORK_WORDS.map(nodeLookOf).map(switchOf)}</Switches>
    </>
  );
}

function Switches({
  legend,
  children,
}: {
  readonly legend: string;
  readonly children: React.ReactNode;
}) {
  return (
    <fieldset className="flex max-w-full min-w-0 overflow-x-auto rounded-lg border border-line bg-panel">
      <legend className="sr-only">{legend}</legend>
      {children}
    </fieldset>
  );
}

function Switch({
  look,
  count,
  isOn,
  onClick,
}: {
  readonly look: Look;
  readonly count: number;
  readonly isOn: boolean;
  readonly onClick: () => void;
}) {
  return (
    <button
      type="button"
      aria-pressed={isOn}
      onClick={onClick}
      className={`border-r border-line px-2.5 py-1.5 whitespace-nowrap last:border-0 hover:bg-raised ${isOn ? 'bg-accent-soft font-medium' : ''}`}
    >
      <LookBadge look={look} />
      <span className="ml-1.5 text-xs text-soft tabular-nums">{count}</span>
    </button>
  );
}
