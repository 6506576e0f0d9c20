// `muster task history`: who has asked for a step and why, beside the step.
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterEach, expect, test } from 'vitest';
import { muster } from './testing/command.ts';
import { ScriptedSupervisor } from './testing/scripted-supervisor.ts';

const ID = '0198c5f2-7b1a-7000-8000-000000000001';
const CREATED = { version: 1, eventType: 'task.created', toState: 'pending.queued' };

const supervisor = new ScriptedSupervisor();
afterEach(() => supervisor.destroy());

async function historyOf(...transitions: object[]): Promise<string[]> {
  const whole = transitions.map((one) => ({ at: timestampFromMs(0), ...one }));
  supervisor.taskOverrides = { getTaskHistory: () => ({ transitions: whole }) };
  await supervisor.start();
  const { stdout } = await muster(supervisor, ['task', 'history', ID]);
  return stdout.toString().trimEnd().split('\n');
}

test('a cancel shows who has asked for it and the note', async () => {
  const event = { type: 'cancel.requested', by: 'user', note: 'wrong\u001b host' };
  const cancelled = { version: 2, eventType: 'cancel.requested', toState: 'cancelled', event };
  const [titles, created, cancel] = await historyOf(CREATED, cancelled);
  expect(titles).toMatch(/ATTEMPT +BY +NOTE$/);
  expect(created).toMatch(/pending\.queued$/);
  expect(cancel).toMatch(/cancelled +user +wrong\uFFFD host$/);
});

test('a history in which nobody has asked for anything has no columns for that', async () => {
  const [titles] = await historyOf(CREATED);
  expect(titles).toMatch(/ATTEMPT$/);
});
