/** What stands in a definition, in words: events, conditions and actions. Pure. */
import type {
  ChartEdge,
  ChartState,
  ChartTrigger,
} from '../../../proto/gen/muster/v1/machine_pb.ts';

/** Says what each machine is, in a sentence. */
const MEANINGS: Readonly<Record<string, string>> = {
  task: 'One action on one node, from the wish to its one final state.',
  fan_out: 'One action on many nodes: a task for each, at most so many at once.',
  schedule: 'Makes tasks at given times.',
  node: 'Whether a host takes work, as its operators wish.',
  session: "An agent's connection to its supervisor, as the agent sees it.",
  worker: "One slot of an agent's pool, or one command that the agent keeps alive.",
};

export function meaningOf(name: string): string {
  return MEANINGS[name] ?? '';
}

/** isStopAsked as `is stop asked`; endsAs completed stays as it is but for its case. */
export function wordsOf(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase();
}

export interface TriggerWords {
  /** For example: on attempt.exited; at once. */
  readonly when: string;
  /** For example: if it is over and stops. Empty for always. */
  readonly condition: string;
  /** For example: record the failure. */
  readonly actions: readonly string[];
}

export function triggerWords({ event, guard, actions }: ChartTrigger): TriggerWords {
  return {
    when: event === '' ? 'at once' : `on ${event}`,
    condition: guard === '' ? '' : `if ${wordsOf(guard)}`,
    actions: actions.map(wordsOf),
  };
}

/** Names an edge in the URL, as the diagram does. */
export function edgeKey({ from, to }: Pick<ChartEdge, 'from' | 'to'>): string {
  return `${from}>${to}`;
}

/** What a state does by itself, a line for each: on the way in, and without being left. */
export function innerWords({ entry, inner }: Pick<ChartState, 'entry' | 'inner'>): string[] {
  const way = entry.length === 0 ? [] : [`on the way in: ${entry.map(wordsOf).join(', ')}`];
  const stays = inner.map((trigger) => {
    const { when, condition, actions } = triggerWords(trigger);
    const done = actions.length === 0 ? 'nothing changes' : actions.join(', ');
    return [when, condition].filter((part) => part !== '').join(', ') + `: ${done}`;
  });
  return [...way, ...stays];
}
