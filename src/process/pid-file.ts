// Pid files: for people and for messages, never for decisions. Whether an owner lives is what folder-claim.ts knows; a pid in a
// file may have been given to another process since.

import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A written pid file. */
export interface PidFile {
  readonly path: string;
  /** Removes it, unless another process has written it anew meanwhile. */
  remove(): Promise<void>;
}

/** Writes the pid of this process, or `pid`, to `<folder>/<name>.pid`, whole or not at all. */
export async function writePidFile(
  folder: string,
  name: string,
  pid: number = process.pid,
): Promise<PidFile> {
  const path = join(folder, `${name}.pid`);
  const fresh = `${path}.${randomBytes(4).toString('hex')}`;
  await writeFile(fresh, `${pid}\n`, { mode: 0o644 });
  await rename(fresh, path);
  return {
    path,
    async remove() {
      if ((await readPid(path)) === pid) {
        await rm(path, { force: true });
      }
    },
  };
}

/** Reads `<folder>/<name>.pid`; undefined when there is none, or when no process has that pid now. */
export async function readLivePid(folder: string, name: string): Promise<number | undefined> {
  const pid = await readPid(join(folder, `${name}.pid`));
  return pid !== undefined && hasProcess(pid) ? pid : undefined;
}

async function readPid(path: string): Promise<number | undefined> {
  const pid = Number(await readFile(path, 'utf8').catch(() => ''));
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    // Somebody else's process is a process too.
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}
