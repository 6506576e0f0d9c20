/**
 * Registers `muster task …`: what there is, with which flags. The code of each command is loaded when it is used.
 */
import type { Command } from 'commander';
import { addClientFlags, addExamples, flagsOf } from './client-flags.ts';
import { collect } from './pairs.ts';
import { ORDINARY, perform, REMOTE } from './perform.ts';
import type { BulkFlags } from './task/bulk.ts';

type Examples = readonly (readonly [string, string])[];

const ID = 'id of a task, or its first characters';
const IDS = 'ids of tasks, or their first characters';

/** Adds `task` with all its commands to the program. */
export function addTaskCommands(program: Command): void {
  const task = program.command('task').description('look at tasks and act on them');
  addListing(task);
  addFollowing(task);
  addActions(task);
  addFanOutActions(task);
  addChecks(task);
}

/** Creates a command with the flags that all of them have. */
function add(
  task: Command,
  name: string,
  summary: string,
  examples: Examples,
  forms?: string,
): Command {
  return addExamples(addClientFlags(task.command(name).description(summary), forms), examples);
}

function addRange(command: Command): Command {
  return command
    .option('--since <time>', 'created at or after: so long ago, as in 30m or 7d, or an ISO time')
    .option('--until <time>', 'created before: the same');
}

function addFilter(command: Command): Command {
  return addRange(
    command
      .option(
        '--state <states>',
        'pending, running, completed, failed, timeout, cancelled; repeatable',
        collect,
      )
      .option('--type <types>', 'script, file, service, handler, fan_out; repeatable', collect)
      .option('--node <ids>', 'tasks on these nodes; repeatable', collect)
      .option('--creator <names>', 'tasks of these creators; repeatable', collect)
      .option('--label <k=v>', 'with this label; repeatable, all have to fit', collect)
      .option('--text <text>', 'with this in their names, upper and lower case alike'),
  );
}

/** For actions that take ids or a filter. */
function addSelection(command: Command): Command {
  return addFilter(command.argument('[ids...]', IDS))
    .option('--all', 'all tasks that the action is for')
    .option('--dry-run', 'only count what matches')
    .option('--yes', 'do it to all that match');
}

/** Acts on ids by `each`, on a filter by the server. */
function performAction(
  command: Command,
  verb: 'cancel' | 'retry' | 'delete',
  each: (ids: string[]) => Promise<number>,
): void {
  command.action((ids: string[]) =>
    perform(ORDINARY, async () => {
      const { actOnSelection, isSelection } = await import('./task/bulk.ts');
      const flags = flagsOf<BulkFlags>(command);
      return isSelection(ids, flags) ? await actOnSelection(verb, flags) : await each(ids);
    }),
  );
}

function addListing(task: Command): void {
  const list = addFilter(
    add(task, 'list', 'list tasks, newest first, without children of fan-outs', [
      ['muster task list --state running,pending', 'what is under way'],
      ['muster task list --state failed --since 2h --node web-1', 'what has failed on a host'],
      ['muster task list --text deploy', 'what has a name with this in it'],
      ['muster task list --parent 0198c5f2-7b1a --state failed', 'the hosts a fan-out failed on'],
      ['muster task list --all -o jsonl | jq -r .id', 'the ids of all tasks'],
    ]),
  )
    .alias('ls')
    .option('--limit <n>', 'tasks of a page (default: 50)')
    .option('--page-token <token>', 'the next page, as the page before named it')
    .option('--all', 'all pages')
    .option('--children', 'children of fan-outs as well, as with --node')
    .option('--parent <id>', 'only the children of this fan-out');
  list.action(() =>
    perform(ORDINARY, async () => (await import('./task/list.ts')).listTasks(flagsOf(list))),
  );

  const get = add(task, 'get', 'show everything about a task', [
    ['muster task get 0198c5f2-7b1a', 'a task by the beginning of its id'],
    ['muster task get 0198c5f2-7b1a -o json | jq .exitCode', 'one field of it'],
  ]).argument('<id>', ID);
  get.action((id: string) =>
    perform(ORDINARY, async () => (await import('./task/get.ts')).getTask(id, flagsOf(get))),
  );

  const stats = addRange(
    add(
      task,
      'stats',
      'count tasks, also those deleted since, by state, type and node, with their durations',
      [
        ['muster task stats', 'all tasks'],
        ['muster task stats --since 24h -o json', 'the last day, for scripts'],
      ],
    ),
  );
  stats.action(() =>
    perform(ORDINARY, async () => (await import('./task/stats.ts')).showStatistics(flagsOf(stats))),
  );
}

function addFollowing(task: Command): void {
  const watch = addFilter(
    add(task, 'watch', 'show tasks as they change', [
      ['muster task watch 0198c5f2-7b1a', 'until this task is final'],
      ['muster task watch --node web-1', 'everything on a host, until Ctrl-C'],
      ['muster task watch --label app=shop -o jsonl', 'each change as a line of JSON'],
    ]),
  ).argument('[ids...]', IDS);
  watch.action((ids: string[]) =>
    perform(ORDINARY, async () =>
      (await import('./task/watch.ts')).watchTasks(ids, flagsOf(watch)),
    ),
  );

  const logs = add(
    task,
    'logs',
    'show the output of a task, byte for byte; of a fan-out, that of its nodes',
    [
      ['muster task logs 0198c5f2-7b1a --follow', 'what there is and what comes'],
      ['muster task logs 0198c5f2-7b1a --attempt 2 --stderr', 'the errors of the second attempt'],
      [
        'muster task logs 0198c5f2-7b1a -o jsonl | jq -r \'select(.node == "web-1").text\'',
        'of a fan-out, a document for each line',
      ],
    ],
  )
    .argument('<id>', ID)
    .option('-f, --follow', 'go on until the task is final')
    .option('--attempt <n>', 'only this attempt (default: all of them, from the first)')
    .option('--stdout', 'only its standard output')
    .option('--stderr', 'only its standard error');
  logs.action((id: string) =>
    perform(ORDINARY, async () => (await import('./task/logs.ts')).showLogs(id, flagsOf(logs))),
  );

  const wait = add(
    task,
    'wait',
    'wait until tasks are final; the exit code is that of run, for several 0 when all have completed, else 3',
    [
      ['muster task wait 0198c5f2-7b1a && echo done', 'go on when it has completed'],
      ['muster task wait 0198c5f2-7b1a -o json | jq -r .state', 'how it ended'],
      ['muster task wait 0198c5f2-7b1a 0198c5f2-9c00 && echo done', 'when both have completed'],
    ],
  ).argument('<ids...>', IDS);
  wait
    .exitOverride((error) => {
      if (error.exitCode !== 0) process.exitCode = REMOTE.usage;
      throw error;
    })
    .action((ids: string[]) =>
      perform(REMOTE, async () => (await import('./task/wait.ts')).waitTasks(ids, flagsOf(wait))),
    );
}

/** What can be done to fan-outs only. */
function addFanOutActions(task: Command): void {
  const pause = add(task, 'pause', 'start no more nodes of a fan-out', [
    ['muster task pause 0198c5f2-7b1a --note "looking into web-7"', 'those at work go on'],
  ])
    .argument('<ids...>', IDS)
    .option('--note <text>', 'why, for the history');
  pause.action((ids: string[]) =>
    perform(ORDINARY, async () =>
      (await import('./task/pause.ts')).pauseTasks(ids, flagsOf(pause)),
    ),
  );

  const resume = add(task, 'resume', 'let a paused fan-out go on', [
    ['muster task resume 0198c5f2-7b1a', 'with the next node'],
  ]).argument('<ids...>', IDS);
  resume.action((ids: string[]) =>
    perform(ORDINARY, async () =>
      (await import('./task/pause.ts')).resumeTasks(ids, flagsOf(resume)),
    ),
  );
}

function addActions(task: Command): void {
  const execute = add(task, 'execute', 'release held tasks', [
    ['muster task execute 0198c5f2-7b1a', 'a task that was created with run --hold'],
    ['muster task execute 0198c5f2-7b1a 0198c5f2-9c00', 'several at once'],
  ]).argument('<ids...>', IDS);
  execute.action((ids: string[]) =>
    perform(ORDINARY, async () =>
      (await import('./task/execute.ts')).executeTasks(ids, flagsOf(execute)),
    ),
  );

  const cancel = addSelection(
    add(task, 'cancel', 'ask for the end of tasks', [
      ['muster task cancel 0198c5f2-7b1a --note "wrong host"', 'with the reason for its history'],
      ['muster task cancel --state pending --label app=shop --yes', 'all that match'],
    ]),
  ).option('--note <text>', 'why, for the history');
  performAction(cancel, 'cancel', async (ids) =>
    (await import('./task/cancel.ts')).cancelTasks(ids, flagsOf(cancel)),
  );

  const retry = addSelection(
    add(task, 'retry', 'create final tasks anew', [
      ['muster task retry 0198c5f2-7b1a', 'a new task with the same spec'],
      ['muster task watch $(muster task retry 0198c5f2-7b1a -o json | jq -r .id)', 'and watch it'],
      [
        'muster task retry --failed 0198c5f2-7b1a',
        'a fan-out, on the nodes that have not completed',
      ],
      ['muster task retry --state failed --since 1h --yes', 'all that failed in the last hour'],
    ]),
  ).option('--failed', 'of a fan-out only the nodes that have not completed');
  performAction(retry, 'retry', async (ids) =>
    (await import('./task/retry.ts')).retryTasks(ids, flagsOf(retry)),
  );

  const resolve = add(task, 'resolve', 'decide the fate of a task whose node is unreachable', [
    [
      'muster task resolve 0198c5f2-7b1a lost --note "host is scrapped"',
      'retry if its policy allows, else failed',
    ],
    ['muster task resolve 0198c5f2-7b1a completed', 'it did its work'],
  ])
    .argument('<id>', ID)
    .argument('<resolution>', 'lost, completed, failed or cancelled')
    .option('--note <text>', 'why, for the history');
  resolve.action((id: string, word: string) =>
    perform(ORDINARY, async () =>
      (await import('./task/resolve.ts')).resolveTask(id, word, flagsOf(resolve)),
    ),
  );

  const remove = addSelection(
    add(task, 'delete', 'delete final tasks with their history and output', [
      ['muster task delete 0198c5f2-7b1a', 'one task'],
      ['muster task delete --until 90d --dry-run', 'how many are old'],
    ]).alias('rm'),
  );
  performAction(remove, 'delete', async (ids) =>
    (await import('./task/delete.ts')).deleteTasks(ids, flagsOf(remove)),
  );
}

function addChecks(task: Command): void {
  const history = add(task, 'history', 'show every committed transition of a task', [
    ['muster task history 0198c5f2-7b1a', 'how it came to its state'],
    [
      "muster task history 0198c5f2-7b1a -o json | jq '.transitions[].event'",
      'with the whole events',
    ],
  ]).argument('<id>', ID);
  history.action((id: string) =>
    perform(ORDINARY, async () =>
      (await import('./task/history.ts')).showHistory(id, flagsOf(history)),
    ),
  );

  const diagramExamples: Examples = [
    ['muster task diagram 0198c5f2-7b1a > task.svg', 'as it is now'],
    ['muster task diagram 0198c5f2-7b1a --version 3 > before.svg', 'as it was'],
  ];
  const drawing = 'draw the machine of a task, its way through it numbered';
  const diagram = add(task, 'diagram', drawing, diagramExamples, 'svg, the only form')
    .argument('<id>', ID)
    .option('--version <n>', 'as it was at this version (default: the last)');
  diagram.action((id: string) =>
    perform(ORDINARY, async () =>
      (await import('./machine/show.ts')).drawTask(id, flagsOf(diagram)),
    ),
  );

  const inspectExamples: Examples = [
    ['muster task inspect 0198c5f2-7b1a', 'its state, timers and last steps'],
    ['muster task inspect 0198c5f2-7b1a | cat', 'a line for each step'],
  ];
  const showing = 'show the machine of a task, live, until it ends';
  const forEyes = 'table, the only form; for programs there is task watch';
  const inspect = add(task, 'inspect', showing, inspectExamples, forEyes).argument('<id>', ID);
  inspect.action((id: string) =>
    perform(ORDINARY, async () =>
      (await import('./task/inspect.ts')).inspectTask(id, flagsOf(inspect)),
    ),
  );

  const verify = add(
    task,
    'verify',
    'replay histories and compare with what is stored; 1 when they differ',
    [
      ['muster task verify 0198c5f2-7b1a', 'one task'],
      ['muster task verify --all', 'every stored task'],
    ],
  )
    .argument('[ids...]', IDS)
    .option('--all', 'every stored task');
  verify.action((ids: string[]) =>
    perform(ORDINARY, async () =>
      (await import('./task/verify.ts')).verifyTasks(ids, flagsOf(verify)),
    ),
  );
}
