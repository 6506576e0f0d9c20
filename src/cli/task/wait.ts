/** `muster task wait`: returns when a task is final, with the exit code that `run` would have. */
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { Task } from '../../../proto/gen/muster/v1/task_pb.ts';
import { TaskSchema } from '../../../proto/gen/muster/v1/task_pb.ts';
import type { ClientFlags } from '../client-flags.ts';
import type { Connection } from '../connection.ts';
import { withConnection } from '../connection.ts';
import { exitCodeOf, isFinal } from '../exit-code.ts';
import { messageJson, outputForm, printDocument, printLines } from '../output.ts';
import { Reconnect } from '../reconnect.ts';
import { stdout } from '../sink.ts';
import { resolveTaskId } from '../task-id.ts';
import { requireTask, taskLine } from '../task-line.ts';

/** One call waits this long, and is given up a little later. */
const WAIT_MS = 60_000;
const call = { timeoutMs: WAIT_MS + 30_000 } as const;

/** Waits for the end of a task; returns its exit code. */
export async function waitTask(text: string, flags: ClientFlags): Promise<number> {
  const form = outputForm(flags.output);
  return await withConnection(flags, async (connection) => {
    const task = await waitForEnd(connection, await resolveTaskId(connection, text));
    if (form === 'json') await printDocument(messageJson(TaskSchema, task));
    else if (form === 'jsonl') await printLines([messageJson(TaskSchema, task)]);
    else await stdout.write(`${taskLine(task)}\n`);
    return exitCodeOf(task);
  });
}

async function waitForEnd(connection: Connection, id: string): Promise<Task> {
  const reconnect = new Reconnect(connection);
  const request = { id, timeout: durationFromMs(WAIT_MS) };
  for (;;) {
    const task = requireTask(await reconnect.run(() => connection.tasks.waitTask(request, call)));
    if (isFinal(task)) return task;
  }
}
