// Token files: made once, for their owner alone, and refused when they are not fit.

import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadToken, readOwnToken } from './tokens.ts';

let home: string;
let path: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'muster-tokens-'));
  path = join(home, 'data', 'token');
});
afterEach(() => rm(home, { recursive: true }));

it('makes a token that its owner alone can read, and keeps it', async () => {
  const token = await loadToken({ kind: 'own_file', path });
  expect(token).toMatch(/^[\w-]{43}$/);
  expect(await readFile(path, 'utf8')).toBe(`${token}\n`);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await stat(join(home, 'data'))).mode & 0o777).toBe(0o700);
  expect(await loadToken({ kind: 'own_file', path })).toBe(token);
  expect(await readOwnToken(path)).toBe(token);
});

it('gives all that start at once the same token', async () => {
  const starts = Array.from({ length: 50 }, () => loadToken({ kind: 'own_file', path }));
  expect(new Set(await Promise.all(starts)).size).toBe(1);
  expect(await readdir(join(home, 'data'))).toEqual(['token']);
});

it('refuses a file of ours that others may read', async () => {
  await loadToken({ kind: 'own_file', path });
  await chmod(path, 0o640);
  await expect(loadToken({ kind: 'own_file', path })).rejects.toThrow(
    `Cannot use the token file ${path}: others may read it (mode 0640); run chmod 600 ${path}, or delete it to have a new token made`,
  );
});

it('refuses an empty, short or unprintable token, and never shows it', async () => {
  await loadToken({ kind: 'own_file', path });
  for (const [text, sentence] of [
    [
      ' \n',
      `The token file ${path} is empty; put a token of 16 or more characters there, or remove it`,
    ],
    [
      'short-secret',
      `The token file ${path} holds no usable token; it must be 16 or more visible ASCII characters without spaces`,
    ],
    [
      'two words of a long token',
      `The token file ${path} holds no usable token; it must be 16 or more visible ASCII characters without spaces`,
    ],
  ] as const) {
    await writeFile(path, text);
    await expect(loadToken({ kind: 'own_file', path })).rejects.toThrow(sentence);
    await expect(loadToken({ kind: 'file', path })).rejects.toThrow(sentence);
  }
  await expect(loadToken({ kind: 'value', value: 'x', name: 'MUSTER_TOKEN' })).rejects.toThrow(
    'MUSTER_TOKEN holds no usable token',
  );
});

it("leaves the mode of somebody else's file to them", async () => {
  const mounted = join(home, 'secret');
  await writeFile(mounted, 'a-token-from-a-mounted-secret\n', { mode: 0o644 });
  expect(await loadToken({ kind: 'file', path: mounted })).toBe('a-token-from-a-mounted-secret');
});

it('says which file is missing, and makes none there', async () => {
  await expect(loadToken({ kind: 'file', path })).rejects.toThrow(
    `Cannot read the token file ${path}: `,
  );
  expect(await readOwnToken(path)).toBeNull();
});
