/**
 * Registers `muster run`.
 */
import type { Command } from 'commander';
import { addClientFlags, addExamples, flagsOf } from './client-flags.ts';
import { inOurWords } from './words.ts';
import { perform, REMOTE } from './perform.ts';
import type { RunFlags } from './run-spec.ts';
import { addTaskFlags } from './task-flags.ts';

const EXAMPLES: readonly (readonly [string, string])[] = [
  ['muster run --node web-1 -- systemctl status nginx', 'a command on one host, without a shell'],
  [
    "muster run -- sh -c 'df -h / | tail -1; uptime'",
    'a line of shell: pipes, ;, $VARIABLES and wildcards',
  ],
  [
    'muster run --timeout 10m --max-attempts 3 -f backup.sh -- /srv /backup',
    'a script with arguments',
  ],
  ['muster run --shell bash - < deploy.sh', 'a script from standard input'],
  [
    'muster run -l role=web --max-parallel 10% --max-failures 3 -b -- uptime',
    'on many hosts, a tenth at a time, equal output once',
  ],
  ['id=$(muster run --detach -- sleep 60); muster task wait "$id"', 'start now, wait later'],
];

/** Adds `run` to the program. Every failure of Muster itself is 125, a wrong command line included. */
export function addRunCommand(program: Command): void {
  const command = program
    .command('run')
    .summary('run a command or a script on one host or many and show its output')
    .description(
      'Run a command or a script on one host or many and show its output.\n\n' +
        'The exit code is the one of the remote command: 128+n when signal n ended it, 124 after a timeout, ' +
        '130 when cancelled, 125 when Muster itself fails; with many nodes 0 when all have completed and 3 when some ' +
        'have not, also at --deadline; 130 when the whole was cancelled. Of many nodes the failures are named; -b or --prefix prints their output. Ctrl-C cancels the task and waits for its end; a second ' +
        'Ctrl-C leaves it to itself. When the reader of the output goes away the task goes on.',
    )
    .usage('[flags] -f FILE | - | -- CMD ARGS…')
    .argument(
      '[words...]',
      '- for a script from standard input, or after -- a program and its arguments',
    )
    .option('--name <text>', 'a name for people (default: from the command)')
    .option('--start-at <time>', 'not before: 30m from now, or an ISO time')
    .option('--hold', 'create it held, until muster task execute')
    .option('-d, --detach', 'print the id and return at once')
    .option('--dry-run', 'only name the nodes that would be chosen');
  addTaskFlags(command, 'failures');
  addClientFlags(command);
  addExamples(command, EXAMPLES);
  command
    .configureOutput({
      outputError: (text, write) =>
        write(
          text.includes('unknown option') && !text.includes('Did you mean')
            ? inOurWords(`${text.trim()}; the command goes after --, as in: muster run -- ls -l`)
            : inOurWords(text),
        ),
    })
    .exitOverride((error) => {
      if (error.exitCode !== 0) process.exitCode = REMOTE.usage;
      throw error;
    })
    .action(async (words: string[]) =>
      perform(REMOTE, async () =>
        (await import('./run.ts')).run(words, flagsOf<RunFlags>(command)),
      ),
    );
}
