/**
 * What the value of a flag or of an argument can be: one of a few words, a name that the supervisor knows, a file, or anything.
 *
 * Words are taken from the description, where people read them as well; what is a name of something follows from the flag and
 * from the family of the command.
 */
import type { Argument, Command, Option } from 'commander';

/** Something that the supervisor knows names of. */
export type NameKind =
  | 'node'
  | 'task'
  | 'schedule'
  | 'group'
  | 'worker'
  | 'nodeLabel'
  | 'taskLabel';

export type ValueKind =
  | { readonly kind: 'choice'; readonly words: readonly string[] }
  | { readonly kind: 'name'; readonly of: NameKind }
  | { readonly kind: 'file' }
  | { readonly kind: 'any' };

const FLAGS: Readonly<Record<string, NameKind>> = {
  '--node': 'node',
  '--nodes': 'node',
  '--exclude': 'node',
  '--group': 'group',
  '--selector': 'nodeLabel',
  '--label': 'taskLabel',
};

/** By the family of the command, where that decides. */
const FLAGS_IN: Readonly<Record<string, Readonly<Record<string, NameKind>>>> = {
  node: { '--label': 'nodeLabel' },
  group: { '--parent': 'group' },
  task: { '--parent': 'task' },
};

const ARGUMENTS_IN: Readonly<Record<string, Readonly<Record<string, NameKind>>>> = {
  node: { id: 'node', changes: 'nodeLabel' },
  task: { id: 'task', ids: 'task' },
  schedule: { key: 'schedule' },
  group: { name: 'group', nodes: 'node' },
  worker: { workers: 'worker' },
};

export function optionValues(command: Command, option: Option): ValueKind {
  const long = option.long ?? '';
  const name = FLAGS_IN[familyOf(command)]?.[long] ?? FLAGS[long];
  if (name !== undefined) return { kind: 'name', of: name };
  if (/[<[](file|folder)[\]>]/.test(option.flags)) return { kind: 'file' };
  return choices(option.description);
}

export function argumentValues(command: Command, argument: Argument): ValueKind {
  const name = ARGUMENTS_IN[familyOf(command)]?.[argument.name()];
  // A new group has a name that nobody knows.
  if (name !== undefined && command.name() !== 'create') return { kind: 'name', of: name };
  return argument.name() === 'words' ? { kind: 'file' } : choices(argument.description);
}

function choices(description: string): ValueKind {
  const words = wordsIn(description);
  return words.length === 0 ? { kind: 'any' } : { kind: 'choice', words };
}

/**
 * Returns the words that a description lists, as in `skip, latest or all (default: latest)` and `interpreter: sh, bash or deno`; none
 * where it says anything else.
 */
export function wordsIn(description: string): string[] {
  const plain = description.replace(/ *\([^)]*\)/g, '').split(';')[0] ?? '';
  const list = plain.slice(plain.lastIndexOf(': ') + 1).trim();
  const words = list.split(/, | or /);
  return words.length > 1 && words.every((word) => /^[a-z][a-z0-9_-]*$/.test(word)) ? words : [];
}

function familyOf(command: Command): string {
  return command.parent?.name() ?? '';
}
