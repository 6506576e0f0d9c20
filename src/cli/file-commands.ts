/**
 * Registers `muster file …`: one file of a host, or of many, put, fetched, deleted or looked at as a task.
 */
import type { Command } from 'commander';
import { addClientFlags, addExamples, flagsOf } from './client-flags.ts';
import { addFanOutFlags } from './fan-out-flags.ts';
import type { FanOutShow } from './fan-out-follow.ts';
import type { GetFlags, PutFlags } from './file/act.ts';
import { collect } from './pairs.ts';
import { perform, REMOTE } from './perform.ts';
import type { TaskFlags } from './run-spec.ts';

type Examples = readonly (readonly [string, string])[];

/** Adds `file` with its operations. Every failure of Muster itself is 125, a wrong command line included. */
export function addFileCommands(program: Command): void {
  const file = program
    .command('file')
    .description('put a file on hosts, fetch it, delete it or look at it')
    .exitOverride((error) => {
      if (error.exitCode !== 0) process.exitCode = REMOTE.usage;
      throw error;
    });
  addPut(file);
  addGet(file);
  addDelete(file);
  addStat(file);
}

/** Creates a command with the flags that all of them have. */
function add(
  file: Command,
  name: string,
  summary: string,
  examples: Examples,
  show: FanOutShow = 'gather',
): Command {
  const command = addClientFlags(file.command(name).description(summary))
    .option('--node <id>', 'on this node')
    .option('--timeout <duration>', 'how long an attempt may take (default: 5m)')
    .option('--max-attempts <n>', 'how many attempts there may be (default: 1)')
    .option('--label <k=v>', 'label of the task; repeatable', collect);
  return addExamples(addFanOutFlags(command, { any: 'of a selection', show }), examples);
}

function addDetach(command: Command): Command {
  return command.option('-d, --detach', 'print the id and return at once');
}

function addPut(file: Command): void {
  const command = add(
    file,
    'put',
    'make a file have this content; it prints created, updated or unchanged',
    [
      ['muster file put motd --to /etc/motd --node web-1', 'on one host'],
      [
        'muster file put app.conf --to /etc/app/ --mkdir --mode 0640 --owner app:app -l role=web',
        'on many, as /etc/app/app.conf',
      ],
    ],
  )
    .argument('<source>', 'a local file, - for standard input; at most 100 MiB')
    .requiredOption('--to <path>', 'where to; with / at its end the folder, for the same name')
    .option('--mode <mode>', 'permissions, as in 0644 (default: as it is, 0644 for a new file)')
    .option('--owner <user[:group]>', "owner (default: as it is, the agent's for a new file)")
    .option('--mkdir', 'make the folders that are missing');
  addDetach(command);
  command.action((source: string) =>
    perform(REMOTE, async () => {
      const { putFile } = await import('./file/act.ts');
      return await putFile(source, flagsOf<PutFlags>(command));
    }),
  );
}

function addGet(file: Command): void {
  const examples: Examples = [
    ['muster file get /etc/motd --node web-1', 'to standard output'],
    ['muster file get /etc/motd -l role=web --to motds', 'from many hosts: motds/NODE/motd'],
  ];
  const command = add(file, 'get', 'fetch a file of at most 100 MiB', examples, 'failures')
    .argument('<path>', 'the file on the host')
    .option(
      '--to <local>',
      'local file, or folder for many hosts (default: -, standard output, for one host)',
    )
    .option('--mkdir', 'make the local folders that are missing');
  command.action((path: string) =>
    perform(REMOTE, async () => {
      const { getFile } = await import('./file/act.ts');
      return await getFile(path, flagsOf<GetFlags>(command));
    }),
  );
}

function addDelete(file: Command): void {
  const summary = 'delete a file; it prints deleted, or absent when there was none';
  const command = add(file, 'delete', summary, [
    ['muster file delete /etc/motd --node web-1', 'on one host'],
  ]).argument('<path>', 'the file on the host');
  addDetach(command);
  command.action((path: string) =>
    perform(REMOTE, async () => {
      const { deleteFile } = await import('./file/act.ts');
      return await deleteFile(path, flagsOf<TaskFlags>(command));
    }),
  );
}

function addStat(file: Command): void {
  const summary = 'show type, size, mode, owner, time and SHA-256 of a file';
  const command = add(file, 'stat', summary, [
    ['muster file stat /etc/motd --all --gather', 'equal ones once, under their nodes'],
  ]).argument('<path>', 'the file on the host');
  addDetach(command);
  command.action((path: string) =>
    perform(REMOTE, async () => {
      const { statFile } = await import('./file/act.ts');
      return await statFile(path, flagsOf<TaskFlags>(command));
    }),
  );
}
