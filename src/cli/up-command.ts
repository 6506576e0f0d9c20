/**
 * Registers `muster up`.
 */
import type { Command } from 'commander';
import { addExamples } from './client-flags.ts';
import { performService } from './perform.ts';
import type { GivenUpFlags } from './up-flags.ts';

/** Adds `up` to the program. */
export function addUpCommand(program: Command): void {
  const command = program
    .command('up')
    .description('bring up a whole Muster on this machine: database, supervisor, local agents')
    .option('--agents <n>', 'local agents', '3')
    .option('--port <n>', 'port of the supervisor', '7070')
    .option('--data <folder>', 'data folder (default: MUSTER_HOME, else .muster)')
    .option('--handlers <file>', 'module whose exported functions tasks can call on the agents');
  addExamples(command, [
    ['muster up', 'everything, until Ctrl-C'],
    ['muster up --agents 1 --port 7171 --data /tmp/muster', 'a second one beside it'],
  ]);
  command.action((flags: GivenUpFlags) =>
    performService(async (signal) => {
      const [{ runUp }, { readUpFlags }] = await Promise.all([
        import('../up.ts'),
        import('./up-flags.ts'),
      ]);
      const say = (line: string) => process.stdout.write(`${line}\n`);
      await runUp(readUpFlags(flags, process.env, process.cwd()), process.env, signal, say);
    }),
  );
}
