/** `muster task resolve`: decides the fate of a task whose node is unreachable. */
import { TaskSchema } from '../../../proto/gen/muster/v1/task_pb.ts';
import { Resolution } from '../../../proto/gen/muster/v1/task_service_pb.ts';
import type { ClientFlags } from '../client-flags.ts';
import { unary } from '../connection.ts';
import { eachTask } from '../each-task.ts';
import { messageJson } from '../output.ts';
import { enumValue } from '../enums.ts';
import { requireTask, taskLine } from '../task-line.ts';

export interface ResolveFlags extends ClientFlags {
  readonly note?: string;
}

/** Resolves the task; returns the exit code. */
export async function resolveTask(
  text: string,
  word: string,
  flags: ResolveFlags,
): Promise<number> {
  const resolution = enumValue(Resolution, 'RESOLUTION_', word, 'RESOLUTION');
  return await eachTask([text], flags, async (connection, id) => {
    const request = { id, resolution, note: flags.note ?? '' };
    const task = requireTask(await connection.tasks.resolveTask(request, unary));
    return { json: messageJson(TaskSchema, task), line: taskLine(task) };
  });
}
