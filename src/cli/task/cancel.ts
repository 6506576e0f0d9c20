/** `muster task cancel`: asks for the end of tasks. */
import { TaskSchema } from '../../../proto/gen/muster/v1/task_pb.ts';
import type { ClientFlags } from '../client-flags.ts';
import { unary } from '../connection.ts';
import { eachTask } from '../each-task.ts';
import { messageJson } from '../output.ts';
import { requireTask, taskLine } from '../task-line.ts';

export interface CancelFlags extends ClientFlags {
  readonly note?: string;
}

/** Cancels each task; returns the exit code. */
export async function cancelTasks(ids: readonly string[], flags: CancelFlags): Promise<number> {
  return await eachTask(ids, flags, async (connection, id) => {
    const request = { id, note: flags.note ?? '' };
    const task = requireTask(await connection.tasks.cancelTask(request, unary));
    return { json: messageJson(TaskSchema, task), line: taskLine(task) };
  });
}
