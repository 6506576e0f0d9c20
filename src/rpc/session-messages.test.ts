// What an agent says of its host is taken as a whole or not at all.

import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { type HostMetrics, HostMetricsSchema } from '../../proto/gen/muster/v1/node_metrics_pb.ts';
import { METRICS } from '../supervisor/testing/host-metrics.ts';
import { metricsOf } from './session-messages.ts';

type Init = Partial<Omit<HostMetrics, '$typeName' | '$unknown' | 'at'>>;

const GOOD: Init = {
  load1: METRICS.load1,
  load5: METRICS.load5,
  load15: METRICS.load15,
  cpuShare: METRICS.cpuShare,
  memoryUsedBytes: BigInt(METRICS.memoryUsed),
  memoryTotalBytes: BigInt(METRICS.memoryTotal),
  diskUsedBytes: 0n,
  diskTotalBytes: 0n,
};

const read = (more: Init = {}) => metricsOf(create(HostMetricsSchema, { ...GOOD, ...more }));

it('reads a measurement, whatever time it names', () => {
  const at = { seconds: 1n, nanos: -5 };
  expect(metricsOf(create(HostMetricsSchema, { ...GOOD, at }))).toEqual(METRICS);
  expect(metricsOf(undefined)).toBeNull();
});

it.each<[string, Init]>([
  ['a load that is no number', { load1: Number.NaN }],
  ['an endless load', { load5: Number.POSITIVE_INFINITY }],
  ['a negative load', { load15: -1 }],
  ['a load beyond belief', { load1: 1e9 }],
  ['more cores than there are', { cpuShare: 1.01 }],
  ['a share that is no number', { cpuShare: Number.NaN }],
  ['more memory in use than there is', { memoryUsedBytes: 2n ** 32n + 1n }],
  ['negative memory', { memoryUsedBytes: -1n }],
  ['a disk in use that is not there', { diskUsedBytes: 1n }],
  ['a disk beyond what numbers can tell', { diskTotalBytes: 2n ** 62n }],
])('refuses %s', (_, wrong) => {
  expect(read(wrong)).toBeNull();
});
