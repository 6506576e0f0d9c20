/**
 * What can stand where the cursor is. The answer of `muster __complete` to the shell's script.
 */
import type { Command } from 'commander';
import type { ClientFlags } from '../client-flags.ts';
import { harmless } from '../table.ts';
import { readLine, type TypedLine } from './line.ts';
import { readNames } from './names.ts';
import { argumentValues, optionValues, type ValueKind } from './values.ts';

export interface Candidate {
  readonly text: string;
  /** For shells that show it. */
  readonly about: string;
}

/** `files`: the shell should offer those. */
export type Answer =
  | { readonly kind: 'files' }
  | { readonly kind: 'words'; readonly candidates: readonly Candidate[] };

/**
 * Returns what the last word may become.
 *
 * @param words all after `muster`, the last one as far as it is typed
 */
export async function complete(program: Command, words: readonly string[]): Promise<Answer> {
  const line = readLine(program, words);
  const { wanted, prefix } = line;
  switch (wanted.kind) {
    case 'command':
      return startingWith(prefix, subcommands(wanted.of));
    case 'flag':
      return startingWith(prefix, flagsOf(wanted.of));
    case 'value':
      return await ofKind(optionValues(wanted.of, wanted.option), wanted.head, line);
    case 'argument':
      return await ofKind(argumentValues(wanted.of, wanted.argument), '', line);
    case 'foreign':
      return { kind: 'files' };
    case 'nothing':
      return startingWith(prefix, []);
  }
}

/** Returns the answer as lines: how, and then each candidate with what it is about. */
export function showAnswer(answer: Answer): string {
  if (answer.kind === 'files') return 'files\n';
  const lines = answer.candidates.map(({ text, about }) =>
    about === '' ? text : `${text}\t${harmless(about)}`,
  );
  return `words\n${lines.map((one) => `${one}\n`).join('')}`;
}

async function ofKind(values: ValueKind, head: string, line: TypedLine): Promise<Answer> {
  const { prefix } = line;
  // Of a list only the last part is open.
  const done = prefix.slice(0, prefix.lastIndexOf(',') + 1);
  const part = prefix.slice(done.length);
  const within = (candidates: readonly Candidate[]) =>
    startingWith(
      head + prefix,
      candidates.map(({ text, about }) => ({ text: head + done + text, about })),
    );
  switch (values.kind) {
    case 'choice':
      return within(values.words.map((text) => ({ text, about: '' })));
    case 'name':
      return within(await readNames(values.of, part, line.given as ClientFlags));
    case 'file':
      // Shells complete a word as a whole: not what stands behind a flag in it.
      return head === '' ? { kind: 'files' } : within([]);
    case 'any':
      return within([]);
  }
}

function startingWith(prefix: string, candidates: readonly Candidate[]): Answer {
  return { kind: 'words', candidates: candidates.filter(({ text }) => text.startsWith(prefix)) };
}

function subcommands(command: Command): Candidate[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((one) => ({ text: one.name(), about: one.summary() || one.description() }));
}

function flagsOf(command: Command): Candidate[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long, short, description }) => {
      const text = long ?? short;
      return text === undefined ? [] : [{ text, about: description }];
    });
}
