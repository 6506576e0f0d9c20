/** `muster task delete`: deletes final tasks with their history and output. */
import type { ClientFlags } from '../client-flags.ts';
import { unary } from '../connection.ts';
import { eachTask } from '../each-task.ts';

/** Deletes each task; returns the exit code. */
export async function deleteTasks(ids: readonly string[], flags: ClientFlags): Promise<number> {
  return await eachTask(ids, flags, async (connection, id) => {
    await connection.tasks.deleteTask({ id }, unary);
    return { json: { id, deleted: true }, line: `${id}  deleted` };
  });
}
