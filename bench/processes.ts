/**
 * What processes of this machine have used, from /proc: processor time and memory. Linux only; elsewhere nothing is known.
 *
 * Processor time tells what limits a figure, and differs less than the figure itself on a machine that has other work.
 */
import { readdir, readFile } from 'node:fs/promises';

/** Clock ticks of /proc, the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

interface Stat {
  readonly parent: number;
  readonly seconds: number;
}

/** Returns the processor seconds of a process and its children, those that have ended included; NaN where there is no /proc. */
export async function readTreeCpuSeconds(pid: number): Promise<number> {
  const entries = await readdir('/proc').catch(() => []);
  const pids = entries.filter((entry) => /^\d+$/.test(entry)).map(Number);
  const stats = new Map(
    await Promise.all(pids.map(async (one) => [one, await readStat(one)] as const)),
  );
  if (stats.get(pid) === undefined || stats.get(pid) === null) return Number.NaN;
  let seconds = 0;
  for (const [one, stat] of stats) {
    if (stat !== null && (one === pid || stat.parent === pid)) seconds += stat.seconds;
  }
  return seconds;
}

/** Returns the resident memory of a process in MiB; NaN where there is no /proc. */
export async function readMemoryMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1024;
}

/** Processor time of the whole machine since its start, in ticks. */
interface MachineTimes {
  readonly idle: number;
  readonly stolen: number;
  readonly all: number;
}

/** Returns a function that tells the shares of idle and stolen processor time since now; null where there is no /proc. */
export async function watchMachine(): Promise<
  () => Promise<{ idle: number; stolen: number } | null>
> {
  const before = await readMachineTimes();
  return async () => {
    const after = await readMachineTimes();
    if (before === null || after === null) return null;
    const share = (name: 'idle' | 'stolen') =>
      (after[name] - before[name]) / Math.max(after.all - before.all, 1);
    return { idle: share('idle'), stolen: share('stolen') };
  };
}

async function readMachineTimes(): Promise<MachineTimes | null> {
  const text = await readFile('/proc/stat', 'utf8').catch(() => '');
  const [line = ''] = text.split('\n');
  if (!line.startsWith('cpu ')) return null;
  // user, nice, system, idle, iowait, irq, softirq, steal
  const times = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const [idle = 0, waiting = 0, stolen = 0] = [times[3], times[4], times[7]];
  return { idle: idle + waiting, stolen, all: times.reduce((sum, one) => sum + one, 0) };
}

async function readStat(pid: number): Promise<Stat | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name of the program may hold anything; it ends with the last parenthesis.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  if (fields.length < 15) return null;
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15);
  return {
    parent: fields[1] ?? 0,
    seconds: (user + system + endedUser + endedSystem) / TICKS_PER_SECOND,
  };
}
