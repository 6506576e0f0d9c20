// The style rules that no linter knows, as tests over the files of the repository.
// A file that git ignores does not count.

import { readFileSync, readdirSync } from 'node:fs';
import { basename, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const ignored = new Set(['.git', ...ignoredNames()]);
const files = listFiles(root);
const generated = (path: string) => path.startsWith('proto/gen/');
const source = files.filter((path) => /\.(ts|tsx|sql|proto)$/.test(path) && !generated(path));

/** The plain names in .gitignore; this repository keeps it to names and `*.extension`. */
function ignoredNames(): string[] {
  return read('.gitignore')
    .split('\n')
    .map((line) => line.trim().replace(/\/$/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (ignored.has(entry.name) || ignored.has(`*${extname(entry.name)}`)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return listFiles(path);
    return entry.isFile() ? [relative(root, path)] : [];
  });
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

describe('rules of the repository', () => {
  it('finds the files it judges', () => {
    expect(files).toContain('test/rules.test.ts');
    expect(source.length).toBeGreaterThan(3);
  });

  it('keeps every source file to 400 lines', () => {
    // The schema is made from the migrations, which keep to it.
    const written = source.filter((path) => path !== 'db/schema.sql');
    const long = written.filter((path) => read(path).split('\n').length > 401);
    expect(long).toEqual([]);
  });

  it('opens every source file with a comment', () => {
    const bare = source.filter((path) => !/^(#!.*\n)?(\/\/|\/\*|--)/.test(read(path)));
    expect(bare).toEqual([]);
  });

  it('has no folder at the top but the known ones', () => {
    const known = 'agent bench .ci db docs machines proto src test web'.split(' ');
    const found = files.filter((path) => path.includes('/')).map((path) => path.split('/')[0]);
    expect([...new Set(found)].filter((folder) => !known.includes(folder ?? ''))).toEqual([]);
  });

  it('writes down no address of a package registry', () => {
    const addresses = /(registry\.(npmjs|yarnpkg)\.|npm\.jsr\.|jsr\.io\/@|"resolved":)/;
    const naming = files.filter((path) => path !== 'test/rules.test.ts');
    expect(naming.filter((path) => addresses.test(read(path)))).toEqual([]);
  });

  it('names files after what they are', () => {
    const vague = /^(utils?|helpers?|commons?|libs?)$/;
    const words = (path: string) => path.split('/').flatMap((part) => part.split(/[.-]/));
    const judged = files.filter((path) => !generated(path));
    expect(judged.filter((path) => words(path).some((word) => vague.test(word)))).toEqual([]);
  });

  it('writes file names in kebab-case', () => {
    const odd = source.filter((path) => {
      if (path.endsWith('.proto') || path.endsWith('.sql')) return false;
      return !/^[a-z0-9]+([.-][a-z0-9]+)*\.tsx?$/.test(basename(path));
    });
    expect(odd).toEqual([]);
  });
});
