/** How often edges were taken, read again every other second: of one machine, or of all. */
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { useQuery } from '@tanstack/react-query';
import { machines } from '../../connection.ts';
import { type EdgeCounts, edgeCountsOf, type Range, rangeMs } from './edge-counts.ts';

const REFRESH_MS = 2_000;

export interface AllEdgeCounts {
  /** By machine; those that nobody counts have no entry. Undefined before they are known. */
  readonly counts: ReadonlyMap<string, EdgeCounts> | undefined;
  readonly error: Error | null;
}

/** @param name empty for all machines; null to read nothing */
export function useEdgeCounts(name: string | null, range: Range): AllEdgeCounts {
  const { data, error } = useQuery({
    queryKey: ['machine-counts', name, range],
    queryFn: async () => {
      const window = durationFromMs(rangeMs(range));
      const answer = await machines.getMachineCounts({ name: name ?? '', window });
      return new Map(answer.machines.map((one) => [one.name, edgeCountsOf(one)]));
    },
    refetchInterval: REFRESH_MS,
    enabled: name !== null,
  });
  return { counts: name === null ? undefined : data, error };
}
