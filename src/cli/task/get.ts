/** `muster task get`: everything about one task. */
import { TaskSchema } from '../../../proto/gen/muster/v1/task_pb.ts';
import type { ClientFlags } from '../client-flags.ts';
import { unary, withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { CliFault } from '../fault.ts';
import {
  messageJson,
  outputForm,
  printDetails,
  printDocument,
  printLines,
  printTable,
} from '../output.ts';
import { stdout } from '../sink.ts';
import { resolveTaskId } from '../task-id.ts';
import { ATTEMPT_COLUMNS, attemptRow, taskDetails } from '../task-view.ts';

/** Shows a task; returns the exit code. */
export async function getTask(text: string, flags: ClientFlags): Promise<number> {
  const form = outputForm(flags.output);
  return await withConnection(flags, async (connection) => {
    const id = await resolveTaskId(connection, text);
    const { task } = await connection.tasks.getTask({ id }, unary);
    if (task === undefined) throw new CliFault(`the supervisor has returned no task ${id}`);
    if (form === 'json') await printDocument(messageJson(TaskSchema, task));
    else if (form === 'jsonl') await printLines([messageJson(TaskSchema, task)]);
    else {
      const nowMs = Date.now();
      await printDetails(taskDetails(task, nowMs));
      if (task.attempts.length > 0) {
        await stdout.write('\n');
        await printTable(
          ATTEMPT_COLUMNS,
          task.attempts.map((attempt) => attemptRow(attempt, nowMs)),
        );
      }
    }
    return EXIT.ok;
  });
}
