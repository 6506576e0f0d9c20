/**
 * Questions about processes of this host: who is in a group, what a pid is. Used by the executors.
 *
 * Linux answers from /proc, macOS through ps. A pid alone proves nothing, since pids are used again; so callers recognise their
 * processes by the command line, which names the folder of the attempt.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const hasProc = process.platform === 'linux';

/** Sends a signal to every process of a group. One that is gone is fine, and so is one that may not be signalled: it stays. */
export function signalGroup(groupId: number, name: NodeJS.Signals): void {
  try {
    process.kill(-groupId, name);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ESRCH' && code !== 'EPERM') throw cause;
  }
}

/** Tells whether the kernel knows the group at all. Zombies count here: nobody may have reaped them. */
export function isGroupKnown(groupId: number): boolean {
  try {
    process.kill(-groupId, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Returns the live processes of a group, zombies left out. Reads the whole process table: tens of µs per process. */
export function listGroup(groupId: number): number[] {
  if (!hasProc) return listGroupByPs(groupId);
  return readdirSync('/proc')
    .filter((name) => /^\d/.test(name))
    .map(Number)
    .filter((pid) => isLiveMember(pid, groupId));
}

/** Tells whether `pid` is a process of the group and more than a zombie. */
export function isLiveMember(pid: number, groupId: number): boolean {
  if (!hasProc) return listGroupByPs(groupId).includes(pid);
  const stat = readOrNull(`/proc/${pid}/stat`);
  if (stat === null) return false;
  // The name, second and in brackets, may hold anything: count from its end. Then: state, parent, group.
  const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ', 3);
  return Number(group) === groupId && state !== 'Z' && state !== 'X';
}

/** Returns the command line of a live process with its words joined by blanks; null when there is none. */
export function readCommandLine(pid: number): string | null {
  if (hasProc) return readOrNull(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ') || null;
  const { stdout } = spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)]);
  return stdout.toString().trim() || null;
}

function listGroupByPs(groupId: number): number[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,pgid=,stat=']);
  return stdout
    .toString()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, group, state]) => Number(group) === groupId && !state?.startsWith('Z'))
    .map(([pid]) => Number(pid));
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended meanwhile.
    return null;
  }
}
