/**
 * Registers `muster version`.
 */
import type { Command } from 'commander';
import { addExamples, flagsOf } from './client-flags.ts';
import type { ClientFlags } from './client-flags.ts';
import { ORDINARY, perform } from './perform.ts';

/** Adds `version` to the program. */
export function addVersionCommand(program: Command): void {
  const command = program
    .command('version')
    .description('show the version of Muster and of its runtime')
    .option('-o, --output <form>', 'table, json or jsonl (default: table)');
  addExamples(command, [
    ['muster version', 'for people'],
    ['muster version -o json | jq -r .version', 'for scripts'],
  ]);
  command.action(() =>
    perform(ORDINARY, async () =>
      (await import('./version.ts')).showVersion(flagsOf<ClientFlags>(command)),
    ),
  );
}
