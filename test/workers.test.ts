/**
 * Workers seen and operated through the command line: slots and kept commands of real agents, on a real supervisor.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TaskSpecSchema, TaskState } from '../proto/gen/muster/v1/task_pb.ts';
import { Api } from './api.ts';
import { Cluster } from './cluster.ts';
import { eventually } from './eventually.ts';

const TIMEOUT_MS = 60_000;

interface Worker {
  readonly name: string;
  readonly state: string;
  readonly taskId: string;
  readonly pid: number;
  readonly why: string;
  readonly failures: number;
}

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.create();
  await cluster.startSupervisor();
  await startAgent();
  await cluster.online('web-1');
}, TIMEOUT_MS);

afterAll(async () => {
  await cluster.stop();
}, TIMEOUT_MS);

async function startAgent(): Promise<void> {
  const runs = join(cluster.home, 'runs');
  const keeps = [
    `steady=echo >> ${runs}; exec sleep 1000`,
    'once[on-failure]=exit 0',
    `broken=exit 3`,
  ];
  await cluster.startAgent('web-1', '--slots', '2', ...keeps.flatMap((keep) => ['--keep', keep]));
}

/** Runs a command that must succeed, and returns what it printed. */
async function muster(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.muster(...args);
  if (code !== 0) throw new Error(`muster ${args.join(' ')} ended with ${code}: ${stderr}`);
  return stdout.toString();
}

async function workers(): Promise<Worker[]> {
  const { workers: listed } = JSON.parse(
    await muster('node', 'workers', 'web-1', '-o', 'json'),
  ) as { workers: Worker[] };
  return listed;
}

async function reaches(name: string, wanted: Partial<Worker>): Promise<Worker> {
  let found: Worker | undefined;
  await eventually(
    async () => {
      found = (await workers()).find((one) => one.name === name);
      return Object.entries(wanted).every(([key, value]) => found?.[key as keyof Worker] === value);
    },
    `${name} is ${JSON.stringify(wanted)}`,
  );
  return found as Worker;
}

it(
  'shows slots and kept commands, each with its state',
  async () => {
    await reaches('steady', { state: 'WORKER_STATE_BUSY' });
    await reaches('once', { state: 'WORKER_STATE_STOPPED', why: 'ended with exit code 0' });
    await reaches('broken', { why: 'ended with exit code 3' });
    const table = await muster('node', 'workers');
    expect(table).toMatch(/^WORKER +STATE +SINCE +FAILURES +PID +WORK +NOTE\n/);
    expect(table).toMatch(/\nweb-1\/slot-0 +● idle /);
    expect(table).toMatch(/\nweb-1\/steady +● running .* +\d+ +echo >> /);
    expect(table).toMatch(
      /\nweb-1\/once +⊘ stopped .*\[on-failure\] exit 0 +ended with exit code 0\n/,
    );
    const stopped = await muster('node', 'workers', '--state', 'stopped', '-o', 'jsonl');
    expect(stopped.trim().split('\n')).toHaveLength(1);
  },
  TIMEOUT_MS,
);

it(
  'stops a busy slot after its attempt; what waits for the node waits until it is started (I8)',
  async () => {
    const go = join(cluster.home, 'go');
    const body = `until [ -e ${go} ]; do sleep 0.05; done`;
    await muster('worker', 'stop', '--wait', 'web-1/slot-1');
    const running = cluster.muster('run', '--node', 'web-1', '--', 'sh', '-c', body);
    const busy = await reaches('slot-0', { state: 'WORKER_STATE_BUSY' });
    const stopping = cluster.muster('worker', 'stop', '--wait', 'web-1/slot-0');
    await eventually(
      async () => (await muster('node', 'workers')).includes('will stop'),
      'it drains',
    );
    const waiting = (await muster('run', '-d', '--node', 'web-1', '--', 'true')).trim();
    expect((await reaches('slot-0', {})).taskId).toBe(busy.taskId);
    await writeFile(go, '');
    expect((await running).code).toBe(0);
    expect((await stopping).stdout.toString()).toBe('web-1/slot-0  stopped\n');
    const shown = await muster('task', 'get', waiting);
    expect(shown).toContain('all 2 are stopped or broken');
    await muster('worker', 'start', 'web-1/slot-0', 'web-1/slot-1');
    expect(await muster('task', 'wait', waiting)).toContain('completed');
  },
  TIMEOUT_MS,
);

it(
  'keeps a command and its stopped workers over kill -9 of the agent',
  async () => {
    const { pid } = await reaches('steady', { state: 'WORKER_STATE_BUSY' });
    await muster('worker', 'stop', '--wait', 'web-1/slot-1');
    await cluster.kill('web-1');
    const offline = await cluster.muster('worker', 'start', 'web-1/once');
    expect(offline.code).toBe(0);
    await startAgent();
    await reaches('slot-0', { state: 'WORKER_STATE_IDLE' });
    await reaches('slot-1', { state: 'WORKER_STATE_STOPPED' });
    await reaches('steady', { state: 'WORKER_STATE_BUSY', pid });
    expect(await readFile(join(cluster.home, 'runs'), 'utf8')).toBe('\n');
    const restarted = await muster('worker', 'restart', '--wait', 'web-1/steady');
    expect(restarted).toBe('web-1/steady  running\n');
    expect((await reaches('steady', { state: 'WORKER_STATE_BUSY' })).pid).not.toBe(pid);
    await muster('worker', 'start', '--wait', 'web-1/slot-1');
  },
  TIMEOUT_MS,
);

it('says what there is when a worker is named that is not there', async () => {
  const { code, stderr } = await cluster.muster('worker', 'stop', 'web-1/slto-0');
  expect([code, stderr]).toEqual([
    1,
    'muster: Cannot stop the worker: node web-1 has no worker slto-0; did you mean slot-0?\n',
  ]);
  const usage = await cluster.muster('worker', 'stop', 'slot-0');
  expect(usage.code).toBe(2);
  const watch = await cluster.muster('node', 'workers', '--watch');
  expect(watch.stderr).toContain('--watch needs a terminal, or -o jsonl');
});

it(
  'follows changes, one a line',
  async () => {
    const { child, result } = cluster.spawnMuster('node', 'workers', '--watch', '-o', 'jsonl');
    const lines: Worker[] = [];
    child.stdout?.on('data', (bytes: Buffer) => {
      for (const line of bytes.toString().trim().split('\n'))
        lines.push(JSON.parse(line) as Worker);
    });
    await eventually(() => lines.some(({ name }) => name === 'slot-0'), 'it begins with all');
    await muster('worker', 'stop', 'web-1/steady');
    const isStopped = ({ name, state }: Worker) =>
      name === 'steady' && state === 'WORKER_STATE_STOPPED';
    await eventually(() => lines.some(isStopped), 'the stop is shown');
    process.kill(child.pid ?? 0, 'SIGINT');
    await result;
  },
  TIMEOUT_MS,
);

it(
  'loses no task and runs none twice while slots are stopped, started and restarted all the time (I2, I8)',
  async () => {
    await cluster.startAgent('web-2', '--slots', '3');
    await cluster.online('web-2');
    await eventually(async () => {
      const known = await muster('node', 'workers', 'web-2', '-o', 'jsonl');
      return known.trim().split('\n').filter(Boolean).length === 3;
    }, 'its agent has told of its slots');
    const ran = join(cluster.home, 'ran');
    const body = `echo "$MUSTER_TASK_ID" >> ${ran}; sleep 0.1`;
    const spec = create(TaskSpecSchema, {
      target: { kind: { case: 'nodeId', value: 'web-2' } },
      action: { case: 'script', value: { program: { case: 'body', value: body } } },
    });
    const api = await Api.of(cluster);
    const ids = await api.createAll(Array.from({ length: 120 }, () => spec));
    for (let round = 0; round < 6; round += 1) {
      await muster('worker', 'stop', `web-2/slot-${round % 3}`);
      await muster('worker', 'restart', `web-2/slot-${(round + 1) % 3}`);
      await muster('worker', 'start', `web-2/slot-${round % 3}`);
    }
    for (const id of ids) {
      const task = await api.untilFinal(id);
      expect([task.state, task.attempt]).toEqual([TaskState.COMPLETED, 1]);
      expect(await api.differences(id)).toEqual([]);
    }
    const lines = (await readFile(ran, 'utf8')).trim().split('\n');
    expect(lines.toSorted()).toEqual(ids.toSorted());
    const idle = await muster('node', 'workers', 'web-2', '--state', 'idle', '-o', 'jsonl');
    expect(idle.trim().split('\n')).toHaveLength(3);
  },
  TIMEOUT_MS,
);
