/**
 * Two agents that were given the same node id, each with a data folder of its own, against a real supervisor.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
  'the second agent of a node is refused until the first one is gone, whose script is not disturbed (I2)',
  async () => {
    // It ends when the test says so, by a file.
    const script = 'echo up; until [ -e "$0" ]; do sleep 0.05; done; echo over';
    const release = join(cluster.home, 'release');
    const created = await cluster.muster('run', '--detach', '--', 'sh', '-c', script, release);
    const id = created.stdout.toString().trim();
    const logs = async () => (await cluster.muster('task', 'logs', id)).stdout.toString();
    await eventually(async () => (await logs()) === 'up\n', 'the script runs');

    await cluster.startAgentAs('intruder', 'web-1');
    const refusal = 'has the node id web-1 and is connected';
    await eventually(
      async () => (await cluster.log('intruder')).includes(refusal),
      'the log of the second agent says why',
      30_000,
    );
    expect(await cluster.log('intruder')).toContain('give one of the two another id (--node)');
    const warnings = (await cluster.log('supervisor')).split('two agents have the same node id');
    expect(warnings).toHaveLength(2);
    expect(await cluster.log('web-1')).not.toContain('another agent has the session');
    await writeFile(release, '');
    await eventually(async () => (await logs()) === 'up\nover\n', 'the script goes on to its end');
    const stateOf = async () => {
      const { stdout } = await cluster.muster('task', 'get', id, '-o', 'json');
      return JSON.parse(stdout.toString()) as { state: string; attempt: number };
    };
    await eventually(
      async () => (await stateOf()).state === 'TASK_STATE_COMPLETED',
      'the task is completed',
    );
    expect((await stateOf()).attempt).toBe(1);

    await cluster.kill('web-1');
    await eventually(
      async () => (await cluster.log('intruder')).includes('session open'),
      'the second agent gets in',
      30_000,
    );
  },
  TIMEOUT_MS,
);
