// Putting files: what becomes of the file and its owner, what is said about it, and what is left when a put is ended in the middle.
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MusterError } from '../../../machines/errors.ts';
import { eventually } from '../../../test/eventually.ts';
import { done, failed, hashOf, useFileActions } from '../../testing/file-actions.ts';
import type { ProcessGroup } from '../executor.ts';

const isRoot = process.getuid?.() === 0;
const MIB = 2 ** 20;

const actions = useFileActions();

const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);

describe('put', () => {
  it('creates a file, updates it, and leaves it alone when all is as it should be', async () => {
    const path = join(actions.files, 'motd');
    expect(await actions.perform(actions.putOf(path, 'hello'))).toEqual(done(`created ${path}\n`));
    expect([readFileSync(path, 'utf8'), modeOf(path)]).toEqual(['hello', '644']);
    const before = statSync(path);
    actions.stub.calls.length = 0;
    expect(await actions.perform(actions.putOf(path, 'hello'))).toEqual(
      done(`unchanged ${path}\n`),
    );
    expect(statSync(path)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
    expect(actions.stub.calls).toEqual([]);
    expect(await actions.perform(actions.putOf(path, 'world', { mode: '0600' }))).toEqual(
      done(`updated ${path}\n`),
    );
    expect([readFileSync(path, 'utf8'), modeOf(path)]).toEqual(['world', '600']);
    expect(readdirSync(actions.files)).toEqual(['motd']);
  });

  it('keeps the mode that is there, and changes only that where the content is right', async () => {
    const path = join(actions.files, 'tool');
    writeFileSync(path, 'old', { mode: 0o750 });
    chmodSync(path, 0o750);
    expect((await actions.perform(actions.putOf(path, 'new!'))).stdout).toBe(`updated ${path}\n`);
    expect(modeOf(path)).toBe('750');
    actions.stub.calls.length = 0;
    expect((await actions.perform(actions.putOf(path, 'new!', { mode: '4711' }))).stdout).toBe(
      `updated ${path}\n`,
    );
    expect([modeOf(path), actions.stub.calls]).toEqual(['4711', []]);
    expect(
      (await actions.perform(actions.putOf(path, 'new!', { mode: '04711' }))).stdout,
    ).toContain('unchanged');
  });

  it('brings many chunks and none', async () => {
    const large = randomBytes(3 * MIB + 17);
    const path = join(actions.files, 'large');
    expect(await actions.perform(actions.putOf(path, large))).toEqual(done(`created ${path}\n`));
    expect(Buffer.compare(readFileSync(path), large)).toBe(0);
    expect(await actions.perform(actions.putOf(path, ''))).toEqual(done(`updated ${path}\n`));
    expect(statSync(path).size).toBe(0);
  });

  it.runIf(isRoot)('gives it to a user and group, by name or number, and keeps them', async () => {
    const path = join(actions.files, 'owned');
    await actions.perform(actions.putOf(path, 'one', { owner: '1', group: '2', mode: '2755' }));
    expect(statSync(path)).toMatchObject({ uid: 1, gid: 2 });
    expect((await actions.perform(actions.putOf(path, 'two'))).stdout).toBe(`updated ${path}\n`);
    expect(statSync(path)).toMatchObject({ uid: 1, gid: 2 });
    expect(modeOf(path)).toBe('2755');
    await actions.perform(actions.putOf(path, 'two', { owner: 'root' }));
    expect(statSync(path)).toMatchObject({ uid: 0, gid: 2 });
  });

  it('makes missing folders when asked to, and else says that there is none', async () => {
    const path = join(actions.files, 'a', 'b', 'motd');
    expect(await actions.perform(actions.putOf(path, 'x'))).toEqual(
      failed(`Cannot write ${path}: there is no folder ${join(actions.files, 'a', 'b')}\n`),
    );
    const made = await actions.perform(actions.putOf(path, 'x', { createParents: true }));
    expect(made).toEqual(done(`created ${path}\n`));
    expect(modeOf(join(actions.files, 'a'))).toBe('755');
  });

  it('refuses what is no regular file, and who is no user', async () => {
    symlinkSync('/etc/passwd', join(actions.files, 'link'));
    expect((await actions.perform(actions.putOf(join(actions.files, 'link'), 'x'))).stderr).toBe(
      `Cannot write ${join(actions.files, 'link')}: it is a symbolic link to /etc/passwd; name the file itself, or delete it\n`,
    );
    expect((await actions.perform(actions.putOf(actions.files, 'x'))).stderr).toBe(
      `Cannot write ${actions.files}: it is a folder\n`,
    );
    const path = join(actions.files, 'motd');
    expect(
      (await actions.perform(actions.putOf(path, 'x', { owner: 'no-such-user' }))).stderr,
    ).toBe(`Cannot write ${path}: there is no user no-such-user on this host\n`);
    expect((await actions.perform(actions.putOf(`/proc/${'x'.repeat(300)}/y`, 'x'))).code).toBe(1);
    expect(existsSync(path)).toBe(false);
  });

  it('writes nothing that does not have the hash, or the size', async () => {
    const path = join(actions.files, 'motd');
    writeFileSync(path, 'old');
    for (const [content, words] of [
      ['evil!', 'what came does not have the SHA-256'],
      ['short', 'the content that came does not have 6 bytes'],
    ] as const) {
      const sizeBytes = content === 'short' ? 6n : 5n;
      const action = actions.putOf(path, 'hello', { sizeBytes });
      actions.stub.contents.set(hashOf('hello'), Buffer.from(content));
      const outcome = await actions.perform(action);
      expect(outcome.stderr).toContain(`Cannot write ${path}: ${words}`);
      expect(outcome.code).toBe(1);
    }
    expect([readdirSync(actions.files), readFileSync(path, 'utf8')]).toEqual([['motd'], 'old']);
  });

  it('says what the supervisor says against it', async () => {
    const path = join(actions.files, 'motd');
    const action = actions.putOf(path, 'hello');
    actions.stub.failure = new MusterError('permission_denied', 'Cannot transfer: it is over');
    const outcome = await actions.perform(action).finally(() => (actions.stub.failure = null));
    expect(outcome).toEqual(failed(`Cannot write ${path}: Cannot transfer: it is over\n`));
  });
});

describe('a put that is ended in the middle', () => {
  /** Starts a put of 2 MiB over `old`, whose second half does not come until `release` is called. */
  async function halfway(path: string): Promise<{ group: ProcessGroup; release: () => void }> {
    writeFileSync(path, 'old');
    const read = actions.stub.files.read.bind(actions.stub.files);
    const { promise, resolve } = Promise.withResolvers<void>();
    const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
    actions.stub.files.read = async (sha256, offset, limit) => {
      if (offset > 0) {
        onAsked();
        await promise;
      }
      return await read(sha256, offset, limit);
    };
    const result = await actions.start(actions.putOf(path, randomBytes(2 * MIB)));
    if (result.kind === 'failed') throw new Error(result.why);
    await asked;
    actions.stub.files.read = read;
    return { group: result.group, release: resolve };
  }

  const temporaries = () => readdirSync(actions.files).filter((name) => name.endsWith('.tmp'));

  it('leaves the old file whole when it is killed, and the next put cleans up', async () => {
    const path = join(actions.files, 'motd');
    const { group, release } = await halfway(path);
    expect(temporaries()).toHaveLength(1);
    group.signal('SIGKILL');
    await group.ended;
    release();
    await eventually(() => group.isEmpty(), 'the group is empty');
    expect([readFileSync(path, 'utf8'), temporaries().length]).toEqual(['old', 1]);
    writeFileSync(join(actions.files, '.muster-of-another-1.tmp'), '');
    expect((await actions.perform(actions.putOf(path, 'new'))).stdout).toBe(`updated ${path}\n`);
    expect(temporaries()).toEqual(['.muster-of-another-1.tmp']);
  });

  it('cleans up itself when it is stopped', async () => {
    const path = join(actions.files, 'motd');
    const { group, release } = await halfway(path);
    group.signal('SIGTERM');
    await group.ended;
    release();
    expect(group.readExit()).toMatchObject({ signal: 'SIGTERM' });
    expect([readFileSync(path, 'utf8'), temporaries()]).toEqual(['old', []]);
  });

  it('does not take away the file of one that lives', async () => {
    const path = join(actions.files, 'motd');
    const { group, release } = await halfway(path);
    await actions.perform(actions.putOf(join(actions.files, 'other'), 'new'));
    expect(temporaries()).toHaveLength(1);
    release();
    await group.ended;
    expect([group.readExit()?.exitCode, statSync(path).size]).toEqual([0, 2 * MIB]);
  });

  it('is found again by another agent process', async () => {
    const path = join(actions.files, 'motd');
    const { release } = await halfway(path);
    actions.script.close();
    const found = await actions.script.find(actions.folder);
    if (found.kind !== 'begun') throw new Error('it has never begun');
    release();
    await found.group.ended;
    expect([found.group.readExit()?.exitCode, statSync(path).size]).toEqual([0, 2 * MIB]);
  });
});
