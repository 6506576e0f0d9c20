// `npm test`: the whole suite on Node, then the same suite on Deno, whatever the first one said.
// Arguments go to both, e.g. `npm test -- machines`. The exit code is 0 only where both passed.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)];

const runtimes = [
  { name: 'Node', command: process.execPath, args: vitest },
  { name: 'Deno', command: 'node_modules/.bin/deno', args: ['run', '-A', '--quiet', ...vitest] },
];

let failed = false;
for (const { name, command, args } of runtimes) {
  console.log(`\n== The suite on ${name}`);
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error) console.error(`Cannot run the suite on ${name}: ${error.message}`);
  if (status !== 0) failed = true;
}
process.exit(failed ? 1 : 0);
