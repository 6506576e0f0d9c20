// Commands that would do something else than was asked, or say nothing: what they say instead.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { muster } from './testing/command.ts';
import { ScriptedSupervisor } from './testing/scripted-supervisor.ts';

let supervisor: ScriptedSupervisor;
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'muster-refusals-'));
  supervisor = new ScriptedSupervisor();
  supervisor.machineMethods = { getMachineCounts: () => ({ machines: [] }) };
  supervisor.scheduleMethods = {
    previewSchedule: () => ({ dueAt: [0, 60_000].map(timestampFromMs) }),
  };
  await supervisor.start();
});
afterEach(async () => {
  await supervisor.destroy();
  rmSync(folder, { recursive: true });
});

test.each([
  [['machine', 'counts'], 'muster: no machine has taken a step in the last 1h\n'],
  [
    ['machine', 'counts', 'worker', '--since', '5m'],
    'muster: no worker has taken a step in the last 5m\n',
  ],
])('%j of nothing says so', async (words, said) => {
  const { code, stdout, stderr } = await muster(supervisor, words);
  expect([code, stdout.toString(), stderr]).toEqual([0, '', said]);
});

test('a preview is a document for each due time with -o jsonl', async () => {
  const words = ['schedule', 'preview', '--every', '1m', '-o', 'jsonl'];
  const { stdout } = await muster(supervisor, words);
  expect(stdout.toString()).toBe(
    '{"dueAt":"1970-01-01T00:00:00Z"}\n{"dueAt":"1970-01-01T00:01:00Z"}\n',
  );
});

test.each([
  ['create', 's', '--node', 'x', '--', 'true'],
  ['update', 's'],
])('schedule %s with a jitter beyond its interval is refused', async (...words) => {
  const timing = ['--every', '1h', '--jitter', '2h'];
  const { code, stderr } = await muster(supervisor, [
    'schedule',
    ...words.slice(0, 2),
    ...timing,
    ...words.slice(2),
  ]);
  expect(stderr).toBe('muster: --jitter is 2h; it must be at most as long as --every, 1h\n');
  expect([code, supervisor.calls]).toEqual([2, []]);
});

test.each([
  [['--node', 'x'], 'none/file'],
  [['--node', 'x'], 'none/'],
  [['--all'], 'none/files'],
])('file get %j --to %s makes no folders by itself', async (where, to) => {
  const path = join(folder, to);
  const words = ['file', 'get', '/etc/motd', ...where, '--to', path];
  const { code, stderr } = await muster(supervisor, words);
  expect(stderr).toMatch(
    /^muster: cannot write .*: there is no folder .*none\/?; --mkdir makes it\n$/,
  );
  expect([code, supervisor.calls]).toEqual([125, []]);
});
