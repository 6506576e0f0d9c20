/** `muster completion` and `muster __complete`: what they print. */
import type { Command } from 'commander';
import { EXIT } from '../exit.ts';
import { UsageFault } from '../fault.ts';
import { stdout } from '../sink.ts';
import { complete, showAnswer } from './candidates.ts';
import { SCRIPTS, SHELLS } from './scripts.ts';

/** Prints the script of a shell; returns the exit code. */
export async function printScript(name: string): Promise<number> {
  const shell = SHELLS.find((one) => one === name);
  if (shell === undefined) {
    throw new UsageFault(`there is no completion for '${name}'; there is for ${SHELLS.join(', ')}`);
  }
  await stdout.write(SCRIPTS[shell]);
  return EXIT.ok;
}

/** Prints what the last of the words may become; returns the exit code. */
export async function printCandidates(words: readonly string[], program: Command): Promise<number> {
  await stdout.write(showAnswer(await complete(program, words)));
  return EXIT.ok;
}
