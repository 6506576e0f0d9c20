/**
 * The machines of a StubSupervisor: one of two states, which has run in this form only and has never made a step.
 */
import type { Machines } from '../../supervisor/supervisor.ts';

const KETTLE = {
  machine: 'kettle',
  version: '1',
  hash: 'a'.repeat(64),
  json: JSON.stringify({
    id: 'kettle',
    initial: 'idle',
    states: { idle: { on: { HEAT: 'hot' } }, hot: {} },
  }),
};

/** @param called is told of each call, and throws where it is to fail */
export function stubMachines(called: (name: string, ...args: unknown[]) => void): Machines {
  return {
    async stepCounts(machines, windowMs) {
      called('stepCounts', machines, windowMs);
      return [];
    },
    async versions(machine) {
      called('machineVersions', machine);
      const { json: _, ...version } = KETTLE;
      return [{ ...version, firstSeenAt: 0 }];
    },
    async definition(machine, version) {
      called('machineDefinition', machine, version);
      return KETTLE;
    },
  };
}
