/**
 * `muster schedule update` against a real supervisor: what is not given stays.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Cluster } from './cluster.ts';

const TIMEOUT_MS = 60_000;

interface Shown {
  readonly state: string;
  readonly version: number;
  readonly spec: {
    readonly timing: Record<string, string>;
    readonly overlap: string;
    readonly task: {
      readonly target: Record<string, unknown>;
      readonly fanOut?: Record<string, unknown>;
      readonly policy: Record<string, unknown>;
      readonly labels: Record<string, string>;
      readonly script: { readonly body?: string; readonly argv?: { readonly words: string[] } };
    };
  };
}

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

async function update(...args: string[]): Promise<Shown> {
  const result = await cluster.muster('schedule', 'update', 'nightly', '-o', 'json', ...args);
  expect(result.stderr).toBe('');
  return JSON.parse(result.stdout.toString()) as Shown;
}

it(
  'changes times, rules and the task, one by one, and proves its history',
  async () => {
    const when = ['--cron', '0 4 * * *', '--tz', 'Europe/Berlin', '--until', '2100-01-01T00:00Z'];
    const what = ['--overlap', 'queue', '--label', 'a=b', '--timeout', '1m', '--', 'sleep', '1'];
    await cluster.muster('schedule', 'create', 'nightly', ...when, ...what);

    const later = await update('--cron', '0 5 * * *');
    expect(later.spec.timing).toMatchObject({
      cron: '0 5 * * *',
      timeZone: 'Europe/Berlin',
      endAt: '2100-01-01T00:00:00Z',
    });
    expect(later.spec).toMatchObject({ overlap: 'OVERLAP_QUEUE', task: { labels: { a: 'b' } } });

    const often = await update('--every', '2h', '--until', 'none');
    expect(often.spec.timing).toMatchObject({ every: '7200s', timeZone: '' });
    expect(often.spec.timing).not.toHaveProperty('endAt');

    const other = await update('--overlap', 'forbid', '--priority', '9', '--', 'true');
    expect(other.spec).toMatchObject({
      overlap: 'OVERLAP_FORBID',
      task: {
        policy: { timeout: '60s', priority: 9 },
        labels: { a: 'b' },
        script: { argv: { words: ['true'] } },
      },
    });

    const many = await update('--all', '--max-parallel', '10%');
    expect(many.spec.task.target).toMatchObject({ selection: { all: true } });
    const slower = await update('--max-failures', '3');
    expect(slower.spec.task).toMatchObject({
      target: { selection: { all: true } },
      fanOut: { maxParallel: '10%', maxFailures: '3' },
    });
    const one = await update('--node', 'web-1');
    expect(one.spec.task.target).toEqual({ nodeId: 'web-1' });
    expect(one.spec.task).not.toHaveProperty('fanOut');
    expect(one.version).toBe(7);

    const verified = await cluster.muster('schedule', 'verify', 'nightly');
    expect(verified.stdout.toString()).toBe('nightly  ✓ clean, 7 transitions\n');
  },
  TIMEOUT_MS,
);

it(
  'says what it cannot change',
  async () => {
    await cluster.muster('schedule', 'create', 'hourly', '--every', '1h', '--', 'true');
    const refused = async (...args: string[]) => {
      const { code, stderr } = await cluster.muster('schedule', 'update', 'hourly', ...args);
      expect(code).not.toBe(0);
      return stderr;
    };
    expect(await refused()).toContain('nothing to change');
    expect(await refused('--tz', 'Europe/Berlin')).toContain('--tz goes with --cron only');
    expect(await refused('--shell', 'bash')).toContain('give the script as well: -f FILE');
    expect(await refused('--max-parallel', '3')).toContain('--max-parallel is for many nodes');
    expect(await refused('--jitter', '1s', '--expect-version', '9')).toContain('has version 1');
  },
  TIMEOUT_MS,
);
