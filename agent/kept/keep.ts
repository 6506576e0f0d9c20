/**
 * What `--keep` may say: NAME=COMMAND, or NAME[POLICY]=COMMAND. Read by config.ts, carried out by kept-worker.ts.
 */

/** When a kept command that has ended is started again. */
export const KEEP_POLICIES = ['always', 'on-failure', 'never'] as const;

export type KeepPolicyName = (typeof KEEP_POLICIES)[number];

/** A command that the agent keeps alive. */
export interface Keep {
  /** Unique among the workers of the node. */
  readonly name: string;
  readonly policy: KeepPolicyName;
  /** A line for sh. */
  readonly command: string;
}

/** All of one agent. */
export const MAX_KEEPS = 64;
export const MAX_COMMAND_BYTES = 16_384;

const FLAG = /^([^=[\]]*)(?:\[([^\]]*)\])?=(.*)$/s;
const NAME = /^[a-z0-9]([-a-z0-9_.]{0,61}[a-z0-9])?$/;
const SLOT_NAME = /^slot-\d+$/;

/** Reads all `--keep` flags. Each fault is added to `faults`, as a part of a sentence. */
export function readKeeps(flags: readonly string[], faults: string[]): readonly Keep[] {
  const keeps = new Map<string, Keep>();
  for (const flag of flags) {
    const [, name = '', policy = 'always', command = ''] = FLAG.exec(flag) ?? [];
    const policyName = KEEP_POLICIES.find((one) => one === policy);
    const fault = faultOf(name, policyName, command);
    if (fault !== null) faults.push(`--keep ${JSON.stringify(shortened(flag))}: ${fault}`);
    else if (keeps.has(name)) faults.push(`--keep: there are two commands named ${name}`);
    keeps.set(name, { name, policy: policyName ?? 'always', command: command.trim() });
  }
  if (keeps.size > MAX_KEEPS) {
    faults.push(`there are ${keeps.size} --keep flags; there can be ${MAX_KEEPS}`);
  }
  return Object.freeze([...keeps.values()]);
}

function faultOf(name: string, policy: KeepPolicyName | undefined, command: string): string | null {
  if (!NAME.test(name)) {
    return `it must be like exporter=COMMAND or exporter[on-failure]=COMMAND; a name has 1 to 63 small letters, digits, '-', '_' and '.', with a letter or digit at both ends`;
  }
  if (SLOT_NAME.test(name)) return `the name ${name} is that of a slot; take another one`;
  if (policy === undefined) return `the policy must be one of ${KEEP_POLICIES.join(', ')}`;
  if (command.trim() === '') return 'it has no command';
  if (command.includes('\0')) return 'a command has no NUL character';
  const bytes = Buffer.byteLength(command);
  if (bytes > MAX_COMMAND_BYTES) {
    return `the command has ${bytes} bytes; there can be ${MAX_COMMAND_BYTES}`;
  }
  return null;
}

function shortened(flag: string): string {
  return flag.length > 60 ? `${flag.slice(0, 60)}…` : flag;
}
