/** `muster task pause` and `muster task resume`: hold fan-outs up between two of their nodes. */
import { TaskSchema } from '../../../proto/gen/muster/v1/task_pb.ts';
import type { ClientFlags } from '../client-flags.ts';
import { unary } from '../connection.ts';
import { eachTask } from '../each-task.ts';
import { messageJson } from '../output.ts';
import { requireTask, taskLine } from '../task-line.ts';

/** Starts no more children of each; returns the exit code. */
export async function pauseTasks(
  ids: readonly string[],
  flags: ClientFlags & { readonly note?: string },
): Promise<number> {
  return await eachTask(ids, flags, async (connection, id) => {
    const request = { id, note: flags.note ?? '' };
    const task = requireTask(await connection.tasks.pauseTask(request, unary));
    return { json: messageJson(TaskSchema, task), line: taskLine(task) };
  });
}

/** Lets each go on; returns the exit code. */
export async function resumeTasks(ids: readonly string[], flags: ClientFlags): Promise<number> {
  return await eachTask(ids, flags, async (connection, id) => {
    const task = requireTask(await connection.tasks.resumeTask({ id }, unary));
    return { json: messageJson(TaskSchema, task), line: taskLine(task) };
  });
}
