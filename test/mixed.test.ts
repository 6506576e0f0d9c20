/**
 * 200 mixed tasks over three agents: undisturbed, while the supervisor is killed every three seconds, while an agent is.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Cluster } from './cluster.ts';
import { check, runAll } from './mixed-run.ts';
import { mixedTasks } from './mixed-tasks.ts';

const NODES = ['web-1', 'web-2', 'web-3'];
const TASKS = 200;
const KILL_EVERY_MS = 3_000;
/** Then it is left alone: where a start takes as long as that, it would not come to anything else. */
const MAX_KILLS = 10;
const TIMEOUT_MS = 180_000;

let cluster: Cluster;
let folder: string;

beforeEach(async () => {
  cluster = await Cluster.create();
  folder = join(cluster.home, 'attempts-seen');
  await mkdir(folder);
  await cluster.startSupervisor();
  for (const node of NODES) await cluster.startAgent(node);
  await cluster.online(...NODES);
});

afterEach(async () => {
  await cluster.stop();
});

/** Kills a process again and again while `work` goes on, starting it anew each time. Returns how often. */
async function whileKilling<T>(
  restart: () => Promise<void>,
  work: Promise<T>,
): Promise<{ result: T; kills: number }> {
  const done = new AbortController();
  const ended = work.finally(() => done.abort());
  let kills = 0;
  const killing = (async () => {
    while (kills < MAX_KILLS) {
      await wait(KILL_EVERY_MS, undefined, { signal: done.signal }).catch(() => {});
      if (done.signal.aborted) return;
      await restart();
      kills += 1;
    }
  })();
  const [result] = await Promise.all([ended, killing]);
  return { result, kills };
}

describe('200 mixed tasks over three agents', () => {
  it(
    'end as expected, each in its one final state, with clean histories (I1, I2, I4, I5)',
    async () => {
      const runs = await runAll(cluster, mixedTasks(TASKS, NODES, folder));
      for (const run of runs) await check(cluster, run, folder, false);
    },
    TIMEOUT_MS,
  );

  it(
    'end as expected while the supervisor is killed with -9 every 3 s (I1, I2, I4, I5)',
    async () => {
      const { result: runs, kills } = await whileKilling(
        async () => {
          await cluster.kill('supervisor');
          await cluster.startSupervisor();
        },
        runAll(cluster, mixedTasks(TASKS, NODES, folder)),
      );
      expect(kills).toBeGreaterThan(1);
      for (const run of runs) await check(cluster, run, folder, false);
    },
    TIMEOUT_MS,
  );

  it(
    'end as expected or say lost while an agent is killed with -9 every 3 s (I1, I2, I4, I5)',
    async () => {
      const { result: runs, kills } = await whileKilling(
        async () => {
          await cluster.kill('web-2');
          await cluster.startAgent('web-2');
        },
        runAll(cluster, mixedTasks(TASKS, NODES, folder)),
      );
      expect(kills).toBeGreaterThan(1);
      for (const run of runs) await check(cluster, run, folder, true);
    },
    TIMEOUT_MS,
  );
});
