/**
 * Running a script as another user of the host. Used by the script executor; only an agent that is root can do it.
 *
 * The parent in shim.sh stays root, so that the user cannot touch what it records; util-linux's setpriv then takes on the user's
 * ids and groups and becomes the program, in the same process.
 */
import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';
import { CannotStart } from './cannot-start.ts';
import { type Environment, findProgram } from './program.ts';

export interface HostUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
  /** The words to put before a program so that it runs as this user. */
  readonly become: readonly string[];
}

const run = promisify(execFile);

/**
 * Returns the user to change to, or null when the agent runs as that user anyway.
 *
 * @param environment the agent's own: a script has no say in which setpriv root runs
 * @throws CannotStart if there is no such user, or the agent may not become it
 */
export async function findUser(
  name: string,
  environment: Environment,
  nodeId: string,
): Promise<HostUser | null> {
  const self = userInfo();
  if (name === '' || name === self.username) return null;
  if (self.uid !== 0) {
    throw new CannotStart(
      `cannot run as user ${name} on node ${nodeId}: its agent runs as ${self.username}, and only root can change the user`,
    );
  }
  const { stdout } = await run('getent', ['passwd', name]).catch(() => ({ stdout: '' }));
  const [found, , uid, gid, , home, shell] = stdout.trim().split(':');
  if (found !== name || uid === undefined || gid === undefined) {
    throw new CannotStart(`user ${name} does not exist on node ${nodeId}`);
  }
  const setpriv = await findSetpriv(environment);
  if (setpriv === null) {
    throw new CannotStart(
      `cannot run as user ${name} on node ${nodeId}: the program setpriv (package util-linux) is not installed there`,
    );
  }
  return {
    name,
    uid: Number(uid),
    gid: Number(gid),
    home: home || '/',
    shell: shell || '/bin/sh',
    become: [setpriv, '--reuid', uid, '--regid', gid, '--init-groups', '--'],
  };
}

/** BusyBox has a setpriv too, which cannot change the user. */
async function findSetpriv(environment: Environment): Promise<string | null> {
  const path = findProgram('setpriv', environment);
  if (path === null) return null;
  const { stdout } = await run(path, ['--version']).catch(() => ({ stdout: '' }));
  return stdout.includes('util-linux') ? path : null;
}
