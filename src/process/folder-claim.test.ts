// Claims between real processes: each child runs the same runtime as this test and claims the folder it is given.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimFolder, FolderClaimError } from './folder-claim.ts';
import { writePidFile } from './pid-file.ts';

const MODULE = new URL('./folder-claim.ts', import.meta.url).href;
const EXEC_ARGS = 'Deno' in globalThis ? ['eval'] : ['--input-type=module', '--eval'];

let folder: string;
let children: ChildProcess[];

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'muster-claim-')), 'home');
  children = [];
});

afterEach(async () => {
  for (const child of children) {
    child.kill('SIGKILL');
  }
  await rm(join(folder, '..'), { recursive: true, force: true });
});

/** Runs a child that claims the folder, says how that went, and lives on. With `uid` it claims as that user. */
async function claimInChild(
  options: { uid?: number } = {},
): Promise<{ child: ChildProcess; said: string }> {
  const script = `
    const { claimFolder } = await import(${JSON.stringify(MODULE)});
    ${options.uid === undefined ? '' : `process.setuid(${options.uid});`}
    try { globalThis.claim = await claimFolder(${JSON.stringify(folder)}, 'up'); console.log('claimed'); }
    catch (cause) { console.log(cause.kind + ': ' + cause.message); }
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, [...EXEC_ARGS, script], {
    cwd: '/',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [said] = (await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data')) as [
    Buffer,
  ];
  return { child, said: said.toString().trim() };
}

async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

describe('claimFolder', () => {
  it('creates a missing folder for its owner only and writes the pid', async () => {
    const claim = await claimFolder(folder, 'up');
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await readFile(join(folder, 'up.pid'), 'utf8')).toBe(`${process.pid}\n`);
    await claim.release();
    await expect(stat(join(folder, 'up.pid'))).rejects.toThrow('ENOENT');
  });

  it('refuses the second process and names the folder and the first', async () => {
    const { child } = await claimInChild();
    const failure = await claimFolder(folder, 'up').catch((cause: unknown) => cause);
    expect(failure).toBeInstanceOf(FolderClaimError);
    expect(failure).toMatchObject({ kind: 'claimed', folder, ownerPid: child.pid });
    expect((failure as Error).message).toBe(
      `Cannot use ${folder} for "up": the process with pid ${child.pid} is using it for that already; ` +
        'stop that one first, or use another folder',
    );
  });

  it('lets exactly one of several processes that start together win', async () => {
    const said = (await Promise.all([1, 2, 3, 4].map(() => claimInChild()))).map((one) => one.said);
    expect(said.filter((line) => line === 'claimed')).toHaveLength(1);
    expect(said.filter((line) => line.startsWith('claimed: Cannot use'))).toHaveLength(3);
  });

  it('is free again after kill -9 of the owner, whatever its pid file says', async () => {
    const { child } = await claimInChild();
    await kill(child, 'SIGKILL');
    // The pid was given to another live process meanwhile.
    await writePidFile(folder, 'up', process.ppid);
    const claim = await claimFolder(folder, 'up');
    expect(await readFile(join(folder, 'up.pid'), 'utf8')).toBe(`${process.pid}\n`);
    await claim.release();
  });

  it('does not pass to processes that the owner has started', async () => {
    const claim = await claimFolder(folder, 'up');
    const sleeper = spawn('sleep', ['600'], { stdio: 'inherit', detached: true });
    children.push(sleeper);
    await claim.release();
    expect((await claimInChild()).said).toBe('claimed');
  });

  it('refuses the same process too, and can be had again after release', async () => {
    const first = await claimFolder(folder, 'up');
    await expect(claimFolder(folder, 'up')).rejects.toMatchObject({
      kind: 'claimed',
      ownerPid: process.pid,
    });
    await first.release();
    await first.release();
    const second = await claimFolder(folder, 'up');
    await first.release();
    await expect(claimFolder(folder, 'up')).rejects.toMatchObject({ kind: 'claimed' });
    await second.release();
  });

  it('keeps purposes apart', async () => {
    const claims = await Promise.all([claimFolder(folder, 'up'), claimFolder(folder, 'agent')]);
    expect(claims.map((claim) => claim.purpose)).toEqual(['up', 'agent']);
    await Promise.all(claims.map((claim) => claim.release()));
  });

  it('does not name a pid that no process has', async () => {
    const { child } = await claimInChild();
    await writePidFile(folder, 'up', 2 ** 22 + 1);
    await expect(claimFolder(folder, 'up')).rejects.toMatchObject({
      ownerPid: undefined,
      message: expect.stringContaining('another live process is using it'),
    });
    expect(child.exitCode).toBeNull();
  });

  it('says in one sentence that a file is in the way', async () => {
    await writeFile(folder, '');
    await expect(claimFolder(folder, 'up')).rejects.toMatchObject({
      kind: 'unusable',
      message: `Cannot use ${folder}: a file of that name is in the way; make the folder writable, or use another one`,
    });
  });

  it.runIf(process.getuid?.() === 0)(
    'says in one sentence that a folder is closed to its user',
    async () => {
      await chmod(join(folder, '..'), 0o755);
      const { said } = await claimInChild({ uid: 65_534 });
      expect(said).toBe(
        `unusable: Cannot use ${folder}: permission denied; make the folder writable, or use another one`,
      );
    },
  );
});
