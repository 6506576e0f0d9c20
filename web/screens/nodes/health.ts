/** How a node is, in words, icons and colours: whether its agent is there, and whether it takes work. */
import type { Node } from '../../../proto/gen/muster/v1/node_pb.ts';
import { DrainState, NodeState } from '../../../proto/gen/muster/v1/node_pb.ts';

export interface Look {
  readonly icon: string;
  readonly word: string;
  readonly color: string;
}

const UNKNOWN: Look = { icon: '?', word: 'unknown', color: 'text-soft' };

const HEALTH: ReadonlyMap<NodeState, Look> = new Map([
  [NodeState.ONLINE, { icon: '●', word: 'online', color: 'text-good' }],
  [NodeState.UNREACHABLE, { icon: '◌', word: 'unreachable', color: 'text-bad' }],
  [NodeState.OFFLINE, { icon: '○', word: 'offline', color: 'text-soft' }],
]);

const ACTIVE: Look = { icon: '●', word: 'active', color: 'text-good' };

const DRAIN: ReadonlyMap<DrainState, Look> = new Map([
  [DrainState.DRAINING, { icon: '⇣', word: 'draining', color: 'text-warn' }],
  [DrainState.STOPPING, { icon: '■', word: 'stopping', color: 'text-warn' }],
  [DrainState.DRAINED, { icon: '⊘', word: 'drained', color: 'text-warn' }],
]);

/** The words that a filter of nodes knows, the most common first: whether they are connected, and whether they take work. */
export const HEALTH_WORDS: readonly string[] = [...HEALTH.values()].map(({ word }) => word);
export const WORK_WORDS: readonly string[] = [ACTIVE, ...DRAIN.values()].map(({ word }) => word);

export function healthOf({ state }: Pick<Node, 'state'>): Look {
  return HEALTH.get(state) ?? UNKNOWN;
}

/** Null while the node takes work. */
export function drainOf({ drain }: Pick<Node, 'drain'>): Look | null {
  return drain === undefined ? null : (DRAIN.get(drain.state) ?? UNKNOWN);
}

/** The state of the node machine: active, draining, stopping or drained. */
export function nodePathOf(node: Pick<Node, 'drain'>): string {
  return drainOf(node)?.word ?? ACTIVE.word;
}

/** Whether a node is connected, by its word. */
export function healthLookOf(word: string): Look {
  return [...HEALTH.values()].find((look) => look.word === word) ?? { ...UNKNOWN, word };
}

/** A state of the node machine by its word. */
export function nodeLookOf(word: string): Look {
  const looks = [ACTIVE, ...DRAIN.values()];
  return looks.find((look) => look.word === word) ?? { ...UNKNOWN, word };
}
