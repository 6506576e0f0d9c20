// File actions on real files, by real workers that call a real server: what becomes of the file, and what is said about it.
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toJson } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { StartAttemptSchema } from '../../../proto/gen/muster/v1/agent_service_pb.ts';
import {
  type FileActionSchema,
  type PutFileSchema,
} from '../../../proto/gen/muster/v1/file_action_pb.ts';
import { TaskSpecSchema } from '../../../proto/gen/muster/v1/task_pb.ts';
import { startTestServer, type TestServer } from '../../../src/http/testing/test-server.ts';
import { TOKENS } from '../../../src/http/testing/transports.ts';
import { systemClock } from '../../../src/process/clock.ts';
import { makeNodeToken } from '../../../src/rpc/auth.ts';
import { StubSupervisor } from '../../../src/rpc/testing/stub-supervisor.ts';
import { eventually } from '../../../test/eventually.ts';
import { keyOf, startOf } from '../../testing/starts.ts';
import type { ProcessGroup, StartResult } from '../executor.ts';
import { ScriptExecutor } from '../script/executor.ts';
import { FileExecutor } from './executor.ts';

const isRoot = process.getuid?.() === 0;
const MIB = 2 ** 20;

let stub: StubSupervisor;
let server: TestServer;
/** Where attempts are, and where files may be. */
let home: string;
let files: string;
let script: ScriptExecutor;
let groups: ProcessGroup[];

beforeAll(async () => {
  stub = new StubSupervisor();
  server = await startTestServer({ supervisor: stub, tokens: TOKENS });
});

afterAll(() => server.close(0));

beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'muster-file-')));
  files = join(home, 'files');
  mkdirSync(files);
  const token = `${makeNodeToken(TOKENS.agent, 'web-1')}\n`;
  writeFileSync(join(home, 'node.token'), token, { mode: 0o600 });
  const environment = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' };
  script = new ScriptExecutor({
    nodeId: 'web-1',
    attemptsFolder: home,
    environment,
    clock: systemClock,
  });
  groups = [];
  stub.calls.length = 0;
});

afterEach(() => {
  for (const group of groups) if (!group.isEmpty()) group.signal('SIGKILL');
  script.close();
  rmSync(home, { recursive: true, force: true });
});

type Action = MessageInitShape<typeof FileActionSchema>;

let number = 0;
const folderOf = (count: number) => join(home, `attempt-${count}`);

async function start(action: Action, allowedPaths: string[] = []): Promise<StartResult> {
  const supervisor = { serverUrl: server.url, ca: null, nodeTokenFile: join(home, 'node.token') };
  const executor = new FileExecutor({ nodeId: 'web-1', allowedPaths, supervisor, script });
  number += 1;
  const key = keyOf(startOf(''));
  const asked = { case: 'file' as const, value: action };
  const spec = create(TaskSpecSchema, { action: asked } as never);
  stub.specs.set(key.taskId, toJson(TaskSpecSchema, spec));
  const result = await executor.start(
    create(StartAttemptSchema, { ...key, action: asked } as never),
    folderOf(number),
  );
  if (result.kind === 'started') groups.push(result.group);
  return result;
}

interface Outcome {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

async function perform(action: Action, allowedPaths: string[] = []): Promise<Outcome> {
  const result = await start(action, allowedPaths);
  if (result.kind === 'failed') throw new Error(result.why);
  await result.group.ended;
  const read = (name: string) => readFileSync(join(folderOf(number), name), 'utf8');
  const code = result.group.readExit()?.exitCode;
  return { code, stdout: read('stdout'), stderr: read('stderr') };
}

const hashOf = (content: Uint8Array | string) => createHash('sha256').update(content).digest('hex');

function putOf(
  path: string,
  content: Uint8Array | string,
  more: MessageInitShape<typeof PutFileSchema> = {},
): Action {
  const bytes = Buffer.from(content);
  const sha256 = hashOf(bytes);
  stub.contents.set(sha256, bytes);
  const value = { sha256, sizeBytes: BigInt(bytes.length), ...more };
  return { path, operation: { case: 'put', value } as never };
}

const plain = (path: string, operation: 'get' | 'delete' | 'stat'): Action => ({
  path,
  operation: { case: operation, value: {} } as never,
});

const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);
const failed = (stderr: string) => ({ code: 1, stdout: '', stderr });
const done = (stdout: string) => ({ code: 0, stdout, stderr: '' });

describe('put', () => {
  it('creates a file, updates it, and leaves it alone when all is as it should be', async () => {
    const path = join(files, 'motd');
    expect(await perform(putOf(path, 'hello'))).toEqual(done(`created ${path}\n`));
    expect([readFileSync(path, 'utf8'), modeOf(path)]).toEqual(['hello', '644']);
    const before = statSync(path);
    stub.calls.length = 0;
    expect(await perform(putOf(path, 'hello'))).toEqual(done(`unchanged ${path}\n`));
    expect(statSync(path)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
    expect(stub.calls).toEqual([]);
    expect(await perform(putOf(path, 'world', { mode: '0600' }))).toEqual(
      done(`updated ${path}\n`),
    );
    expect([readFileSync(path, 'utf8'), modeOf(path)]).toEqual(['world', '600']);
    expect(readdirSync(files)).toEqual(['motd']);
  });

  it('keeps the mode that is there, and changes only that where the content is right', async () => {
    const path = join(files, 'tool');
    writeFileSync(path, 'old', { mode: 0o750 });
    chmodSync(path, 0o750);
    expect((await perform(putOf(path, 'new!'))).stdout).toBe(`updated ${path}\n`);
    expect(modeOf(path)).toBe('750');
    stub.calls.length = 0;
    expect((await perform(putOf(path, 'new!', { mode: '4711' }))).stdout).toBe(`updated ${path}\n`);
    expect([modeOf(path), stub.calls]).toEqual(['4711', []]);
    expect((await perform(putOf(path, 'new!', { mode: '04711' }))).stdout).toContain('unchanged');
  });

  it('brings many chunks and none', async () => {
    const large = randomBytes(3 * MIB + 17);
    const path = join(files, 'large');
    expect(await perform(putOf(path, large))).toEqual(done(`created ${path}\n`));
    expect(Buffer.compare(readFileSync(path), large)).toBe(0);
    expect(await perform(putOf(path, ''))).toEqual(done(`updated ${path}\n`));
    expect(statSync(path).size).toBe(0);
  });

  it.runIf(isRoot)('gives it to a user and group, by name or number, and keeps them', async () => {
    const path = join(files, 'owned');
    await perform(putOf(path, 'one', { owner: '1', group: '2', mode: '2755' }));
    expect(statSync(path)).toMatchObject({ uid: 1, gid: 2 });
    expect((await perform(putOf(path, 'two'))).stdout).toBe(`updated ${path}\n`);
    expect(statSync(path)).toMatchObject({ uid: 1, gid: 2 });
    expect(modeOf(path)).toBe('2755');
    await perform(putOf(path, 'two', { owner: 'root' }));
    expect(statSync(path)).toMatchObject({ uid: 0, gid: 2 });
  });

  it('makes missing folders when asked to, and else says that there is none', async () => {
    const path = join(files, 'a', 'b', 'motd');
    expect(await perform(putOf(path, 'x'))).toEqual(
      failed(`Cannot write ${path}: there is no folder ${join(files, 'a', 'b')}\n`),
    );
    const made = await perform(putOf(path, 'x', { createParents: true }));
    expect(made).toEqual(done(`created ${path}\n`));
    expect(modeOf(join(files, 'a'))).toBe('755');
  });

  it('refuses what is no regular file, and who is no user', async () => {
    symlinkSync('/etc/passwd', join(files, 'link'));
    expect((await perform(putOf(join(files, 'link'), 'x'))).stderr).toBe(
      `Cannot write ${join(files, 'link')}: it is a symbolic link to /etc/passwd; name the file itself, or delete it\n`,
    );
    expect((await perform(putOf(files, 'x'))).stderr).toBe(
      `Cannot write ${files}: it is a folder\n`,
    );
    const path = join(files, 'motd');
    expect((await perform(putOf(path, 'x', { owner: 'no-such-user' }))).stderr).toBe(
      `Cannot write ${path}: there is no user no-such-user on this host\n`,
    );
    expect((await perform(putOf(`/proc/${'x'.repeat(300)}/y`, 'x'))).code).toBe(1);
    expect(existsSync(path)).toBe(false);
  });

  it('writes nothing that does not have the hash, or the size', async () => {
    const path = join(files, 'motd');
    writeFileSync(path, 'old');
    for (const [content, words] of [
      ['evil!', 'what came does not have the SHA-256'],
      ['short', 'the content that came does not have 6 bytes'],
    ] as const) {
      const sizeBytes = content === 'short' ? 6n : 5n;
      const action = putOf(path, 'hello', { sizeBytes });
      stub.contents.set(hashOf('hello'), Buffer.from(content));
      const outcome = await perform(action);
      expect(outcome.stderr).toContain(`Cannot write ${path}: ${words}`);
      expect(outcome.code).toBe(1);
    }
    expect([readdirSync(files), readFileSync(path, 'utf8')]).toEqual([['motd'], 'old']);
  });

  it('says what the supervisor says against it', async () => {
    const path = join(files, 'motd');
    const action = putOf(path, 'hello');
    rmSync(join(home, 'node.token'));
    const other = makeNodeToken(TOKENS.agent, 'web-1');
    writeFileSync(join(home, 'node.token'), other, { mode: 0o600 });
    const { specOf } = stub.files;
    const { MusterError } = await import('../../../machines/errors.ts');
    stub.files.specOf = async () => {
      throw new MusterError('permission_denied', 'Cannot transfer the content: it does not run');
    };
    const outcome = await perform(action).finally(() => (stub.files.specOf = specOf));
    expect(outcome).toEqual(
      failed(`Cannot write ${path}: Cannot transfer the content: it does not run\n`),
    );
  });
});

describe('a put that is ended in the middle', () => {
  /** Starts a put of 2 MiB over `old`, whose second half does not come until `release` is called. */
  async function halfway(path: string): Promise<{ group: ProcessGroup; release: () => void }> {
    writeFileSync(path, 'old');
    const { read } = stub.files;
    const { promise, resolve } = Promise.withResolvers<void>();
    const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
    stub.files.read = async (sha256, offset, limit) => {
      if (offset > 0) {
        onAsked();
        await promise;
      }
      return await read(sha256, offset, limit);
    };
    const result = await start(putOf(path, randomBytes(2 * MIB)));
    if (result.kind === 'failed') throw new Error(result.why);
    await asked;
    stub.files.read = read;
    return { group: result.group, release: resolve };
  }

  const temporaries = () => readdirSync(files).filter((name) => name.endsWith('.tmp'));

  it('leaves the old file whole when it is killed, and the next put cleans up', async () => {
    const path = join(files, 'motd');
    const { group, release } = await halfway(path);
    expect(temporaries()).toHaveLength(1);
    group.signal('SIGKILL');
    await group.ended;
    release();
    await eventually(() => group.isEmpty(), 'the group is empty');
    expect([readFileSync(path, 'utf8'), temporaries().length]).toEqual(['old', 1]);
    writeFileSync(join(files, '.muster-of-another-1.tmp'), '');
    expect((await perform(putOf(path, 'new'))).stdout).toBe(`updated ${path}\n`);
    expect(temporaries()).toEqual(['.muster-of-another-1.tmp']);
  });

  it('cleans up itself when it is stopped', async () => {
    const path = join(files, 'motd');
    const { group, release } = await halfway(path);
    group.signal('SIGTERM');
    await group.ended;
    release();
    expect(group.readExit()).toMatchObject({ signal: 'SIGTERM' });
    expect([readFileSync(path, 'utf8'), temporaries()]).toEqual(['old', []]);
  });

  it('does not take away the file of one that lives', async () => {
    const path = join(files, 'motd');
    const { group, release } = await halfway(path);
    await perform(putOf(join(files, 'other'), 'new'));
    expect(temporaries()).toHaveLength(1);
    release();
    await group.ended;
    expect([group.readExit()?.exitCode, statSync(path).size]).toEqual([0, 2 * MIB]);
  });

  it('is found again by another agent process', async () => {
    const path = join(files, 'motd');
    const { release } = await halfway(path);
    script.close();
    const found = await script.find(folderOf(number));
    if (found.kind !== 'begun') throw new Error('it has never begun');
    release();
    await found.group.ended;
    expect([found.group.readExit()?.exitCode, statSync(path).size]).toEqual([0, 2 * MIB]);
  });
});

describe('get', () => {
  it('sends the whole file in chunks', async () => {
    const path = join(files, 'large');
    const content = randomBytes(2 * MIB + 5);
    writeFileSync(path, content);
    const fetched = `fetched ${path}: ${content.length} bytes, SHA-256 ${hashOf(content)}\n`;
    expect(await perform(plain(path, 'get'))).toEqual(done(fetched));
    const chunks = stub.calls.filter(({ name }) => name === 'storeChunk');
    const sent = chunks.map(({ args: [chunk] }) => (chunk as { content: Uint8Array }).content);
    expect(sent.map(({ length }) => length)).toEqual([0, MIB, MIB, 5]);
    expect(Buffer.compare(Buffer.concat(sent), content)).toBe(0);
  });

  it('does not follow a link, and says what is there instead of a file', async () => {
    symlinkSync('/etc/passwd', join(files, 'link'));
    const outcomes = await Promise.all(
      [join(files, 'link'), files, '/dev/null', join(files, 'none')].map(async (path) => {
        const place = plain(path, 'get');
        return { path, place };
      }),
    );
    const said: string[] = [];
    for (const { place } of outcomes) said.push((await perform(place)).stderr.trim());
    expect(said).toEqual([
      `Cannot fetch ${join(files, 'link')}: a symbolic link is in the way`,
      `Cannot fetch ${files}: it is a folder`,
      'Cannot fetch /dev/null: it is no regular file',
      `Cannot fetch ${join(files, 'none')}: there is no such file`,
    ]);
  });
});

describe('delete and stat', () => {
  it('deletes a file or a link once, and no folder', async () => {
    const path = join(files, 'motd');
    writeFileSync(path, 'x');
    symlinkSync(path, join(files, 'link'));
    const link = join(files, 'link');
    expect(await perform(plain(link, 'delete'))).toEqual(done(`deleted ${link}\n`));
    expect(existsSync(path)).toBe(true);
    expect(await perform(plain(path, 'delete'))).toEqual(done(`deleted ${path}\n`));
    expect(await perform(plain(path, 'delete'))).toEqual(done(`absent ${path}\n`));
    expect(await perform(plain(files, 'delete'))).toEqual(
      failed(`Cannot delete ${files}: it is a folder\n`),
    );
  });

  it('says what a file is', async () => {
    const path = join(files, 'motd');
    writeFileSync(path, 'hello', { mode: 0o640 });
    const { stdout } = await perform(plain(path, 'stat'));
    expect(stdout).toContain(`path: ${path}\ntype: file\nsize: 5\nmode: 0640\nowner: `);
    expect(stdout).toContain(`sha256: ${hashOf('hello')}\n`);
    symlinkSync('/nowhere', join(files, 'link'));
    const link = await perform(plain(join(files, 'link'), 'stat'));
    expect(link.stdout).toContain('type: link\n');
    expect(link.stdout).toContain('target: /nowhere\n');
    const none = join(files, 'none');
    expect(await perform(plain(none, 'stat'))).toEqual(
      failed(`Cannot look at ${none}: there is no such file\n`),
    );
  });
});

describe('the fence', () => {
  it('lets nothing out, also not by a link', async () => {
    const outside = join(home, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret'), 'x');
    symlinkSync(outside, join(files, 'way'));
    const refusal = (path: string, led = '') =>
      `Cannot fetch ${path}: ${led}node web-1 allows files only in ${files}, /srv\n`;
    const secret = join(outside, 'secret');
    const byLink = join(files, 'way', 'secret');
    const get = async (path: string) => (await perform(plain(path, 'get'), [files, '/srv'])).stderr;
    expect(await get(secret)).toBe(refusal(secret));
    expect(await get(byLink)).toBe(refusal(byLink, `it leads to ${secret}, and `));
    const put = putOf(join(files, 'way', 'new', 'x'), 'x', { createParents: true });
    expect((await perform(put, [files])).stderr).toContain('allows files only in');
    expect(readdirSync(outside)).toEqual(['secret']);
    expect((await perform(putOf(join(files, 'in'), 'x'), [files])).code).toBe(0);
  });

  it('is where its own folder leads', async () => {
    symlinkSync(files, join(home, 'alias'));
    const path = join(home, 'alias', 'motd');
    expect((await perform(putOf(path, 'x'), [join(home, 'alias')])).code).toBe(0);
    expect((await perform(putOf(`${files}-not`, 'x'), [files])).code).toBe(1);
  });
});

it.each(['', 'etc/motd', '/etc/../motd', '/etc//motd', '/etc/', '/a\0b', '/', '/./a'])(
  'refuses the path %j without a worker',
  async (path) => {
    expect(await start(plain(path, 'stat'))).toEqual({
      kind: 'failed',
      why: `'${path}' is not the absolute path of a file`,
    });
  },
);

it('refuses an operation that it does not know', async () => {
  const why = 'the agent of node web-1 is too old for this operation on a file';
  expect(await start({ path: '/etc/motd' })).toEqual({ kind: 'failed', why });
});
