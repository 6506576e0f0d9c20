/**
 * Registers `muster node …`.
 */
import type { Command } from 'commander';
import { addClientFlags, addExamples, flagsOf } from './client-flags.ts';
import { collect } from './pairs.ts';
import { ORDINARY, perform } from './perform.ts';
import { addSelectionFlags } from './selection-flags.ts';

/** Adds `node` with its commands to the program. */
export function addNodeCommands(program: Command): void {
  const node = program.command('node').description('look at the hosts, label and drain them');

  const list = addClientFlags(
    node.command('list').alias('ls').description('list nodes by id'),
    'table, wide, json (one document) or jsonl (a message a line) (default: table)',
  )
    .option(
      '--state <states>',
      'online, unreachable, offline; active, draining, stopping, drained; repeatable',
      collect,
    )
    .option('--label <k=v>', 'with this label; repeatable, all have to fit', collect);
  addExamples(list, [
    ['muster node list', 'all hosts'],
    ['muster node list -o wide', 'with how busy and how full they are'],
    [
      'muster node list --state online,active --label role=web -o json',
      'those of a role that can work now',
    ],
    ['muster node list --state draining,stopping', 'where a drain is under way'],
  ]);
  list.action(() =>
    perform(ORDINARY, async () => (await import('./node/list.ts')).listNodes(flagsOf(list))),
  );

  const resolve = addSelectionFlags(
    addClientFlags(node.command('resolve').description('name the nodes that a selection chooses')),
  );
  addExamples(resolve, [
    ["muster node resolve -l 'role=web,!canary'", 'by labels'],
    ['muster node resolve -n web[01-20] -x web[03,07]', 'by names'],
  ]);
  resolve.action(() =>
    perform(ORDINARY, async () =>
      (await import('./node/resolve.ts')).resolveNodes(flagsOf(resolve)),
    ),
  );

  const get = addClientFlags(node.command('get').description('show everything about a node'));
  get.argument('<id>', 'id of the node');
  addExamples(get, [
    ['muster node get web-1', 'its state, facts and labels'],
    ['muster node get web-1 -o json | jq .facts.cores', 'one of its facts'],
  ]);
  get.action((id: string) =>
    perform(ORDINARY, async () => (await import('./node/get.ts')).getNode(id, flagsOf(get))),
  );

  addMetricsCommand(node);

  const label = addClientFlags(
    node.command('label').description('give labels to a node, over those of its agent'),
  );
  label
    .argument('<id>', 'id of the node')
    .argument('<changes...>', 'key=value gives a label, key- takes it back');
  addExamples(label, [
    ['muster node label web-1 role=web zone=eu', 'two labels, kept over every reconnect'],
    ['muster node label web-1 zone-', "the agent's own zone is in force again, if it has one"],
  ]);
  label.action((id: string, changes: string[]) =>
    perform(ORDINARY, async () =>
      (await import('./node/label.ts')).labelNode(id, changes, flagsOf(label)),
    ),
  );
  addDrainCommands(node);
  addWorkers(node);
}

/** Adds what takes a host out of work and back. */
function addDrainCommands(node: Command): void {
  const drain = addClientFlags(
    node.command('drain').description('give a node no new task and let those at work end'),
  )
    .argument('<id>', 'id of the node')
    .option('--deadline <duration>', 'how long tasks at work may go on (default: as they need)')
    .option(
      '--then <action>',
      'what becomes of those still at work after the deadline: stop or leave (default: stop)',
    )
    .option('--note <text>', 'why, for the history')
    .option('--wait', 'return when the node is drained');
  addExamples(drain, [
    [
      'muster node drain web-1 --deadline 10m --wait',
      'before a reboot; what still runs is stopped',
    ],
    ['muster node drain web-1 --note "disk swap"', 'for as long as its tasks take'],
  ]);
  drain.action((id: string) =>
    perform(ORDINARY, async () => (await import('./node/drain.ts')).drainNode(id, flagsOf(drain))),
  );

  const resume = addClientFlags(node.command('resume').description('give a node tasks again'));
  resume.argument('<id>', 'id of the node');
  addExamples(resume, [['muster node resume web-1', 'after its maintenance']]);
  resume.action((id: string) =>
    perform(ORDINARY, async () =>
      (await import('./node/drain.ts')).resumeNode(id, flagsOf(resume)),
    ),
  );

  const remove = addClientFlags(
    node.command('delete').alias('rm').description('forget a node whose agent is gone'),
  );
  remove.argument('<id>', 'id of the node');
  addExamples(remove, [['muster node delete web-9', 'its past tasks stay']]);
  remove.action((id: string) =>
    perform(ORDINARY, async () =>
      (await import('./node/drain.ts')).deleteNode(id, flagsOf(remove)),
    ),
  );

  const history = addClientFlags(
    node.command('history').description('show what has been asked of a node'),
  )
    .argument('<id>', 'id of the node')
    .option('--verify', 'replay it and compare with what is stored');
  addExamples(history, [['muster node history web-1', 'who drained it, when and why']]);
  history.action((id: string) =>
    perform(ORDINARY, async () =>
      (await import('./node/history.ts')).showNodeHistory(id, flagsOf(history)),
    ),
  );
}

function addWorkers(node: Command): void {
  const workers = addClientFlags(
    node
      .command('workers')
      .description('show what the slots and the kept commands of a node do, or of all nodes'),
  )
    .argument('[node]', 'id of the node')
    .option(
      '--state <states>',
      'starting, idle, busy, backing_off, crashed, stopped; repeatable',
      collect,
    )
    .option('-w, --watch', 'live, until Ctrl-C');
  addExamples(workers, [
    ['muster node workers web-1 --watch', 'live'],
    ['muster node workers --state crashed,backing_off', 'what is broken, anywhere'],
  ]);
  workers.action((id: string | undefined) =>
    perform(ORDINARY, async () =>
      (await import('./node/workers.ts')).listWorkers(id, flagsOf(workers)),
    ),
  );
}

function addMetricsCommand(node: Command): void {
  const metrics = addClientFlags(
    node.command('metrics').description('show how busy and how full a host was'),
  )
    .argument('<id>', 'id of the node')
    .option('--since <time>', 'from then on: 30m, 2h, or an ISO time (default: 1h)')
    .option('--until <time>', 'up to then (default: now)');
  addExamples(metrics, [
    ['muster node metrics web-1', 'the last hour, a point for each minute'],
    ['muster node metrics web-1 --since 24h -o jsonl', 'all that is kept, for a script'],
  ]);
  metrics.action((id: string) =>
    perform(ORDINARY, async () =>
      (await import('./node/metrics.ts')).showNodeMetrics(id, flagsOf(metrics)),
    ),
  );
}
