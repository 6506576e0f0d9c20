/**
 * Machines and tasks as diagrams from the command line, and a task inspected live, against a real supervisor and a real agent.
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

async function textOf(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.muster(...args);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout.toString();
}

it(
  'lists machines and prints each in every form',
  async () => {
    const table = await textOf('machine', 'list');
    expect(table).toMatch(/^task +1 +\d+ +\d+ +completed, failed, timeout, cancelled$/m);
    const names = [...table.matchAll(/^([a-z_]+) /gm)].map(([, name = '']) => name);
    expect(names).toEqual(['task', 'fan_out', 'schedule', 'node', 'session', 'worker']);
    expect(await textOf('machine', 'show', 'task')).toMatch(/^stateDiagram-v2\n/);
    expect(await textOf('machine', 'show', 'session', '-o', 'svg')).toMatch(/^<svg [^]*<\/svg>\n$/);
    expect(JSON.parse(await textOf('machine', 'show', 'task', '-o', 'xstate'))).toHaveProperty(
      'states',
    );
    expect(JSON.parse(await textOf('machine', 'show', 'task', '-o', 'json'))).toHaveProperty(
      'edges',
    );
  },
  TIMEOUT_MS,
);

it(
  'says how often edges were taken, and goes on counting after an orderly restart',
  async () => {
    const completed = async () => {
      // At first nothing is counted, and that is said.
      const { stdout } = await cluster.muster('machine', 'counts', 'task', '--since', '24h');
      const counted = /^task +running +attempt.exited +completed +(\d+)$/m.exec(stdout.toString());
      return Number(counted?.[1] ?? 0);
    };
    const before = await completed();
    await textOf('run', '--node', 'web-1', '--', 'true');
    // At once: what is counted is written at the end of the supervisor.
    await cluster.kill('supervisor', 'SIGTERM');
    await cluster.startSupervisor();
    await cluster.online('web-1');
    expect(await completed()).toBe(before + 1);
    await textOf('run', '--node', 'web-1', '--', 'true');
    await eventually(async () => (await completed()) === before + 2, 'the second is counted');
  },
  TIMEOUT_MS,
);

it(
  'lists the definitions that have run, and prints one by its hash',
  async () => {
    const table = await textOf('machine', 'list', '--all');
    const [, hash = ''] = /^schedule +1 +yes +([0-9a-f]{12}) +20/m.exec(table) ?? [];
    const byHash = await textOf('machine', 'show', 'schedule', '--version', hash);
    expect(byHash).toBe(await textOf('machine', 'show', 'schedule'));
    const unknown = await cluster.muster('machine', 'show', 'schedule', '--version', '99');
    expect(unknown.stderr).toContain(
      `There is no version 99 of the machine schedule; there is 1 (${hash})`,
    );
  },
  TIMEOUT_MS,
);

it(
  'says what it cannot print',
  async () => {
    const unknown = await cluster.muster('machine', 'show', 'nothing');
    expect(unknown.stderr).toContain('There is no machine nothing; there is task, fan_out');
    const form = await cluster.muster('machine', 'show', 'task', '-o', 'png');
    expect(form.stderr).toContain("'png' is none of mermaid, svg, xstate, json");
    expect([unknown.code, form.code]).toEqual([1, 2]);
  },
  TIMEOUT_MS,
);

it(
  'prints a line for each step of a task while it runs, and ends with it',
  async () => {
    const go = join(cluster.home, 'go');
    const script = `until [ -e ${go} ]; do /bin/sleep 0.02; done; exit 3`;
    const id = (await textOf('run', '-d', '--node', 'web-1', '--', 'sh', '-c', script)).trim();
    const { child, result } = cluster.spawnMuster('task', 'inspect', id);
    let shown = '';
    child.stdout?.on('data', (bytes: Buffer) => (shown += bytes.toString()));
    await eventually(() => shown.includes('running.executing'), 'the task is seen to run');
    await writeFile(go, '');
    const { code, stdout } = await result;
    expect(code).toBe(0);
    const lines = stdout.toString().trimEnd().split('\n');
    expect(lines.map((line) => line.replace(/^[\d:]+ +/, '').replaceAll(/ {2,}/g, '  '))).toEqual([
      '1  task.created  pending.queued',
      '2  attempt.dispatched  pending.queued → running.dispatched',
      '3  attempt.started  running.dispatched → running.executing',
      '4  attempt.exited  running.executing → failed',
    ]);
    const svg = await textOf('task', 'diagram', id);
    expect(svg).toContain('class="state final current" data-path="failed"');
    const before = await textOf('task', 'diagram', id, '--version', '2');
    expect(before).toContain('class="state atomic current" data-path="running.dispatched"');
  },
  TIMEOUT_MS,
);

it(
  'leaves programs to task watch',
  async () => {
    const { code, stderr } = await cluster.muster('task', 'inspect', 'x', '-o', 'json');
    expect(stderr).toContain('muster task watch ID -o jsonl');
    expect(code).toBe(2);
  },
  TIMEOUT_MS,
);
