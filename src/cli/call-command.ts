/**
 * Registers `muster call`: a function that agents have loaded, called as a task whose result is printed.
 */
import type { Command } from 'commander';
import type { CallFlags } from './call.ts';
import { addClientFlags, addExamples, flagsOf } from './client-flags.ts';
import { addFanOutFlags } from './fan-out-flags.ts';
import { collect } from './pairs.ts';
import { perform, REMOTE } from './perform.ts';

/** Adds `call`. Every failure of Muster itself is 125, a wrong command line included. */
export function addCallCommand(program: Command): void {
  const command = addClientFlags(
    program
      .command('call')
      .description('call a handler of an agent: the result is printed as JSON')
      .exitOverride((error) => {
        if (error.exitCode !== 0) process.exitCode = REMOTE.usage;
        throw error;
      }),
  )
    .argument('<handler>', 'the name under which the module exports the function')
    .option('--input <json>', 'the input: JSON, @FILE, or - for standard input (default: null)')
    .option('--node <id>', 'on this node')
    .option('--name <text>', 'a name for people (default: the handler)')
    .option('--timeout <duration>', 'how long an attempt may take (default: 5m)')
    .option('--max-attempts <n>', 'how many attempts there may be (default: 1)')
    .option('--priority <n>', '0 to 100, higher first (default: 50)')
    .option('--label <k=v>', 'label of the task; repeatable', collect)
    .option('--start-at <time>', 'not before: 30m from now, or an ISO time')
    .option('--hold', 'create it held, until muster task execute')
    .option('-d, --detach', 'print the id and return at once');
  addFanOutFlags(command, { any: 'allowed', show: 'results' });
  addExamples(command, [
    [`muster call resize --input '{"width": 200}' --node web-1`, 'on one host'],
    [
      'muster call warmCache --input @keys.json -l role=web',
      'on many: a line with the result of each',
    ],
  ]);
  command.action((handler: string) =>
    perform(REMOTE, async () => {
      const { callHandler } = await import('./call.ts');
      return await callHandler(handler, flagsOf<CallFlags>(command));
    }),
  );
}
