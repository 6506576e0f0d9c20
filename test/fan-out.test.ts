/**
 * Many nodes at once, as a user types it, against a real supervisor and four real agents.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandResult } from './cluster.ts';
import { Cluster } from './cluster.ts';
import { eventually } from './eventually.ts';

const TIMEOUT_MS = 60_000;
const NODES = ['web01', 'web02', 'web03', 'db1'];

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.create();
  await cluster.startSupervisor();
  for (const node of NODES) {
    await cluster.startAgent(node, '--label', `role=${node.replace(/\d+/, '')}`);
  }
  for (const node of NODES) await cluster.online(node);
}, TIMEOUT_MS);

afterAll(async () => {
  await cluster.stop();
}, TIMEOUT_MS);

function text(result: CommandResult): { code: number | null; stdout: string; stderr: string } {
  return { ...result, stdout: result.stdout.toString() };
}

const muster = async (...args: string[]) => text(await cluster.muster(...args));

interface FanOutJson {
  id: string;
  state: string;
  fanOut: Record<string, number>;
  children: { nodeId: string; state: string; parentId: string }[];
}

describe('muster run on many nodes', () => {
  it('gathers equal output under the nodes that gave it', async () => {
    const script = 'case $MUSTER_NODE_ID in web*) echo web;; *) echo other;; esac';
    const run = await muster('run', '--all', '-b', '--', 'sh', '-c', script);
    expect(run.stdout).toBe(
      '----------\nweb[01-03] (3)\n----------\nweb\n--------\ndb1\n--------\nother\n',
    );
    expect(run.stderr).toContain('4/4  4 completed');
    expect(run.code).toBe(0);
  });

  it('shows the output again later, of all nodes or of one stream', async () => {
    const script = 'echo out; echo err >&2; sleep 0.2';
    const { stdout } = await muster('run', '-d', '-l', 'role=web', '--', 'sh', '-c', script);
    const id = stdout.trim();
    const followed = await muster('task', 'logs', id, '--follow', '--stderr');
    expect(followed.stdout.trim().split('\n').sort()).toEqual([
      'web01: err',
      'web02: err',
      'web03: err',
    ]);
    const stored = await muster('task', 'logs', id, '--stdout');
    expect(stored).toMatchObject({ code: 0, stdout: 'web01: out\nweb02: out\nweb03: out\n' });
    const refused = await muster('task', 'logs', id, '-o', 'json');
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('-o jsonl has one for each line');
  });

  it('puts the name of the node before each line, names failures, and ends with 3', async () => {
    const script = 'echo "one\ntwo"; [ $MUSTER_NODE_ID != web02 ]';
    const run = await muster('run', '-l', 'role=web', '--prefix', '--', 'sh', '-c', script);
    const lines = run.stdout.trim().split('\n').sort();
    expect(lines).toEqual(
      ['web01', 'web02', 'web03'].flatMap((node) => [`${node}: one`, `${node}: two`]),
    );
    expect(run.stderr).toContain('web02: the process exited with code 1');
    expect(run.stderr).toMatch(
      /1 not completed: web02; to run those again: muster task retry --failed [0-9a-f-]{36}/,
    );
    expect(run.code).toBe(3);
  });

  it('starts no node after too many failures, and retries those that have not completed', async () => {
    const marker = `${cluster.home}/broken`;
    await cluster.muster('run', '--node', 'db1', '--', 'touch', marker);
    const args = ['-n', 'web[01-03],db1', '--max-parallel', '1', '--max-failures', '2'];
    const run = await muster('run', ...args, '-o', 'json', '--', 'test', '!', '-e', marker);
    const failed = JSON.parse(run.stdout) as FanOutJson;
    expect(run.code).toBe(3);
    expect(failed.state).toBe('TASK_STATE_FAILED');
    expect(failed.fanOut).toMatchObject({
      total: 4,
      failed: 2,
      cancelled: 2,
      maxParallel: 1,
      maxFailures: 2,
    });
    expect(failed.children.map(({ nodeId }) => nodeId)).toEqual(['db1', 'web01', 'web02', 'web03']);
    await cluster.muster('run', '--node', 'db1', '--', 'rm', marker);
    const retry = await muster('task', 'retry', '--failed', failed.id, '-o', 'json');
    const { id } = JSON.parse(retry.stdout) as FanOutJson;
    expect((await muster('task', 'wait', id)).code).toBe(0);
    expect((await muster('task', 'verify', id)).stdout).toContain('clean');
  });

  it('is paused, resumed and cancelled with its children', async () => {
    const created = await muster(
      'run',
      '--all',
      '--max-parallel',
      '1',
      '--detach',
      '--',
      'sleep',
      '60',
    );
    const id = created.stdout.trim();
    expect((await muster('task', 'pause', id, '--note', 'lunch')).stdout).toContain(
      'running.paused',
    );
    expect((await muster('task', 'resume', id)).stdout).toContain('running.rolling');
    expect((await muster('task', 'resume', id)).stderr).toContain(
      'only a paused one can be resumed',
    );
    await muster('task', 'cancel', id);
    await eventually(async () => {
      const { stdout } = await muster('task', 'get', id, '-o', 'json');
      return (JSON.parse(stdout) as FanOutJson).state === 'TASK_STATE_CANCELLED';
    }, 'the fan-out is cancelled');
    expect((await muster('task', 'wait', id)).code).toBe(130);
  });

  it('runs on the nodes of a group and of those below it', async () => {
    await muster('group', 'create', 'europe');
    await muster('group', 'create', 'berlin', '--parent', 'europe');
    expect(
      (await muster('group', 'add', 'berlin', '-l', 'role=web', '-x', 'web03')).stderr,
    ).toContain('2 added');
    await muster('group', 'add', 'europe', '-n', 'db1');
    const run = await muster('run', '-g', 'europe', '--prefix', '--', 'echo', 'here');
    expect(run.stdout.trim().split('\n').sort()).toEqual([
      'db1: here',
      'web01: here',
      'web02: here',
    ]);
    expect((await muster('group', 'list')).stdout).toMatch(/berlin\s+europe\s+2\s+2/);
    expect((await muster('group', 'get', 'europe')).stdout).toContain('3 with the groups below');
    expect((await muster('run', '-g', 'europa', '--', 'true')).stderr).toContain(
      'Group europa is unknown; there is europe',
    );
    expect((await muster('group', 'delete', 'europe')).stderr).toContain(
      'there are groups below it',
    );
  });

  it('names the nodes beforehand, and what is wrong with a selection', async () => {
    expect(
      (await muster('run', '-l', 'role in (web,db)', '-x', 'web02', '--dry-run', '--', 'true'))
        .stdout,
    ).toBe('3 nodes, 3 online: db1,web[01,03]\n');
    expect((await muster('node', 'resolve', '--all')).stdout).toBe(
      '4 nodes, 4 online: db1,web[01-03]\n',
    );
    const cases: [string[], string][] = [
      [['-n', 'web[01-05]'], 'nodes web04, web05 are unknown; there is web01'],
      [['-l', 'role=cache'], 'no node matches "role=cache"; the values of role are: db, web'],
      [['-l', 'role=='], 'no node matches'],
      [['--all', '-x', 'web[01-03],db1'], 'all 4 nodes are excluded'],
      [['-x', 'web01'], '-x leaves nodes out; choose some with -n, -l, -g or --all'],
      [['--max-parallel', '3'], '--max-parallel is for many nodes'],
      [['--all', '--max-parallel', '0%'], "'0%' is neither a number from 1 on nor a share"],
      [['--all', '--node', 'db1'], '--node is for one node'],
      [['--all', '-b', '--prefix'], '--gather and --prefix exclude each other'],
    ];
    for (const [flags, sentence] of cases) {
      const { code, stderr } = await muster('run', ...flags, '--', 'true');
      expect(stderr).toContain(sentence);
      expect(code).toBe(125);
    }
  });
});
