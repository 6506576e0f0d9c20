/** `muster task logs`: the output of a task, as it is stored or as it comes. */
import type { ClientFlags } from '../client-flags.ts';
import { unary, withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { CliFault, UsageFault } from '../fault.ts';
import { followOutput } from '../follow.ts';
import { outputForm } from '../output.ts';
import { chosenBy, createOutputWriter } from '../output-writer.ts';
import { parseInteger } from '../pairs.ts';
import { Reconnect } from '../reconnect.ts';
import { resolveTaskId } from '../task-id.ts';
import { showFanOutLogs } from './fan-out-logs.ts';

export interface LogsFlags extends ClientFlags {
  readonly follow?: boolean;
  readonly attempt?: string;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
}

/** Shows the output of a task; returns the exit code. */
export async function showLogs(text: string, flags: LogsFlags): Promise<number> {
  const form = outputForm(flags.output);
  const attempt =
    flags.attempt === undefined ? undefined : parseInteger(flags.attempt, '--attempt');
  if (attempt === 0) throw new UsageFault('--attempt: attempts are numbered from 1');
  return await withConnection(flags, async (connection) => {
    const id = await resolveTaskId(connection, text);
    const { task: found } = await connection.tasks.getTask({ id }, unary);
    if (found?.fanOut !== undefined) {
      if (attempt !== undefined) {
        throw new UsageFault(`--attempt: task ${id} is a fan-out, which has no attempts`);
      }
      const follows = flags.follow === true;
      await showFanOutLogs(connection, found, { form, follows, isWanted: chosenBy(flags) });
      return EXIT.ok;
    }
    const writer = createOutputWriter(form, flags);
    const request = { id, attempt, waits: flags.follow === true };
    const task = await followOutput(connection, new Reconnect(connection), request, writer);
    await writer.end(task);
    if (task !== undefined && attempt !== undefined && attempt > task.attempt) {
      throw new CliFault(`task ${id} has no attempt ${attempt}: there are ${task.attempt}`);
    }
    return EXIT.ok;
  });
}
