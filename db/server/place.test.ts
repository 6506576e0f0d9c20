// Folders that are closed, foreign or incomplete. As root PostgreSQL runs as another user, so the tests of that need root.

import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect, isRoot, Workshop } from './server-fixture.ts';

const NOBODY = 65_534;
const workshop = new Workshop();
beforeAll(() => workshop.open());
afterEach(() => workshop.clear());
afterAll(() => workshop.close());

async function openFolder(): Promise<string> {
  const folder = workshop.newFolder();
  await mkdir(folder);
  await chmod(folder, 0o755);
  return folder;
}

/** A folder in another one that only root may enter, like a clone in /root. */
async function closedFolder(): Promise<string> {
  const outer = await openFolder();
  await chmod(outer, 0o700);
  return join(outer, 'postgres');
}

describe.runIf(isRoot)('a folder that the user of PostgreSQL cannot enter', () => {
  it('keeps its data elsewhere, says so, and leaves a pointer that the next start follows', async () => {
    const folder = await closedFolder();
    const fallback = await openFolder();
    const said: string[] = [];
    const first = await workshop.start({ folder, fallback, log: (line) => said.push(line) });
    expect(said).toContainEqual(
      expect.stringMatching(
        /^The database of .*\/postgres is kept in .*\/data-[0-9a-f]{16}, because the user \w+, as whom/,
      ),
    );
    expect(first).toMatchObject({ folder, home: expect.stringContaining(`${fallback}/data-`) });
    expect(await readFile(join(folder, 'location'), 'utf8')).toBe(`${first.home}\n`);
    const before = connect(first.url);
    await before`create table things as select 42 as answer`;
    await before.end();
    await first.stop();

    const second = await workshop.start({ folder, fallback });
    expect(second).toMatchObject({ home: first.home, url: first.url });
    const after = connect(second.url);
    expect(await after`select answer from things`).toEqual([{ answer: 42 }]);
    await after.end();
    await second.stop();
  });

  it('starts anew when the folder was deleted', async () => {
    const folder = await closedFolder();
    const fallback = await openFolder();
    const first = await workshop.start({ folder, fallback });
    await first.stop();
    await rm(folder, { recursive: true });
    const second = await workshop.start({ folder, fallback });
    expect(second.home).not.toBe(first.home);
    await second.stop();
  });

  it('is refused when the data it points to is gone', async () => {
    const folder = await closedFolder();
    const fallback = await openFolder();
    const first = await workshop.start({ folder, fallback });
    await first.stop();
    await rm(first.home, { recursive: true });
    await expect(workshop.start({ folder, fallback })).rejects.toMatchObject({
      kind: 'data_missing',
      message: `Cannot start PostgreSQL in ${folder}: its data was put into ${first.home} and is not there any more; restore it, or delete ${folder}/location to start with an empty database`,
    });
  });

  it('is refused when the fallback is closed too', async () => {
    const folder = await closedFolder();
    await expect(workshop.start({ folder, fallback: join(folder, 'other') })).rejects.toMatchObject(
      {
        kind: 'folder_unusable',
        message: expect.stringContaining('can enter neither it nor'),
      },
    );
    expect(await readdir(folder)).toEqual(['other', 'server.claim']);
  });

  it('is refused when it was closed after the data was put into it', async () => {
    const outer = await openFolder();
    const folder = join(outer, 'postgres');
    const first = await workshop.start({ folder });
    expect(first.home).toBe(folder);
    await first.stop();
    await chmod(outer, 0o700);
    await expect(workshop.start({ folder })).rejects.toMatchObject({
      kind: 'folder_unusable',
      message: expect.stringMatching(
        /the user \w+ cannot write to .*\/data; give the folder back .* \(chmod o\+x\)$/,
      ),
    });
  });
});

describe('a folder that cannot be used', () => {
  it('is refused when it is a file', async () => {
    const folder = workshop.newFolder();
    await writeFile(folder, '');
    await expect(workshop.start({ folder })).rejects.toMatchObject({
      kind: 'folder_unusable',
      message: `Cannot keep a database in ${folder}: a file of that name is in the way; make the folder writable, or use another one`,
    });
  });

  it.runIf(isRoot)('is refused when it belongs to somebody else', async () => {
    const folder = await openFolder();
    const { said } = await workshop.startInChild({ folder }, NOBODY);
    expect(said).toBe(
      `folder_unusable: Cannot keep a database in ${folder}: permission denied; make the folder writable, or use another one`,
    );
  });

  it('is refused when its data is none of PostgreSQL, which is left as it is', async () => {
    const folder = await openFolder();
    await mkdir(join(folder, 'data'));
    await writeFile(join(folder, 'data', 'thesis.txt'), 'precious');
    await expect(workshop.start({ folder })).rejects.toMatchObject({
      kind: 'folder_unusable',
      message: expect.stringContaining('holds something that is no PostgreSQL data; move it away'),
    });
    expect(await readdir(join(folder, 'data'))).toEqual(['thesis.txt']);
  });

  it('is refused when another major version wrote its data, and works with that version again', async () => {
    const folder = await workshop.newCluster();
    const versionFile = join(folder, 'data', 'PG_VERSION');
    const version = (await readFile(versionFile, 'utf8')).trim();
    await writeFile(versionFile, '14\n');
    await expect(workshop.start({ folder })).rejects.toMatchObject({
      kind: 'version_mismatch',
      message: `Cannot start PostgreSQL ${version} in ${folder}: its data was written by PostgreSQL 14; start the Muster that wrote it, or carry the data over with pg_dump of version 14`,
    });
    await writeFile(versionFile, `${version}\n`);
    await (await workshop.start({ folder })).stop();
  });

  it('is refused with the last words of PostgreSQL when its data is damaged', async () => {
    const folder = await workshop.newCluster();
    await rm(join(folder, 'data', 'global', 'pg_control'));
    await expect(workshop.start({ folder })).rejects.toMatchObject({
      kind: 'start_failed',
      message: expect.stringMatching(
        /^Cannot start PostgreSQL in .*: it gave up with ".*database system.*"$/s,
      ),
    });
  });
});
