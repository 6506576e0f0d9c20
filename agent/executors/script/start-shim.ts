/**
 * Starts shim.sh as a child of the agent, detached: in a session and a process group of its own, so that it outlives the agent.
 *
 * The way without a starter. Node throws some failures and emits others, Deno emits all: here all are thrown.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Environment } from './program.ts';

/** The shell that runs the shim: the system's, whatever PATH a script is given. */
export const SHELL = '/bin/sh';
export const SHIM = fileURLToPath(new URL('shim.sh', import.meta.url));

export interface StartedShim {
  readonly pid: number;
  /** Resolves with the shim's own exit status, 128 + n for signal n, or with null when nobody can tell. */
  readonly ended: Promise<number | null>;
}

/** @throws the system's error if there is no process */
export async function startShim(folder: string, environment: Environment): Promise<StartedShim> {
  const child = spawn(SHELL, [SHIM, folder], {
    env: environment,
    cwd: '/',
    detached: true,
    stdio: 'ignore',
  });
  const { pid } = child;
  if (pid === undefined) {
    const [cause] = (await once(child, 'error').catch((error: unknown) => [error])) as [unknown];
    throw cause;
  }
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', (code, signal) =>
      resolve(signal === null ? code : 128 + constants.signals[signal]),
    );
  });
  child.on('error', () => {
    // Signals go to the group and not through the child, so nothing of interest arrives here.
  });
  child.unref();
  return { pid, ended };
}
