/**
 * `muster task wait`: returns when tasks are final. For one task the exit code is the one that `run` would have, for several 0 when
 * all have completed, as `run` has it for many nodes.
 */
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { Task } from '../../../proto/gen/muster/v1/task_pb.ts';
import { TaskSchema } from '../../../proto/gen/muster/v1/task_pb.ts';
import type { ClientFlags } from '../client-flags.ts';
import type { Connection } from '../connection.ts';
import { withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { exitCodeOf, isFinal } from '../exit-code.ts';
import { messageJson, outputForm, printDocument, printLines } from '../output.ts';
import { Reconnect } from '../reconnect.ts';
import { stdout } from '../sink.ts';
import { resolveTaskId } from '../task-id.ts';
import { requireTask, taskLine } from '../task-line.ts';

/** One call waits this long, and is given up a little later. */
const WAIT_MS = 60_000;
/** Tasks that are waited for at once: all are to be over in the end, so that the others can come later. */
const PARALLEL = 32;
const call = { timeoutMs: WAIT_MS + 30_000 } as const;

/** Waits for the end of all tasks, and prints each when it is over; returns the exit code. */
export async function waitTasks(texts: readonly string[], flags: ClientFlags): Promise<number> {
  const form = outputForm(flags.output);
  return await withConnection(flags, async (connection) => {
    // A wrong id is told before anything is waited for.
    const ids = await Promise.all(texts.map((text) => resolveTaskId(connection, text)));
    const reconnect = new Reconnect(connection);
    const tasks: Task[] = [];
    const left = [...ids.entries()];
    const waitInTurn = async () => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const [index, id] = next;
        const task = await waitForEnd(connection, reconnect, id);
        tasks[index] = task;
        if (form === 'table') await stdout.write(`${taskLine(task)}\n`);
        else if (form === 'jsonl') await printLines([messageJson(TaskSchema, task)]);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, waitInTurn));
    const documents = tasks.map((task) => messageJson(TaskSchema, task));
    if (form === 'json') {
      await printDocument(documents.length === 1 ? documents[0] : { tasks: documents });
    }
    return codeOf(tasks);
  });
}

function codeOf(tasks: readonly Task[]): number {
  const codes = tasks.map(exitCodeOf);
  const [first = EXIT.ok] = codes;
  if (codes.length === 1) return first;
  return codes.every((code) => code === EXIT.ok) ? EXIT.ok : EXIT.someFailed;
}

async function waitForEnd(connection: Connection, reconnect: Reconnect, id: string): Promise<Task> {
  const request = { id, timeout: durationFromMs(WAIT_MS) };
  for (;;) {
    const task = requireTask(await reconnect.run(() => connection.tasks.waitTask(request, call)));
    if (isFinal(task)) return task;
  }
}
