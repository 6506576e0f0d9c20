/** How often edges were taken, read again every other second: of one machine, or of all. */
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { useQuery } from '@connectrpc/connect-query';
import {
  type GetMachineCountsResponse,
  MachineService,
} from '../../../proto/gen/muster/v1/machine_service_pb.ts';
import { type EdgeCounts, edgeCountsOf, type Range, rangeMs } from './edge-counts.ts';

const REFRESH_MS = 2_000;

export interface AllEdgeCounts {
  /** By machine; those that nobody counts have no entry. Undefined before they are known. */
  readonly counts: ReadonlyMap<string, EdgeCounts> | undefined;
  readonly error: Error | null;
}

function countsOf({ machines }: GetMachineCountsResponse): ReadonlyMap<string, EdgeCounts> {
  return new Map(machines.map((one) => [one.name, edgeCountsOf(one)]));
}

/** @param name empty for all machines; null to read nothing */
export function useEdgeCounts(name: string | null, range: Range): AllEdgeCounts {
  const { data, error } = useQuery(
    MachineService.method.getMachineCounts,
    { name: name ?? '', window: durationFromMs(rangeMs(range)) },
    { refetchInterval: REFRESH_MS, enabled: name !== null, select: countsOf },
  );
  return { counts: name === null ? undefined : data, error };
}
