/**
 * Registers `muster service …`: a systemd unit of a host, operated as a task whose output and end are shown as by `muster run`.
 */
import type { Command } from 'commander';
import { addClientFlags, addExamples, flagsOf } from './client-flags.ts';
import { addFanOutFlags } from './fan-out-flags.ts';
import { collect } from './pairs.ts';
import { perform, REMOTE } from './perform.ts';
import type { TaskFlags } from './run-spec.ts';
import type { Verb } from './service.ts';

const OPERATIONS: readonly (readonly [Verb, string])[] = [
  ['start', 'start a unit'],
  ['stop', 'stop a unit'],
  ['restart', 'stop a unit and start it again'],
  ['status', 'show how a unit is; the exit code is 3 when it is not active'],
  ['enable', 'start a unit at every boot'],
  ['disable', 'start a unit at no boot'],
];

/** Adds `service` with its operations. Every failure of Muster itself is 125, a wrong command line included. */
export function addServiceCommands(program: Command): void {
  const service = program
    .command('service')
    .description('operate a systemd unit of a host; the exit code is the one of systemctl')
    .exitOverride((error) => {
      if (error.exitCode !== 0) process.exitCode = REMOTE.usage;
      throw error;
    });
  for (const [verb, summary] of OPERATIONS) {
    const command = addClientFlags(service.command(verb).description(summary))
      .argument('<unit>', 'name of the unit, as for systemctl')
      .option('--node <id>', 'on this node')
      .option('--timeout <duration>', 'how long an attempt may take (default: 5m)')
      .option('--max-attempts <n>', 'how many attempts there may be (default: 1)')
      .option('--label <k=v>', 'label of the task; repeatable', collect)
      .option('-d, --detach', 'print the id and return at once');
    addFanOutFlags(command, { any: 'of a selection', show: 'gather' });
    addExamples(command, [
      [`muster service ${verb} nginx --node web-1`, summary],
      [
        `muster service ${verb} nginx -l role=web --max-parallel 1`,
        'on many hosts, one after the other',
      ],
    ]);
    command.action((unit: string) =>
      perform(REMOTE, async () => {
        const { operateService } = await import('./service.ts');
        return await operateService(verb, unit, flagsOf<TaskFlags>(command));
      }),
    );
  }
}
