/**
 * The record that shim.sh keeps of one script: its own pid on the first line, the script's exit status on the second.
 *
 * The file is made by whoever is first, the shim or an agent that looks for it after a restart: in the second case the script
 * never begins (I2). Read by the script executor and its groups.
 */
import { readFileSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const RECORD = 'record';

export interface ShimRecord {
  readonly pid: number;
  /** Null while the script runs, and for ever if the shim was killed. */
  readonly status: number | null;
  /** When the file was written last, by the clock of the host, ms since 1970. */
  readonly writtenAt: number;
}

/** Makes the record so that a shim that has not made it yet gives up. Tells whether that was in time. */
export async function claimRecord(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(folder, RECORD), '', { flag: 'wx' });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cause;
  }
}

/** Returns null while there is no whole first line. */
export function readRecord(folder: string): ShimRecord | null {
  const path = join(folder, RECORD);
  try {
    const [, pid, status] = /^(\d+)\n(?:(\d+)\n)?/.exec(readFileSync(path, 'utf8')) ?? [];
    if (pid === undefined) return null;
    const writtenAt = Math.floor(statSync(path).mtimeMs);
    return { pid: Number(pid), status: status === undefined ? null : Number(status), writtenAt };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw cause;
  }
}
