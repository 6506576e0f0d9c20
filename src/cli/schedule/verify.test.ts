// `muster schedule verify` as a process: its verdict is told as that on a task.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { muster } from '../testing/command.ts';
import { ScriptedSupervisor } from '../testing/scripted-supervisor.ts';

let supervisor: ScriptedSupervisor;

beforeEach(() => {
  supervisor = new ScriptedSupervisor();
});
afterEach(() => supervisor.destroy());

test.each([
  [{ clean: true, fromVersion: 1 }, '✓ clean, 9 transitions\n', 0],
  [
    { clean: true, fromVersion: 4 },
    '✓ clean, 5 transitions, from version 4 on: older steps have expired\n',
    0,
  ],
  [
    { clean: false, fromVersion: 1, differences: ['version 3 is missing'] },
    '✗ not clean, 9 transitions\n  version 3 is missing\n',
    1,
  ],
])('%j', async (proof, shown, exitCode) => {
  supervisor.scheduleMethods = {
    getSchedule: () => ({ schedule: { version: 9 } }),
    verifySchedule: () => proof,
  };
  await supervisor.start();
  const { code, stdout } = await muster(supervisor, ['schedule', 'verify', 'nightly']);
  expect([code, stdout.toString()]).toEqual([exitCode, `nightly  ${shown}`]);
});
