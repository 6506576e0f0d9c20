/**
 * The whole command line: commands in the order of the help, and how commander speaks.
 *
 * Only names, flags and help are made here, so that `muster --help` and a mistake are answered at once.
 */
import { Command } from 'commander';
import { VERSION } from '../process/version.ts';
import { addAgentCommand } from './agent-command.ts';
import { addCallCommand } from './call-command.ts';
import { addClientFlags } from './client-flags.ts';
import { addCompletionCommands } from './completion-command.ts';
import { addEventsCommand } from './events-command.ts';
import { EXIT } from './exit.ts';
import { addFileCommands } from './file-commands.ts';
import { addGroupCommands } from './group-commands.ts';
import { addMachineCommands } from './machine-commands.ts';
import { addNodeCommands } from './node-commands.ts';
import { addRunCommand } from './run-command.ts';
import { addScheduleCommands } from './schedule-commands.ts';
import { addServiceCommands } from './service-commands.ts';
import { addSupervisorCommand } from './supervisor-command.ts';
import { addTaskCommands } from './task-commands.ts';
import { addUpCommand } from './up-command.ts';
import { addVersionCommand } from './version-command.ts';
import { inOurWords } from './words.ts';
import { addWorkerCommands } from './worker-commands.ts';

/** Returns the program. Parsing throws a CommanderError for help, and for a mistake. */
export function buildProgram(): Command {
  const program = new Command('muster')
    .description(
      'Runs anything on any host, durably, and shows every task as a live state machine.',
    )
    .enablePositionalOptions()
    .exitOverride()
    .version(VERSION, '--version', 'show the version')
    .configureHelp({ sortSubcommands: false, subcommandTerm: (command) => command.name() })
    .configureOutput({
      writeOut: writeHelp,
      outputError: (text, write) => write(inOurWords(text)),
    })
    .helpCommand('help [command]', 'show the help of a command')
    .showSuggestionAfterError(true);
  addClientFlags(program);
  addUpCommand(program);
  addRunCommand(program);
  addServiceCommands(program);
  addFileCommands(program);
  addCallCommand(program);
  addTaskCommands(program);
  addNodeCommands(program);
  addWorkerCommands(program);
  addGroupCommands(program);
  addScheduleCommands(program);
  addEventsCommand(program);
  addMachineCommands(program);
  addSupervisorCommand(program);
  addAgentCommand(program);
  addCompletionCommands(program);
  addVersionCommand(program);
  return program.addHelpText(
    'after',
    `
Examples:
  # a whole Muster on this machine
  muster up
  # a command on some host, and on a certain one
  muster run -- uname -a
  muster run --node web-1 -- systemctl restart nginx
  # what has happened
  muster task list --since 1h`,
  );
}

/** Returns the words after `muster`; `help task list`, of which commander would see `task` alone, as `task list --help`. */
export function readWords(given: readonly string[]): string[] {
  const [first, ...path] = given;
  return first === 'help' && path.length > 1 ? [...path, '--help'] : [...given];
}

/** Writes to stdout; a reader that has gone, as in `muster --help | head -1`, ends the command quietly. */
function writeHelp(text: string): void {
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(EXIT.closedPipe);
  });
  process.stdout.write(text);
}
