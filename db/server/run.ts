// Runs one short command to its end, as another user where asked. Called by the files of this folder only.
// A command that cannot be started at all is a result like any other (Node reports it by an event, Deno by a throw).

import { spawn } from 'node:child_process';

/** The user the server runs as; chosen by user.ts. */
export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** True when the caller is root and every PostgreSQL program must be started under this uid. */
  readonly isSwitched: boolean;
}

/** What a finished command left. `code` is null when it was killed or could not be started. */
export interface RunResult {
  readonly code: number | null;
  readonly stdout: string;
  /** Standard error, or the reason why the command could not be started. */
  readonly stderr: string;
}

/** The whole environment of every PostgreSQL program: no PG*, locale or loader variable of the caller gets through. */
export const POSTGRES_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
  HOME: '/',
  LC_ALL: 'C',
  TZ: 'UTC',
};

/**
 * Runs `command` and collects its output. As `user` when that is not the caller itself. The working folder is `/`,
 * because the caller's own may be closed to that user and PostgreSQL insists on knowing where it is.
 */
export async function run(
  command: string,
  args: readonly string[],
  options: { user?: ServerUser; env?: Readonly<Record<string, string>> } = {},
): Promise<RunResult> {
  const { promise, resolve } = Promise.withResolvers<RunResult>();
  try {
    const child = spawn(command, args, {
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.env === undefined ? {} : { env: { ...options.env } }),
      ...(options.user === undefined ? {} : spawnAs(options.user)),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', (cause) => resolve({ code: null, stdout, stderr: cause.message }));
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  } catch (cause) {
    resolve({
      code: null,
      stdout: '',
      stderr: cause instanceof Error ? cause.message : String(cause),
    });
  }
  return await promise;
}

/** Gives the options of `spawn` that make a child run as `user`. */
export function spawnAs(user: ServerUser): { uid?: number; gid?: number } {
  return user.isSwitched ? { uid: user.uid, gid: user.gid } : {};
}
