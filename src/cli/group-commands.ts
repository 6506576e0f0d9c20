/**
 * Registers `muster group …`.
 */
import type { Command } from 'commander';
import { addClientFlags, addExamples, flagsOf } from './client-flags.ts';
import { ORDINARY, perform } from './perform.ts';
import { addSelectionFlags } from './selection-flags.ts';

const actions = () => import('./group-actions.ts');

/** Adds `group` with its commands to the program. */
export function addGroupCommands(program: Command): void {
  const group = program.command('group').description('keep a tree of groups of nodes');
  const add = (name: string, description: string) =>
    addClientFlags(group.command(name).description(description));

  const create = add('create <name>', 'create an empty group')
    .option('--parent <group>', 'below this group (default: at the top)')
    .option('--description <text>', 'what it is for');
  addExamples(create, [['muster group create berlin --parent europe', 'a group below another']]);
  create.action((name: string) =>
    perform(ORDINARY, async () => (await actions()).createGroup(name, flagsOf(create))),
  );

  const update = add('update <name>', 'move a group, or describe it anew')
    .option('--parent <group>', 'below this group; none is the top')
    .option('--description <text>', 'what it is for');
  update.action((name: string) =>
    perform(ORDINARY, async () => (await actions()).updateGroup(name, flagsOf(update))),
  );

  const list = add('list', 'list groups by name').alias('ls');
  list.action(() => perform(ORDINARY, async () => (await actions()).listGroups(flagsOf(list))));

  const get = add('get <name>', 'show a group and its nodes');
  get.action((name: string) =>
    perform(ORDINARY, async () => (await actions()).getGroup(name, flagsOf(get))),
  );

  const summary = 'delete a group that has no groups below it; its nodes stay';
  const remove = add('delete <name>', summary).alias('rm');
  remove.action((name: string) =>
    perform(ORDINARY, async () => (await actions()).deleteGroup(name, flagsOf(remove))),
  );

  addMembership(add);
}

function addMembership(add: (name: string, description: string) => Command): void {
  const addWithNodes = (name: string, description: string) =>
    addSelectionFlags(
      add(name, description)
        .argument('<name>', 'the group')
        .argument('[nodes...]', 'patterns of nodes, as with -n'),
    );
  const put = addWithNodes('add', 'put nodes into a group');
  addExamples(put, [
    ["muster group add berlin db-1 'web[01-20]'", 'nodes by name and by pattern'],
    ["muster group add berlin -l 'site=berlin'", 'nodes by their labels'],
  ]);
  put.action((name: string, nodes: string[]) =>
    perform(ORDINARY, async () => (await actions()).addToGroup(name, nodes, flagsOf(put))),
  );

  const take = addWithNodes('remove', 'take nodes out of a group');
  addExamples(take, [['muster group remove berlin db-1', 'a node']]);
  take.action((name: string, nodes: string[]) =>
    perform(ORDINARY, async () => (await actions()).removeFromGroup(name, nodes, flagsOf(take))),
  );
}
