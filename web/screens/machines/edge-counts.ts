/** How often the edges of a machine were taken of late. Pure. */
import type { Machine, MachineCounts } from '../../../proto/gen/muster/v1/machine_pb.ts';
import { edgeKey } from './machine-words.ts';
import { type Place, placeOf } from './state-counts.ts';

/** How far back is counted, as it stands in the URL. */
export const RANGES = ['1h', '24h'] as const;
export type Range = (typeof RANGES)[number];

/** Reads the range of a URL; the first where there is none. */
export function rangeOf(text: string | undefined): Range {
  return RANGES.find((one) => one === text) ?? RANGES[0];
}

export function rangeMs(range: Range): number {
  return Number.parseInt(range, 10) * 3_600_000;
}

/** How often one edge was taken, in all and by each of its events. */
export interface TakenEdge {
  readonly count: number;
  readonly events: readonly { readonly event: string; readonly count: number }[];
}

/** By edge, as `edgeKey` names it; one that was not taken has no entry. */
export type EdgeCounts = ReadonlyMap<string, TakenEdge>;

export function edgeCountsOf({ edges }: Pick<MachineCounts, 'edges'>): EdgeCounts {
  const counts = new Map<string, TakenEdge>();
  for (const { from, to, event, count } of edges) {
    const key = edgeKey({ from, to });
    const former = counts.get(key);
    counts.set(key, {
      count: (former?.count ?? 0) + Number(count),
      events: [...(former?.events ?? []), { event, count: Number(count) }],
    });
  }
  return counts;
}

/** What the diagram draws: how often each edge was taken, by its index, and that in few characters. */
export function visitsOf(
  { edges }: Pick<Machine, 'edges'>,
  counts: EdgeCounts,
): { readonly visits: ReadonlyMap<number, number>; readonly marks: ReadonlyMap<number, string> } {
  const taken = edges.flatMap((edge, index) => {
    const count = counts.get(edgeKey(edge))?.count ?? 0;
    return count === 0 ? [] : [[index, count] as const];
  });
  return {
    visits: new Map(taken),
    marks: new Map(taken.map(([index, count]) => [index, shortCount(count)])),
  };
}

const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** Returns a count as it is, or from 10,000 on in three digits or so: 12.3K. */
export function shortCount(count: number): string {
  return count < 10_000 ? count.toLocaleString('en') : SHORT.format(count);
}

/** Returns where those are listed that an edge leads to; tasks among those that were created within the range. */
export function placeBehind(machine: string, to: string, range: Range): Place | null {
  const place = placeOf(machine, to);
  if (place?.to !== '/tasks') return place;
  return {
    to: place.to,
    search: { ...place.search, since: range },
    label: `${place.label}, created ${rangeWords(range)}`,
  };
}

/** For example: in the last hour. */
export function rangeWords(range: Range): string {
  return range === '1h' ? 'in the last hour' : `in the last ${range.replace('h', ' h')}`;
}
