// How `muster task stats` counts by node.
import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { GetStatisticsResponseSchema } from '../../../proto/gen/muster/v1/statistics_pb.ts';
import { nodeCounts } from './stats.ts';

const counted = (fanOuts: bigint, nodeless: bigint) =>
  nodeCounts(
    create(GetStatisticsResponseSchema, {
      byType: [
        { name: 'fan_out', count: fanOuts },
        { name: 'script', count: 9n },
      ],
      byNode: [
        { name: '', count: nodeless },
        { name: 'web-1', count: 3n },
      ],
    }),
  ).map(({ name, count }) => [name, Number(count)]);

test('fan-outs are not counted as tasks that have no node yet', () => {
  expect(counted(10n, 11n)).toEqual([
    ['', 1],
    ['(fan-outs)', 10],
    ['web-1', 3],
  ]);
  expect(counted(10n, 10n)).toEqual([
    ['(fan-outs)', 10],
    ['web-1', 3],
  ]);
  expect(counted(0n, 1n)).toEqual([
    ['', 1],
    ['web-1', 3],
  ]);
});
