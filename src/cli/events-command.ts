/**
 * Registers `muster events`.
 */
import type { Command } from 'commander';
import { addClientFlags, addExamples, flagsOf } from './client-flags.ts';
import { collect } from './pairs.ts';
import { ORDINARY, perform } from './perform.ts';

/** Adds `events` to the program. */
export function addEventsCommand(program: Command): void {
  const events = addClientFlags(
    program
      .command('events')
      .description('show the newest transitions of tasks, schedules and nodes'),
  )
    .option('--kind <kinds>', 'only those of: task, fan-out, schedule or node; repeatable', collect)
    .option('-f, --follow', 'go on with what happens, until Ctrl-C');
  addExamples(events, [
    ['muster events', 'what has happened last'],
    [
      'muster events --kind schedule,node --follow',
      'what schedules and operators do, as it happens',
    ],
    ['muster events --follow -o jsonl > events.jsonl', 'everything, one event a line'],
  ]);
  events.action(() =>
    perform(ORDINARY, async () => (await import('./events/show.ts')).showEvents(flagsOf(events))),
  );
}
