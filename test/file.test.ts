/**
 * `muster file` against a real supervisor and real agents: files put on many nodes and fetched back, and what becomes of a put whose
 * supervisor, agent or worker is killed in the middle.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Cluster } from './cluster.ts';
import { eventually } from './eventually.ts';

const TIMEOUT_MS = 120_000;
const MIB = 2 ** 20;
const NODES = ['web-1', 'web-2', 'web-3'];

let cluster: Cluster;
/** Where agents may put files, and where the command line has its own. */
let files: string;
let local: string;

beforeAll(async () => {
  cluster = await Cluster.create();
  files = join(cluster.home, 'files');
  local = join(cluster.home, 'local');
  await mkdir(files);
  await mkdir(local);
  await cluster.startSupervisor();
  for (const node of NODES) await startAgent(node);
  await cluster.online(...NODES);
}, TIMEOUT_MS);

afterAll(async () => {
  await cluster.stop();
}, TIMEOUT_MS);

const startAgent = (node: string) => cluster.startAgent(node, '--allow-path', files);

async function makeLocal(name: string, content: Uint8Array | string): Promise<string> {
  const path = join(local, name);
  await writeFile(path, content);
  return path;
}

it(
  'puts 5 MiB on three nodes, leaves them alone the second time, and fetches them back',
  async () => {
    const content = randomBytes(5 * MIB + 3);
    const source = await makeLocal('app.bin', content);
    const put = ['file', 'put', source, '--to', `${files}/a/`, '--mkdir', '--mode', '0640'];
    const first = await cluster.muster(...put, '--all');
    expect(first.stderr).toContain('3/3  3 completed');
    expect(first.code).toBe(0);
    const path = join(files, 'a', 'app.bin');
    expect(Buffer.compare(await readFile(path), content)).toBe(0);
    const again = await cluster.muster(...put, '--all', '--gather');
    expect(again.stdout.toString()).toContain(`web-[1-3] (3)`);
    expect(again.stdout.toString()).toContain(`unchanged ${path}`);
    expect(again.stdout.toString()).not.toMatch(/created|updated/);
    const to = join(local, 'fetched');
    const get = await cluster.muster('file', 'get', path, '-l', '!none', '--to', to);
    expect(get.stderr).toContain(`3 files in ${to}`);
    for (const node of NODES) {
      expect(Buffer.compare(await readFile(join(to, node, 'app.bin')), content)).toBe(0);
    }
  },
  TIMEOUT_MS,
);

it(
  'takes standard input, prints to standard output, looks and deletes',
  async () => {
    const path = join(files, 'motd');
    const where = ['--node', 'web-1'];
    const input = 'hello\n';
    const put = await cluster.musterWithInput(input, 'file', 'put', '-', '--to', path, ...where);
    expect([put.stdout.toString(), put.code]).toEqual([`created ${path}\n`, 0]);
    const get = await cluster.muster('file', 'get', path, '-n', 'web-2');
    expect([get.stdout.toString(), get.code]).toEqual([input, 0]);
    const stat = await cluster.muster('file', 'stat', path, ...where);
    expect(stat.stdout.toString()).toContain('type: file\nsize: 6\nmode: 0644\n');
    const listed = await cluster.muster('task', 'list', '--type', 'file', '-o', 'json');
    const { tasks } = JSON.parse(listed.stdout.toString()) as { tasks: Record<string, string>[] };
    expect(tasks[0]).toMatchObject({ type: 'TASK_TYPE_FILE' });
    expect(tasks[0]?.['name']).toMatch(/^stat .*motd$/);
    const shown = await cluster.muster('task', 'get', tasks[0]?.['id'] ?? '');
    expect(shown.stdout.toString()).toContain(`stat ${path}`);
    const gone = await cluster.muster('file', 'delete', path, ...where);
    expect(gone.stdout.toString()).toBe(`deleted ${path}\n`);
    const none = await cluster.muster('file', 'get', path, ...where, '--to', join(local, 'none'));
    expect(none.stderr).toContain(`Cannot fetch ${path}: there is no such file`);
    expect(none.code).toBe(1);
    expect(await readdir(local)).not.toContain('none');
  },
  TIMEOUT_MS,
);

it(
  'refuses what is outside the fence, and a wrong command line',
  async () => {
    const source = await makeLocal('x', 'x');
    const outside = join(cluster.home, 'outside');
    const put = ['file', 'put', source, '--to'];
    const refused = await cluster.muster(...put, outside, '--node', 'web-1');
    expect(refused.stderr).toContain(
      `Cannot write ${outside}: node web-1 allows files only in ${files}`,
    );
    expect(refused.code).toBe(1);
    for (const [args, words] of [
      [[...put, join(files, 'x')], 'say where: --node'],
      [[...put, 'relative', '--node', 'web-1'], 'it must be the absolute path of a file'],
      [[...put, join(files, 'x'), '--mode', '999', '--node', 'web-1'], 'octal digits'],
      [['file', 'put', '-', '--to', `${files}/`, '--node', 'web-1'], 'has no name'],
      [['file', 'get', '/x', '--all'], '--to FOLDER'],
      [['file', 'put', join(local, 'no'), '--to', '/x', '--node', 'web-1'], 'no such file'],
      [['file', 'put', local, '--to', '/x', '--node', 'web-1'], 'no regular file'],
    ] as const) {
      const { code, stderr } = await cluster.muster(...args);
      expect(stderr).toContain(words);
      expect(code).toBe(125);
    }
  },
  TIMEOUT_MS,
);

/** Begins a put of 24 MiB over `old` and kills supervisor and agent in the middle; the worker lives and waits. */
async function interruptPut(path: string): Promise<{ id: string; content: Buffer; pid: number }> {
  await writeFile(path, 'old');
  const content = randomBytes(24 * MIB);
  const source = await makeLocal('large', content);
  const args = ['file', 'put', source, '--to', path, '--node', 'web-1', '--detach'];
  const { stdout } = await cluster.muster(...args);
  await eventually(async () => (await temporaries()).length === 1, 'the put is under way');
  await cluster.kill('supervisor');
  await cluster.kill('web-1');
  expect(await readFile(path, 'utf8')).toBe('old');
  const pid = Number(/-(\d+)\.tmp$/.exec((await temporaries())[0] ?? '')?.[1]);
  return { id: stdout.toString().trim(), content, pid };
}

const temporaries = async () => (await readdir(files)).filter((name) => name.endsWith('.tmp'));

async function startAgain(): Promise<void> {
  await cluster.startSupervisor();
  await startAgent('web-1');
}

it(
  'goes on with a put whose supervisor and agent were killed, once they are back (I1, I2)',
  async () => {
    const path = join(files, 'survivor');
    const { id, content } = await interruptPut(path);
    await startAgain();
    const wait = await cluster.muster('task', 'wait', id);
    expect(wait.code).toBe(0);
    expect(Buffer.compare(await readFile(path), content)).toBe(0);
    expect(await temporaries()).toEqual([]);
    const logs = await cluster.muster('task', 'logs', id);
    expect(logs.stdout.toString()).toBe(`updated ${path}\n`);
    expect(logs.stderr).toContain('waiting for the supervisor');
  },
  TIMEOUT_MS,
);

it(
  'leaves the old content whole when the worker is killed too, and says so; the next put cleans up',
  async () => {
    const path = join(files, 'victim');
    const { id, pid } = await interruptPut(path);
    process.kill(pid, 'SIGKILL');
    await startAgain();
    const wait = await cluster.muster('task', 'wait', id);
    expect(wait.code).toBe(137);
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await temporaries()).toHaveLength(1);
    const source = await makeLocal('small', 'new');
    const next = await cluster.muster('file', 'put', source, '--to', path, '--node', 'web-1');
    expect([next.stdout.toString(), await temporaries()]).toEqual([`updated ${path}\n`, []]);
  },
  TIMEOUT_MS,
);
