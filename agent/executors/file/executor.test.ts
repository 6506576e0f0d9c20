// File actions other than puts, the fence, and what is refused without a worker.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { done, failed, hashOf, plain, useFileActions } from '../../testing/file-actions.ts';

const MIB = 2 ** 20;

const actions = useFileActions();

describe('get', () => {
  it('sends the whole file in chunks', async () => {
    const path = join(actions.files, 'large');
    const content = randomBytes(2 * MIB + 5);
    writeFileSync(path, content);
    const fetched = `fetched ${path}: ${content.length} bytes, SHA-256 ${hashOf(content)}\n`;
    expect(await actions.perform(plain(path, 'get'))).toEqual(done(fetched));
    const chunks = actions.stub.calls.filter(({ name }) => name === 'storeChunk');
    const sent = chunks.map(({ args: [chunk] }) => (chunk as { content: Uint8Array }).content);
    expect(sent.map(({ length }) => length)).toEqual([0, MIB, MIB, 5]);
    expect(Buffer.compare(Buffer.concat(sent), content)).toBe(0);
  });

  it('does not follow a link, and says what is there instead of a file', async () => {
    symlinkSync('/etc/passwd', join(actions.files, 'link'));
    const said: string[] = [];
    for (const path of [
      join(actions.files, 'link'),
      actions.files,
      '/dev/null',
      join(actions.files, 'none'),
    ]) {
      said.push((await actions.perform(plain(path, 'get'))).stderr.trim());
    }
    expect(said).toEqual([
      `Cannot fetch ${join(actions.files, 'link')}: a symbolic link is in the way`,
      `Cannot fetch ${actions.files}: it is a folder`,
      'Cannot fetch /dev/null: it is no regular file',
      `Cannot fetch ${join(actions.files, 'none')}: there is no such file`,
    ]);
  });
});

describe('delete and stat', () => {
  it('deletes a file or a link once, and no folder', async () => {
    const path = join(actions.files, 'motd');
    writeFileSync(path, 'x');
    symlinkSync(path, join(actions.files, 'link'));
    const link = join(actions.files, 'link');
    expect(await actions.perform(plain(link, 'delete'))).toEqual(done(`deleted ${link}\n`));
    expect(existsSync(path)).toBe(true);
    expect(await actions.perform(plain(path, 'delete'))).toEqual(done(`deleted ${path}\n`));
    expect(await actions.perform(plain(path, 'delete'))).toEqual(done(`absent ${path}\n`));
    expect(await actions.perform(plain(actions.files, 'delete'))).toEqual(
      failed(`Cannot delete ${actions.files}: it is a folder\n`),
    );
  });

  it('says what a file is', async () => {
    const path = join(actions.files, 'motd');
    writeFileSync(path, 'hello', { mode: 0o640 });
    const { stdout } = await actions.perform(plain(path, 'stat'));
    expect(stdout).toContain(`path: ${path}\ntype: file\nsize: 5\nmode: 0640\nowner: `);
    expect(stdout).toContain(`sha256: ${hashOf('hello')}\n`);
    symlinkSync('/nowhere', join(actions.files, 'link'));
    const link = await actions.perform(plain(join(actions.files, 'link'), 'stat'));
    expect(link.stdout).toContain('type: link\n');
    expect(link.stdout).toContain('target: /nowhere\n');
    const none = join(actions.files, 'none');
    expect(await actions.perform(plain(none, 'stat'))).toEqual(
      failed(`Cannot look at ${none}: there is no such file\n`),
    );
  });
});

describe('the fence', () => {
  it('lets nothing out, also not by a link', async () => {
    const outside = join(actions.home, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret'), 'x');
    symlinkSync(outside, join(actions.files, 'way'));
    const refusal = (path: string, led = '') =>
      `Cannot fetch ${path}: ${led}node web-1 allows files only in ${actions.files}, /srv\n`;
    const secret = join(outside, 'secret');
    const byLink = join(actions.files, 'way', 'secret');
    const get = async (path: string) =>
      (await actions.perform(plain(path, 'get'), [actions.files, '/srv'])).stderr;
    expect(await get(secret)).toBe(refusal(secret));
    expect(await get(byLink)).toBe(refusal(byLink, `it leads to ${secret}, and `));
    const put = actions.putOf(join(actions.files, 'way', 'new', 'x'), 'x', { createParents: true });
    expect((await actions.perform(put, [actions.files])).stderr).toContain('allows files only in');
    expect(readdirSync(outside)).toEqual(['secret']);
    expect(
      (await actions.perform(actions.putOf(join(actions.files, 'in'), 'x'), [actions.files])).code,
    ).toBe(0);
  });

  it('is where its own folder leads', async () => {
    symlinkSync(actions.files, join(actions.home, 'alias'));
    const path = join(actions.home, 'alias', 'motd');
    expect(
      (await actions.perform(actions.putOf(path, 'x'), [join(actions.home, 'alias')])).code,
    ).toBe(0);
    expect(
      (await actions.perform(actions.putOf(`${actions.files}-not`, 'x'), [actions.files])).code,
    ).toBe(1);
  });
});

it.each(['', 'etc/motd', '/etc/../motd', '/etc//motd', '/etc/', '/a\0b', '/', '/./a'])(
  'refuses the path %j without a worker',
  async (path) => {
    expect(await actions.start(plain(path, 'stat'))).toEqual({
      kind: 'failed',
      why: `'${path}' is not the absolute path of a file`,
    });
  },
);

it('refuses an operation that it does not know', async () => {
  const why = 'the agent of node web-1 is too old for this operation on a file';
  expect(await actions.start({ path: '/etc/motd' })).toEqual({ kind: 'failed', why });
});
