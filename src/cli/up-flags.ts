/**
 * What the flags of `muster up` ask for.
 */
import type { UpFlags } from '../up.ts';
import { UsageFault } from './fault.ts';
import { type Environment, findHome, serviceHome } from './home.ts';
import { parseInteger } from './pairs.ts';
import { quote } from './table.ts';

/** As they were given. */
export interface GivenUpFlags {
  readonly agents: string;
  readonly port: string;
  readonly data?: string;
  readonly handlers?: string;
}

/** @throws UsageFault for what cannot be read */
export function readUpFlags(
  given: GivenUpFlags,
  environment: Environment,
  currentFolder: string,
): UpFlags {
  const home = serviceHome(given.data, environment, currentFolder);
  // Whoever tries the next command may do so in another shell.
  const isFound = home === findHome({}, currentFolder);
  return {
    agents: readWithin(given.agents, '--agents', 0, 64),
    port: readWithin(given.port, '--port', 1, 65_535),
    home,
    handlers: given.handlers ?? null,
    muster: isFound ? './muster' : `MUSTER_HOME=${quote(home)} ./muster`,
  };
}

function readWithin(text: string, flag: string, least: number, most: number): number {
  const value = parseInteger(text, flag);
  if (value >= least && value <= most) return value;
  throw new UsageFault(`${flag}: ${text} is not from ${least} to ${most}`);
}
