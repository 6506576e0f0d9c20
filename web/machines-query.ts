/** The machines with their diagrams, those that run and former ones: they change only with the supervisor, and are read once. */
import { useQuery } from '@tanstack/react-query';
import type { Machine, MachineVersion } from '../proto/gen/muster/v1/machine_pb.ts';
import { machines } from './connection.ts';

const STALE_MS = 10 * 60_000;

export function useMachines() {
  return useQuery({
    queryKey: ['machines'],
    queryFn: async () => (await machines.listMachines({})).machines,
    staleTime: STALE_MS,
  });
}

/** Every definition that ever ran: by name, the one that was seen last first. */
export function useMachineVersions(): readonly MachineVersion[] {
  const { data } = useQuery({
    queryKey: ['machine-versions'],
    queryFn: async () => (await machines.listMachineVersions({})).versions,
    staleTime: STALE_MS,
  });
  return data ?? [];
}

/** A definition that has run, by its hash; empty to read nothing. */
export function useFormerMachine(name: string, hash: string) {
  return useQuery({
    queryKey: ['machines', name, hash],
    queryFn: async () => (await machines.getMachine({ name, version: hash })).machine ?? null,
    staleTime: Number.POSITIVE_INFINITY,
    enabled: hash !== '',
  });
}

/** Undefined while it is read. */
export function useMachine(name: string): Machine | undefined {
  return useMachines().data?.find((machine) => machine.name === name);
}
