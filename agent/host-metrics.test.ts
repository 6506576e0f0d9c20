// What the agent measures of the host that the tests run on.

import { tmpdir, totalmem } from 'node:os';
import { expect, it } from 'vitest';
import { eventually } from '../test/eventually.ts';
import { HostMeter, parseProcStat, shareBetween } from './host-metrics.ts';

it('measures load, cores, memory and disk', async () => {
  const meter = new HostMeter(tmpdir());
  await eventually(() => meter.measure().diskTotalBytes > 0n, 'the disk is measured');
  const metrics = meter.measure();
  expect(metrics.memoryTotalBytes).toBe(BigInt(totalmem()));
  expect(metrics.memoryUsedBytes).toBeGreaterThan(0n);
  expect(metrics.memoryUsedBytes).toBeLessThanOrEqual(metrics.memoryTotalBytes);
  expect(metrics.diskUsedBytes).toBeGreaterThan(0n);
  expect(metrics.diskUsedBytes).toBeLessThanOrEqual(metrics.diskTotalBytes);
  for (const load of [metrics.load1, metrics.load5, metrics.load15]) {
    expect(load).toBeGreaterThanOrEqual(0);
  }
  expect(metrics.cpuShare).toBeGreaterThanOrEqual(0);
  expect(metrics.cpuShare).toBeLessThanOrEqual(1);
});

it('goes on without a disk where its folder is gone', () => {
  const metrics = new HostMeter('/nowhere/at/all').measure();
  expect([metrics.diskUsedBytes, metrics.diskTotalBytes]).toEqual([0n, 0n]);
  expect(metrics.memoryTotalBytes).toBeGreaterThan(0n);
});

it('counts waiting for disks as idle, and guests once', () => {
  const text = 'cpu  100 10 50 700 40 5 5 90 60 7\ncpu0 1 2 3 4 5 6 7 8 9 10\n';
  expect(parseProcStat(text)).toEqual({ busy: 260, total: 1000 });
});

it('gives a share between 0 and 1, also where a counter went back', () => {
  const before = { busy: 100, total: 1000 };
  expect(shareBetween(before, { busy: 150, total: 1200 })).toBe(0.25);
  expect(shareBetween(before, before)).toBe(0);
  expect(shareBetween(before, { busy: 90, total: 1200 })).toBe(0);
  expect(shareBetween(before, { busy: 5, total: 10 })).toBe(0);
});
