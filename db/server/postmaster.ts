// Knows the PostgreSQL processes of one data folder: the postmaster, and orphans of a killed one. Called by server.ts and
// launch.ts. No pid is believed because a file names it: pids are used again, in containers soon. A process belongs to a data
// folder when it is a `postgres` whose working folder is that folder, which every process of a server keeps all its life.

import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PostgresServerError } from './error.ts';
import { run } from './run.ts';
import { until } from './until.ts';

/** What postmaster.pid says. The format stands in PostgreSQL's src/include/utils/pidfile.h. */
export interface PidFile {
  readonly pid: number;
  readonly port: number;
  readonly status: 'starting' | 'stopping' | 'ready' | 'standby' | '';
}

/** Grace for orphans: they notice the death of their postmaster at their next wait, which a computing query may not reach. */
const ORPHAN_GRACE_MS = 2_000;

/** Reads postmaster.pid; undefined when there is none or it is still being written. */
export async function readPidFile(data: string): Promise<PidFile | undefined> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) {
    return undefined;
  }
  return { pid, port: Number(lines[3] ?? 0), status: (lines[7] ?? '') as PidFile['status'] };
}

/** Finds the live postmaster of `data`. A pid file that names no process, or another one, is nothing. */
export async function findPostmaster(data: string): Promise<PidFile | undefined> {
  const file = await readPidFile(data);
  return file !== undefined && (await isPostgresOf(file.pid, data)) ? file : undefined;
}

/** Tells whether `pid` is a live PostgreSQL process of `data`. A zombie is not alive. */
export async function isPostgresOf(pid: number, data: string): Promise<boolean> {
  if (process.platform === 'linux') {
    // A zombie has no working folder any more.
    const [name, folder] = await Promise.all([
      readFile(`/proc/${pid}/comm`, 'utf8').catch(() => ''),
      readlink(`/proc/${pid}/cwd`).catch(() => ''),
    ]);
    return name.trim() === 'postgres' && folder === data;
  }
  const { stdout } = await run('ps', ['-ww', '-o', 'stat=,command=', '-p', String(pid)]);
  return stdout.includes('postgres') && stdout.includes(data) && !stdout.trim().startsWith('Z');
}

/**
 * Waits until nothing of a dead postmaster is left: its children could still write to the data. Those that stay are ended, as
 * in a crash; nobody can be waiting for their answer. Elsewhere than on Linux PostgreSQL's own check (the shared memory
 * named in postmaster.pid) has to do, and launch.ts tries again while it refuses.
 */
export async function endOrphans(data: string, log: (line: string) => void): Promise<void> {
  if (process.platform !== 'linux') {
    return;
  }
  for (const signal of ['SIGQUIT', 'SIGKILL'] as const) {
    if (
      await until(
        async () => (await hasPostmaster(data)) || (await listOrphans(data)).length === 0,
        ORPHAN_GRACE_MS,
      )
    ) {
      return;
    }
    const orphans = await listOrphans(data);
    log(
      `Ending ${orphans.length} PostgreSQL processes that outlived their postmaster: ${orphans.join(', ')}`,
    );
    for (const pid of orphans) {
      signalProcess(pid, signal);
    }
  }
  if (!(await until(async () => (await listOrphans(data)).length === 0, ORPHAN_GRACE_MS))) {
    throw new PostgresServerError(
      'unresponsive',
      `Cannot start PostgreSQL in ${data}: the processes ${(await listOrphans(data)).join(', ')} of a former server do not end; end them first`,
    );
  }
}

/** Sends a signal; a process that is gone already is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ESRCH') {
      throw cause;
    }
  }
}

/** A postmaster that was started just before its parent died has no pid file at first, and then it has one. */
async function hasPostmaster(data: string): Promise<boolean> {
  return (await findPostmaster(data)) !== undefined;
}

async function listOrphans(data: string): Promise<number[]> {
  const { uid } = await stat(data);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const areOurs = await Promise.all(pids.map((pid) => isOrphan(pid, data, uid)));
  return pids.filter((_, index) => areOurs[index]);
}

/** They are going to be signalled, perhaps by root: never a process of another user than the one who owns the data. */
async function isOrphan(pid: number, data: string, uid: number): Promise<boolean> {
  const owner = await stat(`/proc/${pid}`).then(
    (found) => found.uid,
    () => undefined,
  );
  return owner === uid && pid !== process.pid && (await isPostgresOf(pid, data));
}
