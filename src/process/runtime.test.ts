// A child runs our TypeScript on the runtime of its parent, wherever it is started.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { runtimeName, runtimeVersion, selfCommand } from './runtime.ts';

const folder = mkdtempSync(join(tmpdir(), 'muster runtime '));
const file = join(folder, 'child.ts');
writeFileSync(
  file,
  'const version: string = process.versions["deno" in process.versions ? "deno" : "node"]!;\n' +
    'console.log(JSON.stringify([version, process.argv.slice(2)]));\n',
);
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  ['a path', file],
  ['a URL', pathToFileURL(file)],
  ['the text of a URL', pathToFileURL(file).href],
])('runs a TypeScript file on the same runtime, given %s', (_name, target) => {
  const { command, args } = selfCommand(target, ['--flag', 'two words', '']);
  const printed = execFileSync(command, args, { cwd: tmpdir(), encoding: 'utf8' });
  expect(JSON.parse(printed)).toEqual([runtimeVersion(), ['--flag', 'two words', '']]);
});

test('the name of the runtime is the one that the process reports', () => {
  expect(runtimeName()).toBe('deno' in process.versions ? 'deno' : 'node');
});
