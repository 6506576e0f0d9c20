/**
 * Measures the host: load, cores in use, memory, and the file system of the agent's data folder.
 *
 * Called for every heartbeat. Nothing waits: a file system that does not answer leaves its last figures in place and is not asked
 * again until it has answered. On macOS, memory that only caches files counts as used.
 */
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { cpus, freemem, loadavg, platform, totalmem } from 'node:os';
import { create } from '@bufbuild/protobuf';
import { type HostMetrics, HostMetricsSchema } from '../proto/gen/muster/v1/node_metrics_pb.ts';

/** Time of all cores since the boot, in any unit. */
interface CpuTime {
  readonly busy: number;
  readonly total: number;
}

export class HostMeter {
  readonly #folder: string;
  #cpu: CpuTime = readCpuTime();
  #disk = { used: 0, total: 0 };
  #isReadingDisk = false;

  /** @param folder on the file system to be measured; it must be there */
  constructor(folder: string) {
    this.#folder = folder;
    void this.#readDisk();
  }

  /** Measures now; the share of the cores is that since the last call. */
  measure(): HostMetrics {
    const [load1 = 0, load5 = 0, load15 = 0] = loadavg();
    const cpu = readCpuTime();
    const cpuShare = shareBetween(this.#cpu, cpu);
    this.#cpu = cpu;
    const memoryTotal = totalmem();
    void this.#readDisk();
    return create(HostMetricsSchema, {
      load1,
      load5,
      load15,
      cpuShare,
      memoryUsedBytes: BigInt(Math.max(memoryTotal - freemem(), 0)),
      memoryTotalBytes: BigInt(memoryTotal),
      diskUsedBytes: BigInt(this.#disk.used),
      diskTotalBytes: BigInt(this.#disk.total),
    });
  }

  async #readDisk(): Promise<void> {
    if (this.#isReadingDisk) return;
    this.#isReadingDisk = true;
    try {
      const { bsize, blocks, bfree, bavail } = await statfs(this.#folder);
      const used = Math.max(blocks - bfree, 0) * bsize;
      // As df counts: what is reserved for root is neither used nor to be had.
      this.#disk = { used, total: used + Math.max(bavail, 0) * bsize };
    } catch {
      this.#disk = { used: 0, total: 0 };
    } finally {
      this.#isReadingDisk = false;
    }
  }
}

/** Share of the time that was busy between two readings, 0 to 1. */
export function shareBetween(before: CpuTime, after: CpuTime): number {
  const total = after.total - before.total;
  if (!(total > 0)) return 0;
  return Math.min(Math.max((after.busy - before.busy) / total, 0), 1);
}

function readCpuTime(): CpuTime {
  return platform() === 'linux' ? parseProcStat(readFileSync('/proc/stat', 'utf8')) : sumOfCores();
}

/** Reads the first line of /proc/stat: one short read, where os.cpus() asks for every core's frequency as well. */
export function parseProcStat(text: string): CpuTime {
  const line = text.slice(0, text.indexOf('\n'));
  // user, nice, system, idle, iowait, irq, softirq, steal; guests are counted in user already.
  const times = line.split(/ +/).slice(1, 9).map(Number);
  const total = times.reduce((sum, time) => sum + time, 0);
  const idle = (times[3] ?? 0) + (times[4] ?? 0);
  return { busy: total - idle, total };
}

function sumOfCores(): CpuTime {
  let busy = 0;
  let idle = 0;
  for (const { times } of cpus()) {
    busy += times.user + times.nice + times.sys + times.irq;
    idle += times.idle;
  }
  return { busy, total: busy + idle };
}
