/**
 * Registers `muster machine …`.
 */
import type { Command } from 'commander';
import { addClientFlags, addExamples, type ClientFlags, flagsOf } from './client-flags.ts';
import { ORDINARY, perform } from './perform.ts';

const NAME = 'name of a machine: task, fan_out, schedule, node, session or worker';

/** Adds `machine` with its commands to the program. */
export function addMachineCommands(program: Command): void {
  const machine = program
    .command('machine')
    .description('look at the state machines that tasks, nodes and schedules are');

  const list = addClientFlags(machine.command('list').alias('ls').description('list them'));
  list.option('--all', 'every definition that ever ran, and since when');
  addExamples(list, [
    ['muster machine list', 'their names, versions and sizes'],
    ['muster machine list --all', 'former definitions as well'],
  ]);
  list.action(() =>
    perform(ORDINARY, async () => {
      const flags = flagsOf<ClientFlags & { readonly all?: boolean }>(list);
      if (flags.all === true)
        return await (await import('./machine/versions.ts')).listVersions(flags);
      return await (await import('./machine/list.ts')).listMachines(flags);
    }),
  );

  const show = addClientFlags(
    machine.command('show').description('print one: -o mermaid (default), svg, xstate or json'),
    'mermaid, svg, xstate or json (default: mermaid)',
  );
  show
    .argument('<name>', NAME)
    .option(
      '--version <version>',
      'a former definition: its version, or the beginning of its hash',
    );
  addExamples(show, [
    ['muster machine show task -o svg > task.svg', 'a drawing'],
    ['muster machine show task -o xstate', 'the definition, for the tools of Stately'],
    [
      'muster machine show task --version 9b9811483181',
      'as it was (see: muster machine list --all)',
    ],
  ]);
  show.action((name: string) =>
    perform(ORDINARY, async () =>
      (await import('./machine/show.ts')).showMachine(name, flagsOf(show)),
    ),
  );

  const counts = addClientFlags(
    machine.command('counts').description('say how often their edges were taken of late'),
  );
  counts
    .argument('[name]', `${NAME} (default: all that are counted)`)
    .option('--since <duration>', 'how far back, at most 48h (default: 1h)');
  addExamples(counts, [
    ['muster machine counts task', 'in the last hour'],
    ['muster machine counts --since 24h', 'of all machines, in the last day'],
  ]);
  counts.action((name: string | undefined) =>
    perform(ORDINARY, async () =>
      (await import('./machine/counts.ts')).countSteps(name, flagsOf(counts)),
    ),
  );
}
