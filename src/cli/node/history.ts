/** `muster node history`: what operators have asked of a host, and when. */
import { printHistory, readAllPages } from '../actor-history.ts';
import type { ClientFlags } from '../client-flags.ts';
import { unary, withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { outputForm } from '../output.ts';
import { note } from '../sink.ts';

/** Shows the history of a node; returns the exit code, 1 with --verify when its replay differs. */
export async function showNodeHistory(
  id: string,
  flags: ClientFlags & { readonly verify?: boolean },
): Promise<number> {
  const form = outputForm(flags.output);
  return await withConnection(flags, async ({ nodes }) => {
    const transitions = await readAllPages((afterVersion) =>
      nodes.getNodeHistory({ id, afterVersion }, unary),
    );
    await printHistory(transitions, form, `${id} has never been drained`);
    if (flags.verify !== true) return EXIT.ok;
    const { clean, differences } = await nodes.verifyNode({ id }, unary);
    await note(clean ? `${id}: the replay gives what is stored` : differences.join('; '));
    return clean ? EXIT.ok : EXIT.failure;
  });
}
