// What `muster schedule update` makes of the task of a schedule: each flag changes its own part and nothing else.
import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { OfflinePolicy, TaskSpecSchema } from '../../../proto/gen/muster/v1/task_pb.ts';
import { UsageFault } from '../fault.ts';
import type { RunFlags } from '../run-spec.ts';
import { readTaskRevision } from './revise.ts';

const FORMER = create(TaskSpecSchema, {
  target: { kind: { case: 'selection', value: { nodes: ['web-1'] } } },
  fanOut: { maxParallel: '2' },
  policy: { maxAttempts: 3, offline: OfflinePolicy.WAIT },
  action: {
    case: 'script',
    value: { program: { case: 'argv', value: { words: ['uptime'] } } },
  },
});

async function revised(flags: RunFlags) {
  const revise = await readTaskRevision(flags, []);
  return revise?.(FORMER);
}

test('--offline changes what is done about a node that is away, and the rest of the policy stays', async () => {
  expect(await revised({ offline: 'skip' })).toMatchObject({
    policy: { maxAttempts: 3, offline: OfflinePolicy.SKIP },
    target: FORMER.target,
  });
  await expect(revised({ offline: 'ignore' })).rejects.toThrow(UsageFault);
});

test('-w chooses nodes as -n does, and the options of the fan-out stay', async () => {
  const expected = {
    target: { kind: { case: 'selection', value: { nodes: ['web-[2-3]'] } } },
    fanOut: { maxParallel: '2' },
  };
  expect(await revised({ hosts: ['web-[2-3]'] })).toMatchObject(expected);
  expect(await revised({ nodes: ['web-[2-3]'] })).toMatchObject(expected);
});

test('no flag about the task changes nothing of it', async () => {
  expect(await revised({})).toBeUndefined();
});
