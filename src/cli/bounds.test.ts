// The bounds of flags are those of the proto.
import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { FanOutOptionsSchema } from '../../proto/gen/muster/v1/fan_out_pb.ts';
import { GetMachineCountsRequestSchema } from '../../proto/gen/muster/v1/machine_service_pb.ts';
import { DrainNodeRequestSchema } from '../../proto/gen/muster/v1/node_service_pb.ts';
import { TimingSchema } from '../../proto/gen/muster/v1/schedule_pb.ts';
import {
  ListFiresRequestSchema,
  PreviewScheduleRequestSchema,
  UpdateScheduleRequestSchema,
} from '../../proto/gen/muster/v1/schedule_service_pb.ts';
import { TaskPolicySchema } from '../../proto/gen/muster/v1/task_pb.ts';
import { ListTasksRequestSchema } from '../../proto/gen/muster/v1/task_service_pb.ts';
import { validate } from '../rpc/validation.ts';
import { BOUNDS } from './bounds.ts';
import { parseDuration } from './duration.ts';
import { parseInteger } from './pairs.ts';

type Check = (value: number) => void;

function fits<D extends DescMessage>(
  schema: D,
  init: (value: number) => MessageInitShape<D>,
): Check {
  return (value) => validate(schema, create(schema, init(value)), 'do it');
}

const timing = { kind: { case: 'cron' as const, value: '* * * * *' } };
const CHECKS: Readonly<Record<keyof typeof BOUNDS, readonly Check[]>> = {
  timeout: [fits(TaskPolicySchema, (ms) => ({ timeout: durationFromMs(ms) }))],
  maxAttempts: [fits(TaskPolicySchema, (maxAttempts) => ({ maxAttempts }))],
  priority: [fits(TaskPolicySchema, (priority) => ({ priority }))],
  fanOutDeadline: [fits(FanOutOptionsSchema, (ms) => ({ deadline: durationFromMs(ms) }))],
  pageSize: [
    fits(ListTasksRequestSchema, (pageSize) => ({ pageSize })),
    fits(ListFiresRequestSchema, (pageSize) => ({ key: 'a', pageSize })),
  ],
  previewCount: [fits(PreviewScheduleRequestSchema, (count) => ({ timing, count }))],
  every: [
    fits(TimingSchema, (ms) => ({ kind: { case: 'every' as const, value: durationFromMs(ms) } })),
  ],
  jitter: [fits(UpdateScheduleRequestSchema, (ms) => ({ key: 'a', jitter: durationFromMs(ms) }))],
  missedWindow: [
    fits(UpdateScheduleRequestSchema, (ms) => ({ key: 'a', missedWindow: durationFromMs(ms) })),
  ],
  drainDeadline: [
    fits(DrainNodeRequestSchema, (ms) => ({ id: 'a', deadline: durationFromMs(ms) })),
  ],
  countsWindow: [fits(GetMachineCountsRequestSchema, (ms) => ({ window: durationFromMs(ms) }))],
};

test.each(Object.entries(CHECKS))('%s', (name, checks) => {
  const [least, most] = BOUNDS[name as keyof typeof BOUNDS];
  for (const check of checks) {
    for (const value of [least, most]) expect(() => check(value)).not.toThrow();
    for (const value of [least - 1, most + 1]) expect(() => check(value)).toThrow('must be');
  }
});

test('what is out of bounds is refused with the flag and the bounds', () => {
  expect(() => parseInteger('0', '--limit', BOUNDS.pageSize)).toThrow(
    '--limit is 0; it must be from 1 to 200',
  );
  expect(() => parseDuration('0', '--timeout', BOUNDS.timeout)).toThrow(
    '--timeout is 0; it must be from 1s to 7d',
  );
  expect(parseInteger('200', '--limit', BOUNDS.pageSize)).toBe(200);
  expect(parseDuration('1s', '--timeout', BOUNDS.timeout)).toBe(1000);
});
