/**
 * Registers `muster schedule …`.
 */
import type { Command } from 'commander';
import { addClientFlags, addExamples, flagsOf } from './client-flags.ts';
import { ORDINARY, perform } from './perform.ts';
import { addTaskFlags } from './task-flags.ts';

const KEY = 'its name, or its id';

/** Adds `schedule` with its commands to the program. */
export function addScheduleCommands(program: Command): void {
  const schedule = program.command('schedule').description('make tasks at given times');
  addCreate(schedule);
  addUpdate(schedule);
  addReading(schedule);
  addActions(schedule);
}

function addTimingFlags(command: Command): Command {
  return command
    .option('--cron <expression>', 'five or six fields, or @daily and the like')
    .option('--every <duration>', 'every so often, from now on or from --from on')
    .option('--at <time>', 'once: 30m from now, or an ISO time')
    .option('--tz <zone>', 'time zone of --cron, as in Europe/Berlin (default: UTC)')
    .option('--from <time>', 'not before')
    .option('--until <time>', 'not after');
}

function addCreate(schedule: Command): void {
  const create = addClientFlags(schedule.command('create'))
    .description('create a schedule; what to run is said as for run')
    .usage('NAME (--cron … | --every … | --at …) [flags] -f FILE | - | -- CMD ARGS…')
    .argument('<name>', 'unique: letters, digits, - _ .')
    .argument('[words...]', '- for a script from standard input, or after -- a program');
  addTaskFlags(addRuleFlags(addTimingFlags(create)), 'unseen');
  addExamples(create, [
    [
      "muster schedule create backup --cron '30 4 * * *' --tz Europe/Berlin --node db-1 -f backup.sh",
      'every night',
    ],
    [
      'muster schedule create check --every 10m -l role=web --max-parallel 20% -- ./check',
      'on many hosts',
    ],
  ]);
  create.action((name: string, words: string[]) =>
    perform(ORDINARY, async () =>
      (await import('./schedule/create.ts')).createSchedule(name, words, flagsOf(create)),
    ),
  );

  const preview = addTimingFlags(
    addClientFlags(schedule.command('preview').description('show when a timing would be due')),
  ).option('--count <n>', 'how many times (default: 5)');
  addExamples(preview, [
    ["muster schedule preview --cron '0 2 * * SUN' --tz America/New_York", 'the next five Sundays'],
  ]);
  preview.action(() =>
    perform(ORDINARY, async () =>
      (await import('./schedule/create.ts')).previewSchedule(flagsOf(preview)),
    ),
  );
}

function addRuleFlags(command: Command): Command {
  return command
    .option(
      '--overlap <rule>',
      'while its former task runs: allow, forbid, replace or queue (default: forbid)',
    )
    .option(
      '--missed <rule>',
      'for times nobody could fire at: skip, latest or all (default: latest)',
    )
    .option('--missed-window <duration>', 'never make up for older ones (default: 1h)')
    .option(
      '--jitter <duration>',
      'fire up to this much later, with --every at most that (default: 0)',
    );
}

function addUpdate(schedule: Command): void {
  const update = addClientFlags(schedule.command('update'))
    .description(
      'change a schedule; what is not given stays, and --from none or --until none takes a bound away',
    )
    .usage('NAME [flags] [-f FILE | - | -- CMD ARGS…]')
    .argument('<key>', KEY)
    .argument('[words...]', '- for a script from standard input, or after -- a program');
  addTaskFlags(addRuleFlags(addTimingFlags(update)), 'unseen').option(
    '--expect-version <n>',
    'refuse if it has another version by now',
  );
  addExamples(update, [
    ["muster schedule update backup --cron '0 5 * * *'", 'an hour later, in the same zone'],
    ['muster schedule update check --max-parallel 5 --timeout 1m -- ./check --fast', 'other work'],
  ]);
  update.action((key: string, words: string[]) =>
    perform(ORDINARY, async () =>
      (await import('./schedule/update.ts')).updateSchedule(key, words, flagsOf(update)),
    ),
  );
}

function addReading(schedule: Command): void {
  const list = addClientFlags(
    schedule.command('list').alias('ls').description('list schedules by name'),
  );
  list.action(() =>
    perform(ORDINARY, async () => (await import('./schedule/act.ts')).listSchedules(flagsOf(list))),
  );
  const get = add(schedule, 'get', 'show everything about a schedule');
  get.action((key: string) =>
    perform(ORDINARY, async () =>
      (await import('./schedule/act.ts')).getSchedule(key, flagsOf(get)),
    ),
  );
  const fires = add(
    schedule,
    'fires',
    'show what became of its due times, the latest first',
  ).option('--limit <n>', 'how many (default: 50)');
  fires.action((key: string) =>
    perform(ORDINARY, async () =>
      (await import('./schedule/act.ts')).listFires(key, flagsOf(fires)),
    ),
  );
  const history = add(schedule, 'history', 'show every stored step of a schedule, and who asked');
  addExamples(history, [['muster schedule history backup', 'who has paused or changed it']]);
  history.action((key: string) =>
    perform(ORDINARY, async () =>
      (await import('./schedule/history.ts')).showScheduleHistory(key, flagsOf(history)),
    ),
  );
  const verify = add(schedule, 'verify', 'replay its history and compare');
  verify.action((key: string) =>
    perform(ORDINARY, async () =>
      (await import('./schedule/act.ts')).verifySchedule(key, flagsOf(verify)),
    ),
  );
}

function addActions(schedule: Command): void {
  const pause = add(schedule, 'pause', 'fire nothing until it is resumed').option(
    '--note <text>',
    'why, for everybody to see',
  );
  pause.action((key: string) =>
    perform(ORDINARY, async () =>
      (await import('./schedule/act.ts')).pauseSchedule(key, flagsOf(pause)),
    ),
  );
  const resume = add(schedule, 'resume', 'go on with the first due time from now on');
  resume.action((key: string) =>
    perform(ORDINARY, async () =>
      (await import('./schedule/act.ts')).resumeSchedule(key, flagsOf(resume)),
    ),
  );
  const trigger = add(schedule, 'trigger', 'fire it now; prints the id of the task');
  trigger.action((key: string) =>
    perform(ORDINARY, async () =>
      (await import('./schedule/act.ts')).triggerSchedule(key, flagsOf(trigger)),
    ),
  );
  const remove = add(schedule, 'delete', 'delete it with its history; its tasks stay').alias('rm');
  remove.action((key: string) =>
    perform(ORDINARY, async () =>
      (await import('./schedule/act.ts')).deleteSchedule(key, flagsOf(remove)),
    ),
  );
}

function add(schedule: Command, name: string, description: string): Command {
  return addClientFlags(schedule.command(name).description(description)).argument('<key>', KEY);
}
