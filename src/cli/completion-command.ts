/**
 * Registers `muster completion`, and the hidden command that its scripts ask.
 */
import type { Command } from 'commander';
import { addExamples } from './client-flags.ts';
import { ORDINARY, perform } from './perform.ts';

/** Adds `completion` to the program. */
export function addCompletionCommands(program: Command): void {
  const completion = program
    .command('completion')
    .description('print the script that completes commands, flags and names in a shell')
    .argument('<shell>', 'bash, zsh or fish');
  addExamples(completion, [
    ["echo 'source <(muster completion bash)' >> ~/.bashrc", 'in bash, from the next shell on'],
    ["echo 'source <(muster completion zsh)' >> ~/.zshrc", 'in zsh, after compinit'],
    ['muster completion fish > ~/.config/fish/completions/muster.fish', 'in fish'],
  ]);
  completion.action((shell: string) =>
    perform(ORDINARY, async () => (await import('./completion/answer.ts')).printScript(shell)),
  );

  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .action((words: string[]) =>
      perform(ORDINARY, async () =>
        (await import('./completion/answer.ts')).printCandidates(words, program),
      ),
    );
}
