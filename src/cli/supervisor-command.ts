/**
 * Registers `muster supervisor`. What a setting may be is checked by the supervisor's own config.
 */
import type { Command } from 'commander';
import { addExamples } from './client-flags.ts';
import { performService } from './perform.ts';

interface Flags {
  readonly listen?: string;
  readonly port?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecureListen?: boolean;
  readonly logLevel?: string;
  readonly keepTasks?: string;
  readonly keepOutput?: string;
  readonly keepHistory?: string;
  readonly keepStatistics?: string;
  readonly outputMaxBytes?: string;
  readonly data?: string;
}

/** Adds `supervisor` to the program. */
export function addSupervisorCommand(program: Command): void {
  const command = program
    .command('supervisor')
    .description('run a supervisor; its database is MUSTER_DATABASE_URL')
    .option('--listen <host:port>', 'where to listen (default: MUSTER_LISTEN, else 127.0.0.1:7070)')
    .option('--port <n>', 'only the port of it; 0 lets the system choose')
    .option('--tls-cert <file>', 'certificate chain, PEM (default: MUSTER_TLS_CERT)')
    .option('--tls-key <file>', 'its key, PEM (default: MUSTER_TLS_KEY)')
    .option('--insecure-listen', 'allow an address without TLS that others can reach')
    .option(
      '--log-level <level>',
      'debug, info, warn, error or silent (default: MUSTER_LOG_LEVEL, else info)',
    )
    .option(
      '--keep-tasks <age>',
      'delete tasks so long after their end: 30d, 12h or forever (default: MUSTER_KEEP_TASKS, else 30d)',
    )
    .option(
      '--keep-output <age>',
      'delete their output so long after their end (default: MUSTER_KEEP_OUTPUT, else with the task)',
    )
    .option(
      '--keep-history <age>',
      'delete their history so long after their end, and that of schedules (default: MUSTER_KEEP_HISTORY, else with the task)',
    )
    .option(
      '--keep-statistics <age>',
      'count tasks for so long (default: MUSTER_KEEP_STATISTICS, else 400d)',
    )
    .option(
      '--output-max-bytes <size>',
      'delete the oldest output when all of it is more: 20GiB or none (default: MUSTER_OUTPUT_MAX_BYTES, else none)',
    )
    .option(
      '--data <folder>',
      'data folder, for the address and the tokens (default: MUSTER_HOME, else .muster)',
    );
  addExamples(command, [
    ['MUSTER_DATABASE_URL=postgres://muster@db/muster muster supervisor', 'on this machine only'],
    [
      'muster supervisor --listen 0.0.0.0:7070 --tls-cert cert.pem --tls-key key.pem',
      'for others, with TLS',
    ],
  ]);
  command.action((flags: Flags) =>
    performService(async (signal) => {
      const [{ runSupervisor }, { serviceHome }, { keepHeapSmall }] = await Promise.all([
        import('../main.ts'),
        import('./home.ts'),
        import('../process/heap.ts'),
      ]);
      keepHeapSmall();
      const { data, ...settings } = flags;
      const home = serviceHome(data, process.env, process.cwd());
      await runSupervisor({ ...settings, home }, { signal });
    }),
  );
}
