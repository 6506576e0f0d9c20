/**
 * `muster service` against a real supervisor and real agents: one with a stand-in systemctl on its PATH, one with none.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Cluster } from './cluster.ts';
import { eventually } from './eventually.ts';

const TIMEOUT_MS = 60_000;

/** `slow` takes until a file is there; `dead` is not active. */
const SYSTEMCTL = `#!/bin/sh
here=\${0%/*}
echo "$@"
case "$*" in
  *'status -- dead') exit 3 ;;
  *'-- slow') echo >> "$here/calls"; until [ -e "$here/go" ]; do /bin/sleep 0.02; done; echo done ;;
esac
`;

let cluster: Cluster;
let bin: string;

beforeAll(async () => {
  cluster = await Cluster.create();
  bin = join(cluster.home, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'systemctl'), SYSTEMCTL, { mode: 0o755 });
  await cluster.startSupervisor();
  await startAgent('web-1', bin);
  await startAgent('bare-1', join(cluster.home, 'nothing'));
  await cluster.online('web-1', 'bare-1');
}, TIMEOUT_MS);

afterAll(async () => {
  await cluster.stop();
}, TIMEOUT_MS);

async function startAgent(nodeId: string, path: string): Promise<void> {
  vi.stubEnv('PATH', path);
  await cluster.startAgent(nodeId).finally(() => vi.unstubAllEnvs());
}

it('prints what systemctl says and ends as it does', async () => {
  const restart = await cluster.muster('service', 'restart', 'nginx', '--node', 'web-1');
  expect(restart.stdout.toString()).toBe('--no-pager --no-ask-password restart -- nginx\n');
  expect(restart.code).toBe(0);
  const status = await cluster.muster('service', 'status', 'dead', '--node', 'web-1');
  expect(status.code).toBe(3);
});

it('is a task of type service, named after what it does', async () => {
  await cluster.muster('service', 'enable', 'backup.timer', '--node', 'web-1');
  const listed = await cluster.muster('task', 'list', '--type', 'service', '-o', 'json');
  const { tasks } = JSON.parse(listed.stdout.toString()) as { tasks: Record<string, string>[] };
  expect(tasks[0]).toMatchObject({ name: 'enable backup.timer', type: 'TASK_TYPE_SERVICE' });
  const shown = await cluster.muster('task', 'get', tasks[0]?.['id'] ?? '');
  expect(shown.stdout.toString()).toMatch(/Service +enable backup\.timer/);
  expect(shown.stdout.toString()).not.toContain('Interpreter');
});

it('says that a host has no systemd', async () => {
  const { code, stderr } = await cluster.muster('service', 'stop', 'nginx', '--node', 'bare-1');
  expect(stderr).toContain('cannot stop nginx on node bare-1: systemctl is not installed there');
  expect(code).not.toBe(0);
});

it(
  'goes on while its agent is killed and started again, and is called once (I2)',
  async () => {
    const args = ['service', 'start', 'slow', '--node', 'web-1', '--max-attempts', '2'];
    const end = cluster.muster(...args);
    const calls = () => readFile(join(bin, 'calls'), 'utf8');
    await eventually(async () => (await calls()) === '\n', 'systemctl is called');
    await cluster.kill('web-1');
    await startAgent('web-1', bin);
    await writeFile(join(bin, 'go'), '');
    const { code, stdout } = await end;
    expect(stdout.toString()).toBe('--no-pager --no-ask-password start -- slow\ndone\n');
    expect([code, await calls()]).toEqual([0, '\n']);
  },
  TIMEOUT_MS,
);
