/** `muster schedule history`: every stored step of a schedule, with who has asked for it. */
import { printHistory, readAllPages } from '../actor-history.ts';
import type { ClientFlags } from '../client-flags.ts';
import { unary, withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { outputForm } from '../output.ts';
import { note } from '../sink.ts';

/** Shows the history of a schedule; returns the exit code. */
export async function showScheduleHistory(key: string, flags: ClientFlags): Promise<number> {
  const form = outputForm(flags.output);
  return await withConnection(flags, async ({ schedules }) => {
    const transitions = await readAllPages((afterVersion) =>
      schedules.getScheduleHistory({ key, afterVersion }, unary),
    );
    await printHistory(transitions, form, `${key} has no stored history`);
    const first = transitions[0]?.version ?? 1;
    if (first > 1) await note(`steps before version ${first} have expired and are deleted`);
    return EXIT.ok;
  });
}
