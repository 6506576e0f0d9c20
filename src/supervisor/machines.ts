/**
 * What can be asked about the machines: the part of the supervisor that MachineService speaks to.
 *
 * A supervisor keeps the definitions that it runs when it starts, so that those of former programs can be looked at later.
 */
import { createHash } from 'node:crypto';
import {
  listMachineVersions,
  type MachineDefinition,
  type MachineVersion,
  readMachineDefinition,
  storeMachineVersions,
} from '../../db/machine-versions.ts';
import { MACHINES } from '../../machines/catalog.ts';
import { definitionJsonOf } from '../../machines/definition.ts';
import { MusterError } from '../../machines/errors.ts';
import type { StepCounter } from './step-counter.ts';
import type { Store } from './store.ts';
import type { Machines } from './supervisor.ts';

/** The machines whose steps supervisors commit; the others live in agents. */
export const COUNTED_MACHINES: readonly string[] = ['task', 'fan_out', 'schedule', 'node'];

/** The definitions that run here, in the order in which people think of them. */
export const RUNNING_DEFINITIONS: readonly MachineDefinition[] = Array.from(
  MACHINES.values(),
  (machine) => {
    const json = definitionJsonOf(machine);
    const hash = createHash('sha256').update(json).digest('hex');
    return { machine: machine.id, version: machine.version ?? '', hash, json };
  },
);

/** Keeps the definitions that run here. */
export async function keepRunningDefinitions(store: Pick<Store, 'read'>): Promise<void> {
  await store.read((sql) => storeMachineVersions(sql, RUNNING_DEFINITIONS));
}

export function createMachineActions(
  store: Pick<Store, 'read'>,
  counter: Pick<StepCounter, 'read'>,
): Machines {
  return {
    stepCounts: (machines, windowMs) => counter.read(machines, windowMs),
    versions: (machine) => store.read((sql) => listMachineVersions(sql, machine)),
    async definition(machine, word) {
      const running = runningDefinition(machine);
      if (word === '') return running;
      const versions = await store.read((sql) => listMachineVersions(sql, machine));
      const { version, hash } = chooseVersion(machine, versions, word, running.hash);
      if (hash === running.hash) return running;
      const json = await store.read((sql) => readMachineDefinition(sql, machine, hash));
      if (json === null) throw unknownVersion(machine, versions, word);
      return { machine, version, hash, json };
    },
  };
}

function runningDefinition(name: string): MachineDefinition {
  const found = RUNNING_DEFINITIONS.find(({ machine }) => machine === name);
  if (found !== undefined) return found;
  const names = RUNNING_DEFINITIONS.map(({ machine }) => machine).join(', ');
  throw new MusterError('unknown_machine', `There is no machine ${name}; there is ${names}`);
}

/**
 * Finds what a version means: that of a definition, or the beginning of its hash. Of several with the same version it is the one
 * that runs, else the one that was seen last.
 *
 * @param versions of one machine, the one that was seen last first
 */
function chooseVersion(
  machine: string,
  versions: readonly MachineVersion[],
  word: string,
  runningHash: string,
): MachineVersion {
  const named = versions.filter(({ version }) => version === word);
  const [first] = named;
  if (first !== undefined) return named.find(({ hash }) => hash === runningHash) ?? first;
  const [byHash, other] = versions.filter(({ hash }) => hash.startsWith(word));
  if (byHash === undefined) throw unknownVersion(machine, versions, word);
  if (other === undefined) return byHash;
  throw new MusterError(
    'invalid_argument',
    `Cannot choose a version of the machine ${machine}: the hashes of several begin with ${word}; write more of it`,
  );
}

function unknownVersion(
  machine: string,
  versions: readonly MachineVersion[],
  word: string,
): MusterError {
  const known = versions.map(({ version, hash }) => `${version || 'one'} (${hash.slice(0, 12)})`);
  return new MusterError(
    'unknown_machine',
    `There is no version ${word} of the machine ${machine}; there is ${known.join(', ')}`,
  );
}
