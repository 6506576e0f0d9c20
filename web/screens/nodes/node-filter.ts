/**
 * Which nodes a filter shows, and in which order. Pure.
 *
 * The text is words, all of which must be found: role=web asks for a label and its value, role= for a label with any, anything else
 * is looked for in the id, the host's name, its addresses, platform and versions, and in the labels. States are of two kinds, whether a node
 * is connected and whether it takes work: of a kind of which any is asked for, a node must have one of them.
 */
import type { Node } from '../../../proto/gen/muster/v1/node_pb.ts';
import { HEALTH_WORDS, healthOf, nodePathOf, WORK_WORDS } from './health.ts';

export interface NodeFilter {
  readonly text: string;
  /** Of HEALTH_WORDS and WORK_WORDS. */
  readonly states: readonly string[];
}

export const SORTS = ['id', 'busy', 'cpu', 'memory', 'disk', 'load', 'seen'] as const;
export type Sort = (typeof SORTS)[number];

/** Reads the states of the URL: online,draining. What is none is left out. */
export function readStates(text: string): readonly string[] {
  const given = text.split(',');
  return [...HEALTH_WORDS, ...WORK_WORDS].filter((word) => given.includes(word));
}

/** The states of the URL with one more, or without one that is there. */
export function toggleState(text: string, word: string): string {
  const states = readStates(text);
  const next = states.includes(word) ? states.filter((one) => one !== word) : [...states, word];
  return readStates(next.join(',')).join(',');
}

function isIn(word: string, states: readonly string[], kind: readonly string[]): boolean {
  return states.includes(word) || !states.some((state) => kind.includes(state));
}

export function matches(node: Node, { text, states }: NodeFilter): boolean {
  if (!isIn(healthOf(node).word, states, HEALTH_WORDS)) return false;
  if (!isIn(nodePathOf(node), states, WORK_WORDS)) return false;
  const words = text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((word) => word !== '');
  return words.every((word) => matchesWord(node, word));
}

function matchesWord(node: Node, word: string): boolean {
  const labels = Object.entries(node.labels).map(([key, value]) => `${key}=${value}`.toLowerCase());
  if (/^[^=]+=$/.test(word)) return labels.some((label) => label.startsWith(word));
  if (word.includes('=')) return labels.includes(word);
  const { facts } = node;
  const texts = [
    node.id,
    facts?.hostname ?? '',
    ...(facts?.addresses ?? []),
    `${facts?.os ?? ''}/${facts?.arch ?? ''}`,
    facts?.agentVersion ?? '',
    ...labels,
  ];
  return texts.some((one) => one.toLowerCase().includes(word));
}

/** Reads a sort of the URL: cpu, or -cpu for the largest first. By id where it is unknown. */
export function readSort(text: string): { readonly sort: Sort; readonly isDown: boolean } {
  const isDown = text.startsWith('-');
  const sort = SORTS.find((one) => one === text.replace(/^-/, '')) ?? 'id';
  return { sort, isDown };
}

/** Share from 0 to 1, or null where nothing is known. */
export function shareOf(used: bigint | undefined, total: bigint | undefined): number | null {
  if (used === undefined || total === undefined || total <= 0n) return null;
  return Number(used) / Number(total);
}

const VALUES: Readonly<Record<Exclude<Sort, 'id'>, (node: Node) => number | null>> = {
  busy: ({ active, slots }) => active / Math.max(slots, 1),
  cpu: ({ metrics }) => metrics?.cpuShare ?? null,
  memory: ({ metrics }) => shareOf(metrics?.memoryUsedBytes, metrics?.memoryTotalBytes),
  disk: ({ metrics }) => shareOf(metrics?.diskUsedBytes, metrics?.diskTotalBytes),
  load: ({ metrics }) => metrics?.load1 ?? null,
  seen: ({ lastSeenAt }) => (lastSeenAt === undefined ? null : Number(lastSeenAt.seconds)),
};

/** web-2 stands before web-10. Made once: it is what makes sorting thousands quick. */
const collator = new Intl.Collator('en', { numeric: true });

/** Compares for a sort; nodes of which nothing is known stand last, whatever the direction. */
export function compareNodes(text: string): (a: Node, b: Node) => number {
  const { sort, isDown } = readSort(text);
  const sign = isDown ? -1 : 1;
  const byId = (a: Node, b: Node) => collator.compare(a.id, b.id);
  if (sort === 'id') return (a, b) => sign * byId(a, b);
  const value = VALUES[sort];
  return (a, b) => {
    const [left, right] = [value(a), value(b)];
    if (left === null || right === null) {
      return left === right ? byId(a, b) : left === null ? 1 : -1;
    }
    return sign * (left - right) || byId(a, b);
  };
}
