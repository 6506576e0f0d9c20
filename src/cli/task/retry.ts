/** `muster task retry`: creates new tasks with the specs of final ones. */
import { randomUUID } from 'node:crypto';
import { TaskSchema } from '../../../proto/gen/muster/v1/task_pb.ts';
import type { ClientFlags } from '../client-flags.ts';
import { unary } from '../connection.ts';
import { eachTask } from '../each-task.ts';
import { messageJson } from '../output.ts';
import { requireTask, taskLine } from '../task-line.ts';

/** Creates a task anew for each; prints the new ones and returns the exit code. */
export async function retryTasks(
  ids: readonly string[],
  flags: ClientFlags & { readonly failed?: boolean },
): Promise<number> {
  return await eachTask(ids, flags, async (connection, id) => {
    const request = { id, requestId: randomUUID(), failedOnly: flags.failed === true };
    const task = requireTask(await connection.tasks.retryTask(request, unary));
    return { json: messageJson(TaskSchema, task), line: `${taskLine(task)}  (again ${id})` };
  });
}
