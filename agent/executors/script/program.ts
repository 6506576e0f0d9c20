/**
 * Finds programs by name, as execvp(3) does. Used by the script executor before it starts anything.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** The environment of a process. */
export type Environment = Readonly<Record<string, string>>;

/** What the system takes when there is no PATH. */
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';

/** Returns the absolute path of a program, or null. A name with a slash is taken from `cwd`, as it stands. */
export function findProgram(name: string, environment: Environment, cwd = '/'): string | null {
  if (name.includes('/')) {
    const path = resolve(cwd, name);
    return isProgram(path) ? path : null;
  }
  const folders = (environment.PATH ?? DEFAULT_PATH).split(delimiter);
  const paths = folders.map((folder) => join(resolve(cwd, folder), name));
  return paths.find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  // Most places of a PATH hold no such file; asking this way costs no exception.
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
