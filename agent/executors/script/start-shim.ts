/**
 * Starts shim.sh, detached: in a session and a process group of its own, so that it outlives the agent.
 *
 * Used by the script executor. Node throws some failures and emits others, Deno emits all: here all are thrown.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Environment } from './program.ts';

/** The shell that runs the shim: the system's, whatever PATH a script is given. */
export const SHELL = '/bin/sh';
export const SHIM = fileURLToPath(new URL('shim.sh', import.meta.url));

/**
 * Starts `words` under the shim and returns its process, which leads the group.
 *
 * @throws the system's error if there is no process
 */
export async function spawnShim(
  folder: string,
  words: readonly string[],
  cwd: string,
  environment: Environment,
): Promise<{ child: ChildProcess; pid: number }> {
  const child = spawn(SHELL, [SHIM, folder, ...words], {
    cwd,
    env: environment,
    detached: true,
    stdio: 'ignore',
  });
  const { pid } = child;
  if (pid === undefined) {
    const [cause] = (await once(child, 'error').catch((error: unknown) => [error])) as [unknown];
    throw cause;
  }
  child.on('error', () => {
    // Signals go to the group and not through the child, so nothing of interest arrives here.
  });
  child.unref();
  return { child, pid };
}
