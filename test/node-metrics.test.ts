/**
 * What a real agent measures, seen through a real supervisor.
 */
import { totalmem } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Cluster } from './cluster.ts';
import { eventually } from './eventually.ts';

const TIMEOUT_MS = 60_000;

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.create();
  await cluster.startSupervisor();
  await cluster.startAgent('web-1');
  await cluster.online('web-1');
}, TIMEOUT_MS);

afterAll(async () => {
  await cluster.stop();
}, TIMEOUT_MS);

it(
  'is there with the first heartbeats',
  async () => {
    const read = async () => {
      const { stdout } = await cluster.muster('node', 'get', 'web-1', '-o', 'json');
      return JSON.parse(stdout.toString()) as { metrics?: Record<string, string> };
    };
    await eventually(async () => (await read()).metrics !== undefined, 'a measurement is there');
    const { metrics = {} } = await read();
    expect(metrics['memoryTotalBytes']).toBe(String(totalmem()));
    expect(Number(metrics['diskTotalBytes'])).toBeGreaterThan(0);
    const none = await cluster.muster('node', 'metrics', 'nobody');
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('nobody is unknown')]);
  },
  TIMEOUT_MS,
);
