/**
 * Where tasks run, as a user decides it: drained nodes, offline ones, and any one of several, against a real supervisor and three
 * real agents with different labels.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from './cluster.ts';
import { eventually } from './eventually.ts';

const TIMEOUT_MS = 60_000;
const ROLES = { 'web-1': 'web', 'web-2': 'web', 'db-1': 'db' } as const;

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.create();
  await cluster.startSupervisor();
  for (const [node, role] of Object.entries(ROLES)) {
    await cluster.startAgent(node, '--label', `role=${role}`);
  }
  await cluster.online(...Object.keys(ROLES));
}, TIMEOUT_MS);

afterAll(async () => {
  await cluster.stop();
}, TIMEOUT_MS);

const muster = async (...args: string[]) => {
  const { code, stdout, stderr } = await cluster.muster(...args);
  return { code, stdout: stdout.toString(), stderr };
};

async function nodeOf(id: string): Promise<{ nodeId?: string; reason?: string }> {
  return JSON.parse((await muster('task', 'get', id, '-o', 'json')).stdout) as { nodeId?: string };
}

describe('any one node', () => {
  it('is one of those that are chosen', async () => {
    const where = 'echo $MUSTER_NODE_ID';
    for (const args of [
      ['-l', 'role=db'],
      ['-w', 'db-1,web-2', '-x', 'web-2'],
    ]) {
      const run = await muster('run', '--any', ...args, '--', 'sh', '-c', where);
      expect(run).toMatchObject({ code: 0, stdout: 'db-1\n' });
    }
    const both = await muster('run', '--any', '-l', 'role=web', '--', 'sh', '-c', where);
    expect(both.stdout).toMatch(/^web-[12]\n$/);
    const named = await muster('run', '--any', '-l', 'role=web', '--dry-run', '--', 'true');
    expect(named.stdout).toContain('web-[1-2]');
  });

  it('cannot be many', async () => {
    const args = ['--any', '-l', 'role=web', '--max-parallel', '1'];
    const refused = await muster('run', ...args, '--', 'true');
    expect(refused.code).toBe(125);
    expect(refused.stderr).toContain('--max-parallel is for many nodes');
    const nobody = await muster('run', '--any', '-l', 'role=gpu', '--', 'true');
    expect(nobody.stderr).toContain('the values of role are: db, web');
  });
});

describe('draining a node', () => {
  it('waits for its tasks, gives it no other, and ends with a resumption', async () => {
    const go = `${cluster.home}/go`;
    const script = `until [ -e ${go} ]; do sleep 0.05; done`;
    const at = await muster('run', '--node', 'web-1', '--detach', '--', 'sh', '-c', script);
    const busy = at.stdout.trim();
    await eventually(
      async () => (await muster('task', 'list', '--state', 'running')).stdout.includes(busy),
      'it runs',
    );
    const drain = cluster.spawnMuster('node', 'drain', 'web-1', '--note', 'disk', '--wait');
    await eventually(
      async () =>
        (await muster('node', 'get', 'web-1')).stdout.includes('draining, 1 task at work'),
      'its task is counted',
    );
    const bound = (await muster('run', '--node', 'web-1', '--detach', '--', 'true')).stdout.trim();
    const other = await muster(
      'run',
      '--any',
      '-l',
      'role=web',
      '--',
      'sh',
      '-c',
      'echo $MUSTER_NODE_ID',
    );
    expect(other.stdout).toBe('web-2\n');
    expect(await nodeOf(bound)).toMatchObject({ reason: 'node_draining' });
    await muster('run', '--node', 'db-1', '--', 'touch', go);
    const drained = await drain.result;
    expect(drained.stdout.toString()).toBe('web-1  drained, asked for by user: disk\n');
    expect(drained.code).toBe(0);
    // A new session, of an agent and of a supervisor, changes nothing.
    await cluster.kill('supervisor');
    await cluster.startSupervisor();
    await cluster.online(...Object.keys(ROLES));
    expect((await muster('node', 'list')).stdout).toMatch(/web-1 +● online +drained/);
    expect((await muster('node', 'resume', 'web-1')).stdout).toBe('web-1  takes tasks\n');
    expect((await muster('task', 'wait', bound)).code).toBe(0);
    const history = await muster('node', 'history', 'web-1', '--verify');
    expect(history.code).toBe(0);
    expect(history.stdout).toMatch(/drain\.requested .* user +disk/);
  });

  it('stops what is at work at the deadline', async () => {
    const run = cluster.spawnMuster('run', '--node', 'db-1', '--', 'sleep', '600');
    await eventually(
      async () => (await muster('node', 'get', 'db-1')).stdout.includes('1 of'),
      'it runs',
    );
    const drain = await muster('node', 'drain', 'db-1', '--deadline', '100ms', '--wait');
    expect(drain.stdout).toContain('db-1  drained');
    const { code, stderr } = await run.result;
    expect(code).toBe(130);
    expect(stderr).toContain('cancelled');
    await muster('node', 'resume', 'db-1');
  });
});

describe('a node that is offline', () => {
  it('is waited for, skipped or a failure, and can be forgotten', async () => {
    await cluster.kill('web-2', 'SIGTERM');
    await eventually(
      async () => (await muster('node', 'get', 'web-2')).stdout.includes('offline'),
      'web-2 has left',
    );
    const skipped = await muster('run', '-l', 'role=web', '--offline', 'skip', '--', 'true');
    expect(skipped.code).toBe(0);
    expect(skipped.stderr).toContain('2/2  1 completed  1 skipped');
    const failed = await muster('run', '-l', 'role=web', '--offline', 'fail', '--', 'true');
    expect(failed.code).toBe(3);
    expect(failed.stderr).toContain('web-2: ');
    expect(failed.stderr).toContain('node web-2 is offline');
    const alone = await muster('run', '--node', 'web-2', '--offline', 'fail', '--', 'true');
    expect(alone.code).toBe(125);
    const mistaken = await muster('run', '--node', 'web-2', '--offline', 'panic', '--', 'true');
    expect(mistaken.stderr).toContain("--offline: 'panic' is none of wait, skip, fail");
    const waits = (await muster('run', '--node', 'web-2', '--detach', '--', 'true')).stdout.trim();
    expect((await muster('node', 'delete', 'web-2')).stderr).toContain('tasks that are not over');
    await muster('task', 'cancel', waits);
    expect((await muster('node', 'delete', 'web-2')).stdout).toBe('web-2  deleted\n');
    expect((await muster('node', 'get', 'web-2')).code).toBe(1);
    expect((await muster('node', 'delete', 'web-1')).stderr).toContain('its agent is connected');
  });
});
