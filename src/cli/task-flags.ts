/**
 * The flags that say what to run and where. Shared by `run` and `schedule create`.
 */
import type { Command } from 'commander';
import { addFanOutFlags } from './fan-out-flags.ts';
import { collect } from './pairs.ts';

/** Adds the flags to a command. @param show of many nodes, if no flag says it */
export function addTaskFlags(command: Command, show: 'failures' | 'unseen'): Command {
  command
    .option('--node <id>', 'run on this node')
    .option('-f, --file <file>', 'run this script, - for standard input; arguments for it after --')
    .option(
      '--shell <name>',
      'interpreter of the script: sh, bash, python3, node or deno (default: its #! line, else sh)',
    )
    .option('--timeout <duration>', 'how long an attempt may take (default: 5m)')
    .option('--max-attempts <n>', 'how many attempts there may be, the first included (default: 1)')
    .option('--priority <n>', '0 to 100, higher first (default: 50)')
    .option('--label <k=v>', 'label of the task; repeatable', collect)
    .option('--env <K=V>', 'environment variable of the command; repeatable', collect)
    .option('--cwd <folder>', 'working folder, absolute (default: the home of its user)')
    .option('--user <name>', 'run as this user; the agent has to be root')
    .option('--stdin <file>', 'text for standard input, - for ours (default: empty)');
  return addFanOutFlags(command, { any: 'usual', show });
}
