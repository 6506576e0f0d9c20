/**
 * Registers `muster agent`. What a setting may be is checked by the agent's own config.
 */
import type { Command } from 'commander';
import { addExamples } from './client-flags.ts';
import { collect } from './pairs.ts';
import { performService } from './perform.ts';

interface Flags {
  readonly server?: string;
  readonly node?: string;
  readonly label?: string[];
  readonly slots?: string;
  readonly keep?: string[];
  readonly data?: string;
  readonly allowPath?: string[];
  readonly handlers?: string;
  readonly handlerMemory?: string;
  readonly tokenFile?: string;
  readonly logLevel?: string;
}

/** Adds `agent` to the program. */
export function addAgentCommand(program: Command): void {
  const command = program
    .command('agent')
    .description('run the agent of this host')
    .requiredOption('--server <url>', 'the supervisor to connect to')
    .requiredOption('--node <id>', 'the id of this host')
    .option('--label <k=v>', 'label of the node; repeatable', collect)
    .option('--slots <n>', 'attempts at once (default: 2 for each core, at least 4)')
    .option(
      '--keep <name=command>',
      'a command to keep alive under a name: it is started again whenever it ends; NAME[on-failure]=COMMAND only when it has failed, NAME[never]=COMMAND not at all; repeatable',
      collect,
    )
    .option(
      '--data <folder>',
      'folder for the journal and the output of attempts (default: NODE in MUSTER_HOME, else in .muster)',
    )
    .option('--handlers <file>', 'module whose exported functions tasks can call')
    .option(
      '--handler-memory <mib>',
      'heap of each thread that calls them; on Deno one that needs more ends at its timeout (default: 256)',
    )
    .option(
      '--allow-path <folder>',
      'folder that file actions may work in; repeatable (default: MUSTER_ALLOWED_PATHS, else everywhere)',
      collect,
    )
    .option(
      '--token-file <file>',
      'file with the agent token (default: MUSTER_AGENT_TOKEN, MUSTER_AGENT_TOKEN_FILE, else agent.token in MUSTER_HOME); not needed once the host has enrolled',
    )
    .option(
      '--log-level <level>',
      'debug, info, warn, error or silent (default: MUSTER_LOG_LEVEL, else info)',
    );
  addExamples(command, [
    [
      'muster agent --server https://muster.example:7070 --node web-1 --label role=web',
      'a host of a fleet',
    ],
    [
      "muster agent --server https://muster.example:7070 --node web-1 --keep 'exporter=./node_exporter --port 9100'",
      'with a command that it keeps alive',
    ],
    [
      'muster agent --server http://127.0.0.1:7070 --node local-4 --slots 2',
      'one more on this machine',
    ],
  ]);
  command.action((flags: Flags) =>
    performService(async (signal) => {
      const [{ runAgent }, { readConfig }, { serviceHome }] = await Promise.all([
        // Commands that start a process may reach what they start.
        // oxlint-disable-next-line no-restricted-imports
        import('../../agent/main.ts'),
        // oxlint-disable-next-line no-restricted-imports
        import('../../agent/config.ts'),
        import('./home.ts'),
      ]);
      const { tokenFile, ...settings } = flags;
      const token =
        tokenFile === undefined
          ? {}
          : { MUSTER_AGENT_TOKEN: undefined, MUSTER_AGENT_TOKEN_FILE: tokenFile };
      const home = serviceHome(undefined, process.env, process.cwd());
      const config = readConfig(settings, { ...process.env, ...token, MUSTER_HOME: home });
      await runAgent(config, { signal });
    }),
  );
}
