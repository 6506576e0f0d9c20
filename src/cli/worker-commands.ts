/**
 * Registers `muster worker …`.
 */
import type { Command } from 'commander';
import { addClientFlags, addExamples, flagsOf } from './client-flags.ts';
import { ORDINARY, perform } from './perform.ts';
import type { OperateFlags, WorkerVerb } from './worker-operate.ts';

const VERBS: readonly (readonly [WorkerVerb, string])[] = [
  ['start', 'start workers that are stopped, crashed or waiting'],
  ['stop', 'stop workers; a busy slot finishes its attempt first'],
  ['restart', 'stop workers and start them again; a busy slot finishes its attempt first'],
];

/** Adds `worker` with its commands to the program. */
export function addWorkerCommands(program: Command): void {
  const worker = program
    .command('worker')
    .description('operate slots and kept commands of nodes (muster node workers lists them)');
  for (const [verb, summary] of VERBS) {
    const command = addClientFlags(worker.command(verb).description(summary))
      .argument('<workers...>', 'NODE/NAME each')
      .option('--wait', 'until it is so; the exit code is 1 if it does not come to that');
    addExamples(command, [
      [`muster worker ${verb} web-1/slot-0`, 'a slot'],
      [`muster worker ${verb} --wait web-1/exporter web-2/exporter`, 'kept commands of two nodes'],
    ]);
    command.action((names: string[]) =>
      perform(ORDINARY, async () => {
        const { operateWorkers } = await import('./worker-operate.ts');
        return await operateWorkers(verb, names, flagsOf<OperateFlags>(command));
      }),
    );
  }
}
