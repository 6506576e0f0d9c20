/** The machines with their diagrams, those that run and former ones: they change only with the supervisor, and are read once. */
import { useQuery } from '@connectrpc/connect-query';
import type { Machine, MachineVersion } from '../proto/gen/muster/v1/machine_pb.ts';
import {
  type GetMachineResponse,
  type ListMachinesResponse,
  type ListMachineVersionsResponse,
  MachineService,
} from '../proto/gen/muster/v1/machine_service_pb.ts';

const STALE_MS = 10 * 60_000;
const { method } = MachineService;

export function useMachines() {
  const select = ({ machines }: ListMachinesResponse) => machines;
  return useQuery(method.listMachines, {}, { staleTime: STALE_MS, select });
}

/** Every definition that ever ran: by name, the one that was seen last first. */
export function useMachineVersions(): readonly MachineVersion[] {
  const select = ({ versions }: ListMachineVersionsResponse) => versions;
  const { data } = useQuery(method.listMachineVersions, {}, { staleTime: STALE_MS, select });
  return data ?? [];
}

/** A definition that has run, by its hash; empty to read nothing. */
export function useFormerMachine(name: string, hash: string) {
  return useQuery(
    method.getMachine,
    { name, version: hash },
    {
      staleTime: Number.POSITIVE_INFINITY,
      enabled: hash !== '',
      select: ({ machine }: GetMachineResponse) => machine ?? null,
    },
  );
}

/** Undefined while it is read. */
export function useMachine(name: string): Machine | undefined {
  return useMachines().data?.find((machine) => machine.name === name);
}
