/**
 * Reads a command line that is being typed: which command it is for, and what its last word may become.
 *
 * Pure: everything follows from the words and from the commands as commander has them.
 */
import type { Argument, Command, Option } from 'commander';

/** What the last word may become. */
export type Wanted =
  /** The name of a command below this one. */
  | { readonly kind: 'command'; readonly of: Command }
  | { readonly kind: 'flag'; readonly of: Command }
  /** The value of a flag; `head` is what stands before it in the same word. */
  | { readonly kind: 'value'; readonly of: Command; readonly option: Option; readonly head: string }
  | { readonly kind: 'argument'; readonly of: Command; readonly argument: Argument }
  /** A word of a program that is to run: nothing that we know. */
  | { readonly kind: 'foreign' }
  | { readonly kind: 'nothing' };

export interface TypedLine {
  readonly wanted: Wanted;
  /** What is typed of it. */
  readonly prefix: string;
  /** Values of flags that stand before it, by the names that commander gives them. */
  readonly given: Readonly<Record<string, string>>;
}

/** @param words all after `muster`, the last one as far as it is typed */
export function readLine(program: Command, words: readonly string[]): TypedLine {
  const given: Record<string, string> = {};
  const prefix = words.at(-1) ?? '';
  let command = program;
  let position = 0;
  let pending: Option | null = null;
  for (const word of words.slice(0, -1)) {
    if (pending !== null) {
      given[pending.attributeName()] = word;
      pending = null;
    } else if (word === '--') {
      return { wanted: { kind: 'foreign' }, prefix, given };
    } else if (isFlag(word)) {
      pending = takeFlag(command, word, given);
    } else {
      const below = position === 0 ? subcommand(command, word) : undefined;
      if (below === undefined) position += 1;
      else command = below;
    }
  }
  return { ...lastWord(command, position, pending, prefix), given };
}

function lastWord(
  command: Command,
  position: number,
  pending: Option | null,
  prefix: string,
): Omit<TypedLine, 'given'> {
  if (pending !== null) {
    return { wanted: { kind: 'value', of: command, option: pending, head: '' }, prefix };
  }
  const equals = prefix.indexOf('=');
  if (prefix.startsWith('--') && equals > 0) {
    const head = prefix.slice(0, equals + 1);
    const option = findOption(command, prefix.slice(0, equals));
    return option === undefined || option.isBoolean()
      ? { wanted: { kind: 'nothing' }, prefix }
      : { wanted: { kind: 'value', of: command, option, head }, prefix: prefix.slice(equals + 1) };
  }
  if (prefix.startsWith('-')) return { wanted: { kind: 'flag', of: command }, prefix };
  if (position === 0 && command.commands.length > 0) {
    return { wanted: { kind: 'command', of: command }, prefix };
  }
  const argument = argumentAt(command, position);
  return argument === undefined
    ? { wanted: { kind: 'nothing' }, prefix }
    : { wanted: { kind: 'argument', of: command, argument }, prefix };
}

/** Returns the option whose value the next word is, or null. */
function takeFlag(command: Command, word: string, given: Record<string, string>): Option | null {
  const equals = word.indexOf('=');
  const name = equals > 0 ? word.slice(0, equals) : word;
  const option = findOption(command, name);
  if (option === undefined || option.isBoolean()) return null;
  if (equals <= 0) return option;
  given[option.attributeName()] = word.slice(equals + 1);
  return null;
}

/** Flags of the commands above count as well. */
function findOption(command: Command, name: string): Option | undefined {
  for (let level: Command | null = command; level !== null; level = level.parent) {
    const found = level.options.find(({ long, short }) => long === name || short === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function subcommand(command: Command, word: string): Command | undefined {
  // `muster help task` names commands as `muster task` does.
  if (word === 'help' && command.commands.length > 0) return command;
  return command.commands.find((one) => one.name() === word || one.aliases().includes(word));
}

function argumentAt(command: Command, position: number): Argument | undefined {
  const { registeredArguments } = command;
  const last = registeredArguments.at(-1);
  return registeredArguments[position] ?? (last?.variadic === true ? last : undefined);
}

function isFlag(word: string): boolean {
  return word.startsWith('-') && word !== '-';
}
