/** The definitions of a machine that ran, in words. Pure. */
import type { MachineVersion } from '../../../proto/gen/muster/v1/machine_pb.ts';

/** Characters of a hash in the URL: enough to be the only one. */
const HASH_SHOWN = 12;

/** Names a definition in the URL: its version may be that of another one day, its hash never is. */
export function versionKey({ hash }: Pick<MachineVersion, 'hash'>): string {
  return hash.slice(0, HASH_SHOWN);
}

/** Finds the definition that a URL names; undefined for none, or where it names none. */
export function versionAt<Version extends Pick<MachineVersion, 'hash' | 'version' | 'running'>>(
  versions: readonly Version[],
  key: string,
): Version | undefined {
  if (key === '') return undefined;
  const named = versions.filter(({ version }) => version === key);
  const byVersion = named.find(({ running }) => running) ?? named[0];
  return byVersion ?? versions.find(({ hash }) => hash.startsWith(key.toLowerCase()));
}

/** Returns what a definition is called: `version 2`, with its hash where that is not enough. */
export function versionWords(
  one: Pick<MachineVersion, 'hash' | 'version'>,
  all: readonly Pick<MachineVersion, 'version'>[],
): string {
  const isOnly = all.filter(({ version }) => version === one.version).length <= 1;
  const name = one.version === '' ? 'definition' : `version ${one.version}`;
  return isOnly && one.version !== '' ? name : `${name} (${versionKey(one)})`;
}
