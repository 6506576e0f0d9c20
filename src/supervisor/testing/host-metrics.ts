/** A measurement of a host for tests. */
import type { HostMetrics } from '../supervisor.ts';

export const METRICS: HostMetrics = {
  load1: 0.5,
  load5: 0.25,
  load15: 0,
  cpuShare: 0.125,
  memoryUsed: 3 * 2 ** 30,
  memoryTotal: 2 ** 32,
  diskUsed: 0,
  diskTotal: 0,
};
