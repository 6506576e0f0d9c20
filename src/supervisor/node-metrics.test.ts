// Measurements of hosts: fresh where the session is, a minute old elsewhere, and a point for each minute.

import { expect, it } from 'vitest';
import { eventually } from '../../test/eventually.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import { METRICS } from './testing/host-metrics.ts';
import { kindOf, useBench } from './testing/test-bench.ts';

const bench = useBench();

it('shows the newest measurement and keeps one a minute', async () => {
  const one = await bench.start({ metricsIntervalMs: 50 });
  const other = await bench.start();
  const agent = new ScriptedAgent('web-1');
  await agent.connect(one);
  expect((await one.nodes.get('web-1')).metrics).toBeNull();
  agent.beat(METRICS);
  expect((await one.nodes.get('web-1')).metrics).toMatchObject(METRICS);
  await eventually(
    async () => (await other.nodes.get('web-1')).metrics?.load1 === METRICS.load1,
    'the other supervisor knows it as well',
  );
  const [node] = await other.nodes.list({}, 10, null);
  expect(node?.metrics).toMatchObject(METRICS);
  const points = await other.nodes.metrics('web-1', null, null);
  expect(points.at(-1)).toMatchObject(METRICS);
  expect(await other.nodes.metrics('web-1', null, Date.now() - 7_200_000)).toEqual([]);
  expect(await kindOf(one.nodes.metrics('nobody', null, null))).toBe('unknown_node');
});

it('takes nothing from a session that has been replaced (I6)', async () => {
  const one = await bench.start({ metricsIntervalMs: 50, heartbeatIntervalMs: 60_000 });
  const other = await bench.start({ metricsIntervalMs: 50 });
  const [old, fresh] = [new ScriptedAgent('web-1'), new ScriptedAgent('web-1')];
  await old.connect(one);
  await fresh.connect(other);
  old.beat({ ...METRICS, load1: 99 });
  fresh.beat({ ...METRICS, load1: 7 });
  await eventually(
    async () => (await bench.sql`select 1 from node_metrics`).length > 0,
    'a point is stored',
  );
  expect((await one.nodes.get('web-1')).metrics?.load1).toBe(7);
  expect((await one.nodes.metrics('web-1', null, null)).map(({ load1 }) => load1)).not.toContain(
    99,
  );
});
