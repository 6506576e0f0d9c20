// `muster node …` with measurements, as processes against a supervisor on HTTP/2.

import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DrainState, NodeState } from '../../proto/gen/muster/v1/node_pb.ts';
import { muster } from './testing/command.ts';
import { ScriptedSupervisor } from './testing/scripted-supervisor.ts';

let supervisor: ScriptedSupervisor;
const asked: { nodeId: string; rangeMs: number }[] = [];

const metrics = {
  load1: 0.5,
  load5: 1.25,
  load15: 2,
  cpuShare: 0.126,
  memoryUsedBytes: 3n * 2n ** 30n,
  memoryTotalBytes: 2n ** 32n,
  diskUsedBytes: 2n ** 38n,
  diskTotalBytes: 2n ** 39n,
};
const idle = { ...metrics, cpuShare: 0, load1: 0 };

beforeEach(async () => {
  supervisor = new ScriptedSupervisor();
  const web = { id: 'web-1', state: NodeState.ONLINE };
  supervisor.nodeOverrides = {
    listNodes: () => ({ nodes: [{ ...web, metrics }, { id: 'web-2' }] }),
    getNode: () => ({ node: { ...web, metrics: { ...metrics, at: timestampFromMs(Date.now()) } } }),
    getNodeMetrics: ({ nodeId, since, until }) => {
      const rangeMs = Number((until?.seconds ?? 0n) - (since?.seconds ?? 0n)) * 1000;
      asked.push({ nodeId, rangeMs });
      if (nodeId === 'new') return { points: [] };
      const ago = (ms: number) => timestampFromMs(Date.now() - ms);
      return {
        points: [
          { ...idle, at: ago(rangeMs) },
          { ...metrics, at: ago(0) },
        ],
      };
    },
  };
  await supervisor.start();
});
afterEach(async () => {
  await supervisor.destroy();
});

test('a wide list says how busy and how full each host is', async () => {
  const { stdout } = await muster(supervisor, ['node', 'list', '-o', 'wide']);
  const [titles, one, two] = stdout.toString().split('\n');
  expect(titles).toMatch(/CPU +LOAD +MEMORY +DISK$/);
  expect(one).toMatch(/13 % +0\.50 +75 % +50 %$/);
  expect(two).toMatch(/^web-2 .*never$/);
  expect((await muster(supervisor, ['node', 'list'])).stdout.toString()).not.toContain('CPU');
});

test('a list of some states asks for both kinds of them', async () => {
  const requests: { states: NodeState[]; drainStates: DrainState[] }[] = [];
  await supervisor.destroy();
  supervisor = new ScriptedSupervisor();
  supervisor.nodeOverrides = {
    listNodes: ({ states, drainStates }) => {
      requests.push({ states, drainStates });
      return { nodes: [] };
    },
  };
  await supervisor.start();
  const list = (...states: string[]) => muster(supervisor, ['node', 'list', ...states]);
  await list('--state', 'online,active', '--state', 'DRAIN_STATE_DRAINED');
  await list('--state', 'NODE_STATE_OFFLINE');
  expect(requests).toEqual([
    { states: [NodeState.ONLINE], drainStates: [DrainState.ACTIVE, DrainState.DRAINED] },
    { states: [NodeState.OFFLINE], drainStates: [] },
  ]);
  const { code, stderr } = await list('--state', 'asleep');
  expect(code).toBe(2);
  expect(stderr.toString()).toContain(
    "--state: 'asleep' is none of online, unreachable, offline, draining, stopping, drained, active",
  );
  expect(requests).toHaveLength(2);
});

test('a node shows its newest measurement', async () => {
  const { stdout } = await muster(supervisor, ['node', 'get', 'web-1']);
  const text = stdout.toString();
  expect(text).toMatch(/In use +13 % of the cores, measured now/);
  expect(text).toMatch(/Load +0\.50 1\.25 2\.00/);
  expect(text).toMatch(/Memory used +3\.0 GiB of 4\.0 GiB \(75 %\)/);
  expect(text).toMatch(/Disk used +256 GiB of 512 GiB \(50 %\)/);
});

test('measurements over time are a line of bars each, or JSON', async () => {
  const table = await muster(supervisor, ['node', 'metrics', 'web-1', '--since', '2h']);
  expect(asked.at(-1)).toEqual({ nodeId: 'web-1', rangeMs: 7_200_000 });
  const text = table.stdout.toString();
  expect(text).toMatch(/^MEASURED +LAST +LEAST +MEAN +MOST +\d\d:\d\d:\d\d TO \d\d:\d\d:\d\d$/m);
  expect(text).toMatch(/^cpu +13 % +0 % +6 % +13 % {2}▁ {38}▂$/m);
  expect(text).toMatch(/^load 1 min +0\.50 +0\.00 +0\.25 +0\.50 {2}▁ {38}█$/m);
  expect(text).toMatch(/^disk +256 GiB/m);
  const json = await muster(supervisor, ['node', 'metrics', 'web-1', '-o', 'json']);
  expect(JSON.parse(json.stdout.toString())).toMatchObject({
    points: [{ load1: 0 }, { load1: 0.5, memoryTotalBytes: '4294967296' }],
  });
});

test('a range without measurements, or no range, is said', async () => {
  const empty = await muster(supervisor, ['node', 'metrics', 'new']);
  expect([empty.code, empty.stderr]).toEqual([0, 'muster: nothing was measured in this time\n']);
  const wrong = await muster(supervisor, [
    'node',
    'metrics',
    'a',
    '--since',
    '1h',
    '--until',
    '2h',
  ]);
  expect([wrong.code, wrong.stderr]).toEqual([2, 'muster: --since must be before --until\n']);
});

test.each([
  [['node', 'delete', 'web-1']],
  [['node', 'drain', 'web-1']],
  [['node', 'resume', 'web-1']],
  [['schedule', 'delete', 'nightly']],
  [['group', 'delete', 'berlin']],
])('%j with a form of output that is none does nothing', async (words) => {
  const { code, stderr } = await muster(supervisor, [...words, '-o', 'yaml']);
  expect(stderr).toContain("--output: 'yaml' is no output form");
  expect([code, supervisor.calls]).toEqual([2, []]);
});

test('a node that is deleted is told in every form', async () => {
  supervisor.nodeOverrides = { ...supervisor.nodeOverrides, deleteNode: () => ({}) };
  await supervisor.destroy();
  await supervisor.start();
  const table = await muster(supervisor, ['node', 'delete', 'web-1']);
  expect(table.stdout.toString()).toBe('web-1  deleted\n');
  const jsonl = await muster(supervisor, ['node', 'delete', 'web-1', '-o', 'jsonl']);
  expect(jsonl.stdout.toString()).toBe('{"id":"web-1","deleted":true}\n');
});

test('drain --wait goes on when the supervisor comes back', async () => {
  const node = (state: DrainState) => ({ node: { id: 'web-1', drain: { state } } });
  let looks = 0;
  supervisor.nodeOverrides = {
    ...supervisor.nodeOverrides,
    drainNode: () => node(DrainState.DRAINING),
    getNode: () => {
      looks += 1;
      // It dies while it is asked.
      if (looks === 1) void supervisor.destroy().then(() => supervisor.start());
      return node(looks === 1 ? DrainState.DRAINING : DrainState.DRAINED);
    },
  };
  await supervisor.destroy();
  await supervisor.start();
  const { code, stdout } = await muster(supervisor, ['node', 'drain', 'web-1', '--wait']);
  expect([code, stdout.toString()]).toEqual([0, expect.stringContaining('web-1  drained')]);
});
