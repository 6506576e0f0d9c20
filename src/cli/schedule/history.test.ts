// `muster schedule history` as a process.
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TransitionSchema } from '../../../proto/gen/muster/v1/task_pb.ts';
import { muster } from '../testing/command.ts';
import { ScriptedSupervisor } from '../testing/scripted-supervisor.ts';

const at = timestampFromMs(Date.UTC(2026, 10, 23, 10));
let supervisor: ScriptedSupervisor;
let transitions: MessageInitShape<typeof TransitionSchema>[];

beforeEach(async () => {
  transitions = [];
  supervisor = new ScriptedSupervisor();
  supervisor.scheduleMethods = {
    getScheduleHistory: ({ afterVersion }) => {
      const later = transitions.filter(({ version = 0 }) => version > afterVersion);
      return { transitions: later.slice(0, 1), hasMore: later.length > 1 };
    },
  };
  await supervisor.start();
});
afterEach(() => supervisor.destroy());

const history = (...flags: string[]) =>
  muster(supervisor, ['schedule', 'history', 'nightly', ...flags], { env: { TZ: 'UTC' } });

const PAUSED = {
  version: 2,
  eventType: 'pause.requested',
  event: { by: 'ann', note: 'freeze' },
  fromState: 'active',
  toState: 'paused',
  at,
};

test('shows all pages, with who has asked and why', async () => {
  transitions = [{ version: 1, eventType: 'created', toState: 'active', at }, PAUSED];
  const { code, stdout, stderr } = await history();
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout.toString()).toMatch(
    /2 {2}2026-11-23 10:00:00.000 \+00:00 {2}pause.requested {2}● active {2}→ {2}‖ paused {2}ann {2}freeze/,
  );
  const documents = (await history('-o', 'jsonl')).stdout.toString().trimEnd().split('\n');
  expect(documents.map((line) => JSON.parse(line).version)).toEqual([1, 2]);
});

test('says that older steps have expired', async () => {
  transitions = [PAUSED];
  expect((await history()).stderr).toBe(
    'muster: steps before version 2 have expired and are deleted\n',
  );
});
