/**
 * The entry of the command line: `./muster`, `node src/cli/main.ts`, `deno run -A src/cli/main.ts`.
 *
 * Compiled code is kept between two calls, which halves the start. Everything else is loaded by the command that needs it.
 */
import * as module from 'node:module';
import { fileURLToPath } from 'node:url';

// Not in a temporary folder, which others can write to. Deno has a cache of its own.
const cache = fileURLToPath(new URL('../../node_modules/.cache/muster', import.meta.url));
module.enableCompileCache?.(cache);
// The launcher names the folder too, so that this very file is found there. It is not for the programs that tasks run.
if (process.env['NODE_COMPILE_CACHE'] === cache) delete process.env['NODE_COMPILE_CACHE'];

const [{ buildProgram, readWords }, { CommanderError }] = await Promise.all([
  import('./program.ts'),
  import('commander'),
]);

try {
  await buildProgram().parseAsync(readWords(process.argv.slice(2)), { from: 'user' });
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // 2 for a wrong command line, unless the command has a code of its own for it.
  process.exitCode ??= error.exitCode === 0 ? 0 : 2;
}
