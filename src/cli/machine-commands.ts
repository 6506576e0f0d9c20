/**
 * Registers `muster machine …`.
 */
import type { Command } from 'commander';
import { addClientFlags, addExamples, flagsOf } from './client-flags.ts';
import { ORDINARY, perform } from './perform.ts';

/** Adds `machine` with its commands to the program. */
export function addMachineCommands(program: Command): void {
  const machine = program
    .command('machine')
    .description('look at the state machines that tasks, nodes and schedules are');

  const list = addClientFlags(machine.command('list').alias('ls').description('list them'));
  addExamples(list, [['muster machine list', 'their names, versions and sizes']]);
  list.action(() =>
    perform(ORDINARY, async () => (await import('./machine/list.ts')).listMachines(flagsOf(list))),
  );

  const show = addClientFlags(
    machine.command('show').description('print one: -o mermaid (default), svg, xstate or json'),
  );
  show.argument('<name>', 'name of the machine');
  addExamples(show, [
    ['muster machine show task -o svg > task.svg', 'a drawing'],
    ['muster machine show task -o xstate', 'the definition, for the tools of Stately'],
  ]);
  show.action((name: string) =>
    perform(ORDINARY, async () =>
      (await import('./machine/show.ts')).showMachine(name, flagsOf(show)),
    ),
  );
}
