/**
 * `muster call` against a real supervisor and real agents: results, failures, progress, many nodes, and an agent that is killed.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Cluster } from './cluster.ts';
import { eventually } from './eventually.ts';

const TIMEOUT_MS = 60_000;
const HANDLERS = fileURLToPath(new URL('../agent/testing/handlers-module.ts', import.meta.url));

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.create();
  await cluster.startSupervisor();
  await startAgent('web-1');
  await startAgent('web-2');
  await cluster.startAgent('bare-1');
  await cluster.online('web-1', 'web-2', 'bare-1');
}, TIMEOUT_MS);

afterAll(async () => {
  await cluster.stop();
}, TIMEOUT_MS);

async function startAgent(nodeId: string): Promise<void> {
  await cluster.startAgent(nodeId, '--handlers', HANDLERS, '--label', 'role=web');
}

async function call(handler: string, ...args: string[]) {
  const { code, stdout, stderr } = await cluster.muster('call', handler, ...args);
  return { code, stdout: stdout.toString(), stderr };
}

it('prints the result on standard output, and log and progress on standard error', async () => {
  const { code, stdout, stderr } = await call(
    'steps',
    '--node',
    'web-1',
    '--input',
    '{"count": 2}',
  );
  expect([code, stdout]).toEqual([0, '"done"\n']);
  expect(stderr).toMatch(/attempt 1 of [-0-9a-f]{36}\n/);
});

it('takes its input from a file and from standard input, and prints null for nothing', async () => {
  const file = join(cluster.home, 'input.json');
  await writeFile(file, ' {"a": [1, 2]}\n');
  expect(await call('echo', '--node', 'web-1', '--input', `@${file}`)).toMatchObject({
    code: 0,
    stdout: '{"a":[1,2]}\n',
  });
  const piped = await cluster.musterWithInput(
    '7',
    'call',
    'echo',
    '--node',
    'web-2',
    '--input',
    '-',
  );
  expect([piped.code, piped.stdout.toString()]).toEqual([0, '7\n']);
  expect(await call('nothing', '--node', 'web-1')).toMatchObject({ code: 0, stdout: 'null\n' });
});

it('fails with what the handler has thrown', async () => {
  const failed = await call('fail', '--node', 'web-1', '--input', '"no disk"');
  expect([failed.code, failed.stdout]).toEqual([1, '']);
  expect(failed.stderr).toMatch(/Error: no disk\n +at /);
  expect(failed.stderr).toMatch(/web-1: failed: no disk\n$/);
});

it('says what a node cannot call', async () => {
  const unknown = await call('ecco', '--node', 'web-1');
  expect(unknown.stderr).toContain('node web-1 has no handler ecco; it has big, ');
  expect(unknown.code).toBe(125);
  const bare = await call('echo', '--node', 'bare-1');
  expect(bare.stderr).toContain('its agent was started without --handlers');
  expect((await call('echo', '--node', 'web-1', '--input', '{')).stderr).toContain('is no JSON');
  expect((await call('echo')).stderr).toContain('say where');
});

it('prints a line for each of many nodes', async () => {
  const { code, stdout } = await call('echo', '-l', 'role=web', '--input', '[1]');
  expect(code).toBe(0);
  expect(stdout.split('\n').sort()).toEqual(['', '{"web-1": [1]}', '{"web-2": [1]}']);
  const document = await call('echo', '-l', 'role=web', '--input', '2', '-o', 'json');
  const { children } = JSON.parse(document.stdout) as { children: { resultJson: string }[] };
  expect(children.map(({ resultJson }) => resultJson)).toEqual(['2', '2']);
});

it('is a task of type handler, with its result and its node’s handlers on show', async () => {
  const { stdout } = await call('echo', '--node', 'web-1', '--input', '"x"', '-o', 'json');
  const task = JSON.parse(stdout) as Record<string, string>;
  expect(task).toMatchObject({
    name: 'echo',
    type: 'TASK_TYPE_HANDLER',
    state: 'TASK_STATE_COMPLETED',
    resultJson: '"x"',
  });
  const shown = await cluster.muster('task', 'get', task['id'] ?? '');
  expect(shown.stdout.toString()).toMatch(/Result +"x"/);
  expect(shown.stdout.toString()).toMatch(/Handler +echo\nInput +"x"/);
  const node = await cluster.muster('node', 'get', 'web-1');
  expect(node.stdout.toString()).toMatch(/Handlers +big .*echo/);
  const verified = await cluster.muster('task', 'verify', task['id'] ?? '');
  expect(verified.code).toBe(0);
});

it('shows the progress of a running call, and cancels it', async () => {
  const detached = await call('report', '--node', 'web-1', '--input', '0.25', '--detach');
  const id = detached.stdout.trim();
  await eventually(async () => {
    const { stdout } = await cluster.muster('task', 'get', id);
    return /Progress +25 % {2}a quarter/.test(stdout.toString());
  }, 'the progress is shown');
  const watch = cluster.spawnMuster('task', 'watch', id);
  const { stdout: seen } = watch.child;
  await new Promise<void>((resolve) => {
    seen?.on('data', (bytes: Buffer) => {
      if (bytes.includes('25 %')) resolve();
    });
  });
  expect((await cluster.muster('task', 'cancel', id)).code).toBe(0);
  expect((await watch.result).stdout.toString()).toContain('cancelled');
});

it(
  'is lost when its agent is killed, and called again if the policy allows it (I2)',
  async () => {
    const file = join(cluster.home, 'marks');
    const calls = () => readFile(file, 'utf8');
    const input = ['--node', 'web-2', '--input', JSON.stringify({ file })];
    const once = call('mark', ...input);
    await eventually(async () => (await calls()) === 'called\n', 'the first call');
    const twice = call('markOnce', ...input, '--max-attempts', '2');
    await eventually(async () => (await calls()) === 'called\ncalled\n', 'the second call');
    await cluster.kill('web-2');
    await startAgent('web-2');
    const lost = await once;
    expect(lost.stderr).toContain('the agent that had called the handler has ended');
    expect(lost.code).toBe(125);
    expect(await twice).toMatchObject({ code: 0, stdout: '2\n' });
    expect(await calls()).toBe('called\ncalled\n');
  },
  TIMEOUT_MS,
);
