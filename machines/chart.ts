/**
 * A machine as a chart: its states and the edges between them, read from the definition that runs.
 *
 * All transitions from one state to another are one edge with several triggers, because that is how people read a diagram. Pure;
 * layout.ts gives a chart its places, and nothing here knows which machines there are.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';

/** What makes a transition. */
export interface Trigger {
  /** For example attempt.exited; empty for one that is taken at once. */
  readonly event: string;
  /** The condition, with its parameters; empty for none. */
  readonly guard: string;
  /** Changes of the context and effects, in order. */
  readonly actions: readonly string[];
}

export interface ChartState {
  /** Dotted path, for example running.executing. */
  readonly path: string;
  readonly name: string;
  /** Path of the state around it; empty at the top. */
  readonly parent: string;
  readonly kind: 'atomic' | 'compound' | 'final';
  /** It is where its parent begins. */
  readonly isInitial: boolean;
  /** What is done on the way in. */
  readonly entry: readonly string[];
  /** What it reacts to without leaving. */
  readonly inner: readonly Trigger[];
}

export interface ChartEdge {
  /** Paths. From a compound state it leads out of every state inside. */
  readonly from: string;
  readonly to: string;
  readonly triggers: readonly Trigger[];
}

export interface Chart {
  readonly name: string;
  readonly version: string;
  readonly states: readonly ChartState[];
  readonly edges: readonly ChartEdge[];
}

/** Reads the chart of a machine. States are listed before those inside them, in the order of the definition. */
export function chartOf(machine: AnyStateMachine): Chart {
  const states: ChartState[] = [];
  const edges = new Map<string, { from: string; to: string; triggers: Trigger[] }>();
  const visit = (node: AnyStateNode) => {
    const path = pathOf(node);
    const inner: Trigger[] = [];
    for (const { event, transition } of transitionsOf(node)) {
      const trigger = {
        event,
        guard: guardText(transition.guard),
        actions: transition.actions.map(actionText),
      };
      const targets = transition.target ?? [];
      if (targets.length === 0) inner.push(trigger);
      for (const to of targets.map(pathOf)) {
        for (const from of sourcesOf(node, to)) {
          const edge = edges.get(`${from}>${to}`) ?? { from, to, triggers: [] };
          edge.triggers.push(trigger);
          edges.set(`${from}>${to}`, edge);
        }
      }
    }
    if (path !== '') states.push({ ...stateOf(node, path), inner });
    for (const child of Object.values(node.states)) visit(child);
  };
  visit(machine.root);
  return {
    name: machine.id,
    version: machine.version ?? '',
    states,
    edges: [...edges.values()],
  };
}

/** Where an edge of a node begins. That of the machine itself, which is no state of the chart, leads out of each state at the top. */
function sourcesOf(node: AnyStateNode, to: string): string[] {
  if (node.parent !== undefined) return [pathOf(node)];
  const left = Object.values(node.states).filter(({ type }) => type !== 'final');
  return left.map(pathOf).filter((path) => path !== to);
}

/** What of an edge is looked at; the message of an edge in the API has it as well. */
interface EdgeShape {
  readonly from: string;
  readonly to: string;
  readonly triggers: readonly { readonly event: string }[];
}

/** A committed step, by the paths of its states; `from` is empty for a creation. */
export interface ChartStep {
  readonly from: string;
  readonly to: string;
  readonly event: string;
}

/**
 * Finds the edge that a committed step has taken, or null where it stayed in its state, or began in it without a choice.
 *
 * An edge of a state around counts for what is inside; the one that is named by the event, and the innermost of those, is taken.
 */
export function edgeOfStep<Edge extends EdgeShape>(
  chart: { readonly edges: readonly Edge[] },
  step: ChartStep,
): Edge | null {
  let best: Edge | null = null;
  let bestScore = -1;
  for (const edge of chart.edges) {
    if (step.to !== edge.to || !canLeave(step, edge)) continue;
    const score = edge.from.length;
    if (score > bestScore) {
      best = edge;
      bestScore = score;
    }
  }
  return best;
}

/** A creation goes through the choice in which a machine begins, which is left at once. */
function canLeave({ from, event }: ChartStep, edge: EdgeShape): boolean {
  if (from === '') return edge.triggers.some((trigger) => trigger.event === '');
  return isWithin(from, edge.from) && edge.triggers.some((trigger) => trigger.event === event);
}

function isWithin(path: string, around: string): boolean {
  return path === around || path.startsWith(`${around}.`);
}

function stateOf(node: AnyStateNode, path: string): Omit<ChartState, 'inner'> {
  const { parent } = node;
  return {
    path,
    name: node.key,
    parent: parent === undefined ? '' : pathOf(parent),
    kind: node.type === 'final' ? 'final' : node.type === 'atomic' ? 'atomic' : 'compound',
    isInitial: parent?.initial?.target?.includes(node) === true,
    entry: node.entry.map(actionText),
  };
}

function* transitionsOf(node: AnyStateNode) {
  for (const transition of node.always ?? []) yield { event: '', transition };
  for (const [event, transitions] of node.transitions) {
    for (const transition of transitions) yield { event, transition };
  }
}

function pathOf(node: AnyStateNode): string {
  return node.path.join('.');
}

/** A guard is named, or named with parameters: `endsAs completed`. */
function guardText(guard: unknown): string {
  if (guard === undefined) return '';
  if (typeof guard === 'string') return guard;
  const { type = 'condition', params } = guard as { type?: string; params?: unknown };
  if (params === null || typeof params !== 'object') return type;
  return [type, ...Object.values(params).map(String)].join(' ');
}

function actionText(action: unknown): string {
  if (typeof action === 'string') return action;
  return (action as { type?: string }).type ?? 'action';
}
