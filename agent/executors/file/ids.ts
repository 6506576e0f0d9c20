/**
 * Users and groups of the host, names to numbers and back. Used by the worker of file actions.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { codeOf, FileFailure } from './failure.ts';

export type IdKind = 'user' | 'group';

const DATABASES: Readonly<Record<IdKind, string>> = { user: 'passwd', group: 'group' };

/** @throws FileFailure if the host knows no such name */
export function idOf(kind: IdKind, name: string): number {
  if (/^\d+$/.test(name)) return Number(name);
  const id = lookUp(kind, name)?.[2];
  if (id === undefined) throw new FileFailure(`there is no ${kind} ${name} on this host`);
  return Number(id);
}

/** Returns the name of a number, or the number where it has none. */
export function nameOfId(kind: IdKind, id: number): string {
  return lookUp(kind, String(id))?.[0] || String(id);
}

/** The fields of the line about a name or a number. */
function lookUp(kind: IdKind, key: string): string[] | undefined {
  const lines = readLines(kind, key).map((line) => line.split(':'));
  return lines.find(([name, , id]) => name === key || id === key);
}

function readLines(kind: IdKind, key: string): string[] {
  try {
    const answer = execFileSync('getent', [DATABASES[kind], key], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return answer.split('\n');
  } catch (cause) {
    // It leaves with 2 for a name that it does not know. A host without it has its users in files.
    if (codeOf(cause) !== 'ENOENT') return [];
    return readFileSync(`/etc/${DATABASES[kind]}`, 'utf8').split('\n');
  }
}
