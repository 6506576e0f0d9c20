/**
 * A fan-out that rolls and a schedule that ticks while their supervisor is killed with -9 again and again: nothing is run twice, no
 * due time is lost, and every history replays (I1, I2, I7, I10).
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Cluster } from './cluster.ts';
import { eventually } from './eventually.ts';

const TIMEOUT_MS = 120_000;
const NODES = ['n1', 'n2', 'n3'];
const KILLS = 4;

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.create();
  await cluster.startSupervisor();
  for (const node of NODES) await cluster.startAgent(node);
  await cluster.online(...NODES);
}, TIMEOUT_MS);

afterAll(async () => {
  await cluster.stop();
}, TIMEOUT_MS);

const json = async <T>(...args: string[]): Promise<T> => {
  const { stdout, stderr, code } = await cluster.muster(...args, '-o', 'json');
  if (code !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
  return JSON.parse(stdout.toString()) as T;
};

interface FireJson {
  dueAt: string;
  taskId?: string;
  why: string;
}

it(
  'goes on where it was, each time',
  async () => {
    const ran = join(cluster.home, 'ran');
    const script = `echo $MUSTER_TASK_ID $MUSTER_ATTEMPT >> ${ran}; sleep 1`;
    const every = [
      '--every',
      '1s',
      '--overlap',
      'allow',
      '--missed',
      'all',
      '--missed-window',
      '1h',
    ];
    await cluster.muster('schedule', 'create', 'tick', ...every, '--', 'sh', '-c', script);
    const created = await cluster.muster(
      'run',
      '--all',
      '--max-parallel',
      '1',
      '-d',
      '--',
      'sh',
      '-c',
      script,
    );
    const id = created.stdout.toString().trim();
    for (let kill = 0; kill < KILLS; kill += 1) {
      // In the middle of whatever it does: its next fire is less than a second away.
      const seen = await countFires();
      await cluster.kill('supervisor');
      await cluster.startSupervisor();
      await eventually(async () => (await countFires()) > seen, 'the schedule goes on');
    }
    const wait = await cluster.muster('task', 'wait', id);
    expect(wait.code, wait.stderr).toBe(0);
    await cluster.muster('schedule', 'pause', 'tick');

    const { fires } = await json<{ fires: FireJson[] }>(
      'schedule',
      'fires',
      'tick',
      '--limit',
      '200',
    );
    const due = fires.map(({ dueAt }) => Date.parse(dueAt)).reverse();
    expect(due).toEqual(due.map((_, index) => (due[0] as number) + index * 1_000));
    // The pause drops a due time that has just come, and says so.
    const dropped = fires.filter(({ taskId = '' }) => taskId === '');
    expect([[], ['it was paused before it could fire']]).toContainEqual(
      dropped.map(({ why }) => why),
    );
    const fired = fires.filter((fire) => !dropped.includes(fire));
    expect(new Set(fired.map(({ taskId }) => taskId)).size).toBe(fired.length);
    for (const { taskId } of fired) {
      const ended = await cluster.muster('task', 'wait', taskId ?? '');
      expect(ended.code, ended.stderr).toBe(0);
    }
    const lines = (await readFile(ran, 'utf8')).trim().split('\n');
    expect(new Set(lines).size).toBe(lines.length);
    expect(lines).toHaveLength(fired.length + NODES.length);
    const verify = await cluster.muster('task', 'verify', '--all');
    expect(verify.stdout.toString()).toContain('all clean');
    expect((await cluster.muster('schedule', 'verify', 'tick')).stdout.toString()).toContain(
      'clean',
    );
  },
  TIMEOUT_MS,
);

async function countFires(): Promise<number> {
  return (await json<{ fires: FireJson[] }>('schedule', 'fires', 'tick', '--limit', '200')).fires
    .length;
}
