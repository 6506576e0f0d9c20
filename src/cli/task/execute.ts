/** `muster task execute`: releases held tasks. */
import { TaskSchema } from '../../../proto/gen/muster/v1/task_pb.ts';
import type { ClientFlags } from '../client-flags.ts';
import { unary } from '../connection.ts';
import { eachTask } from '../each-task.ts';
import { messageJson } from '../output.ts';
import { requireTask, taskLine } from '../task-line.ts';

/** Releases each task; returns the exit code. */
export async function executeTasks(ids: readonly string[], flags: ClientFlags): Promise<number> {
  return await eachTask(ids, flags, async (connection, id) => {
    const task = requireTask(await connection.tasks.executeTask({ id }, unary));
    return { json: messageJson(TaskSchema, task), line: taskLine(task) };
  });
}
