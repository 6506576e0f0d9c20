// `npm run ok`: everything about the repository that a machine can judge, besides the tests.
// Each step is one command and says one line; a failing one shows its output, and the rest still run.
// `npm run ok -- lint types` runs the steps of these names only.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Step {
  name: string;
  command: string;
  args: string[];
  folder?: string;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name: string) => `${root}node_modules/.bin/${name}`;

const compareGenerated = `
  fresh=$(mktemp -d) && trap 'rm -rf "$fresh"' EXIT
  "$1" generate -o "$fresh" && diff -r gen "$fresh/gen" || { echo 'proto/gen is not what the .proto files give: npm run generate'; exit 1; }`;

const steps: Step[] = [
  { name: 'format', command: bin('biome'), args: ['format', '.'] },
  { name: 'types', command: bin('tsc'), args: [] },
  { name: 'web', command: bin('tsc'), args: ['-p', 'web'] },
  { name: 'lint', command: bin('oxlint'), args: ['--deny-warnings'] },
  { name: 'unused', command: bin('knip'), args: ['--no-progress'] },
  { name: 'proto', command: bin('buf'), args: ['lint'], folder: 'proto' },
  {
    name: 'generated',
    command: 'sh',
    args: ['-c', compareGenerated, 'sh', bin('buf')],
    folder: 'proto',
  },
  { name: 'deno', command: bin('deno'), args: ['check', '--quiet', '.'] },
];
if (existsSync(`${root}db/schema-dump.ts`)) {
  steps.push({ name: 'schema', command: process.execPath, args: ['db/schema-dump.ts', '--check'] });
}

/** Runs one step and prints its line; true where it passed. */
function isPassed(step: Step): boolean {
  const startedAt = performance.now();
  const { status, error, stdout, stderr } = spawnSync(step.command, step.args, {
    cwd: root + (step.folder ?? ''),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${step.name.padEnd(10)} ${seconds} s`);
  if (status !== 0) console.log(`${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trimEnd());
  return status === 0;
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  const names = steps.map((step) => step.name).join(', ');
  console.error(`Cannot run ${unknown.join(', ')}: the steps are ${names}`);
  process.exit(1);
}
const results = steps
  .filter((step) => wanted.length === 0 || wanted.includes(step.name))
  .map(isPassed);
const failures = results.filter((passed) => !passed).length;
console.log(`gate: ${results.length - failures} passed, ${failures} failed`);
process.exit(failures > 0 ? 1 : 0);
