/** The machines with their diagrams: they change only with the supervisor, and are read once. */
import { useQuery } from '@tanstack/react-query';
import type { Machine } from '../proto/gen/muster/v1/machine_pb.ts';
import { machines } from './connection.ts';

export function useMachines() {
  return useQuery({
    queryKey: ['machines'],
    queryFn: async () => (await machines.listMachines({})).machines,
    staleTime: 10 * 60_000,
  });
}

/** Undefined while it is read. */
export function useMachine(name: string): Machine | undefined {
  return useMachines().data?.find((machine) => machine.name === name);
}
