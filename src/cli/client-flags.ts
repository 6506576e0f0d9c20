/**
 * The flags that every client command has: which supervisor, which token, which form of output.
 *
 * They may stand before the command as well as after it: `muster -o json task list` is `muster task list -o json`.
 */
import type { Command } from 'commander';
import type { EndpointFlags } from './home.ts';

/** Values as they were given; commands read them with `outputForm` and `withConnection`. */
export interface ClientFlags extends EndpointFlags {
  readonly output?: string | undefined;
}

const FORMS = 'table, json (one document) or jsonl (a message a line) (default: table)';

/** Adds the flags to a command. @param forms the forms of output that it has, as its help says them */
export function addClientFlags(command: Command, forms: string = FORMS): Command {
  return command
    .option('-o, --output <form>', forms)
    .option(
      '--server <url>',
      'the supervisor (default: MUSTER_SERVER, else the one of the data folder)',
    )
    .option(
      '--token-file <file>',
      'file with the token (default: MUSTER_TOKEN, MUSTER_TOKEN_FILE, else the data folder)',
    );
}

/** Returns the flags of a command; those before it count where it has none of its own. */
export function flagsOf<Flags extends object>(command: Command): Flags {
  const levels: object[] = [];
  for (let level: Command | null = command; level !== null; level = level.parent) {
    levels.unshift(level.opts());
  }
  return Object.assign({}, ...levels) as Flags;
}

/** Adds examples to the help of a command: pairs of a command line and what it does. */
export function addExamples(
  command: Command,
  examples: readonly (readonly [string, string])[],
): Command {
  const lines = examples.map(([line, purpose]) => `  # ${purpose}\n  ${line}`);
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}
