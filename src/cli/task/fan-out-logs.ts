/**
 * `muster task logs` of a fan-out: it has no output of its own, so that of its children, each line behind the name of its node, or as
 * a document with it.
 */
import type { OutputStream, Task } from '../../../proto/gen/muster/v1/task_pb.ts';
import { readChildOutput } from '../child-output.ts';
import { printChildRecords } from '../child-records.ts';
import type { Connection } from '../connection.ts';
import { isFinal } from '../exit-code.ts';
import { followFanOut } from '../fan-out-follow.ts';
import { prefixedLines } from '../fan-out-view.ts';
import { UsageFault } from '../fault.ts';
import { hasColours, type OutputForm } from '../output.ts';
import { allTaskPages } from '../pages.ts';
import { Reconnect } from '../reconnect.ts';
import { stdout } from '../sink.ts';

export interface FanOutLogsOptions {
  readonly form: OutputForm;
  readonly follows: boolean;
  readonly isWanted: (stream: OutputStream) => boolean;
}

/** Shows what the children have written, in the order of their nodes; those that have ended only, as they end, where it follows. */
export async function showFanOutLogs(
  connection: Connection,
  parent: Task,
  { form, follows, isWanted }: FanOutLogsOptions,
): Promise<void> {
  if (form === 'json') {
    throw new UsageFault(
      `-o json: task ${parent.id} is a fan-out, whose output may be more than one document can hold; -o jsonl has one for each line`,
    );
  }
  const isRecords = form === 'jsonl';
  const reconnect = new Reconnect(connection);
  if (follows && !isFinal(parent)) {
    const { signal } = new AbortController();
    const show = isRecords ? 'records' : 'prefix';
    await followFanOut(parent, { connection, reconnect, show, form, signal, isWanted });
    return;
  }
  const children: Pick<Task, 'id' | 'nodeId'>[] = [];
  for await (const page of allTaskPages(connection, { filter: { parentId: parent.id } })) {
    for (const { id, nodeId, attempt } of page) if (attempt > 0) children.push({ id, nodeId });
  }
  // Lists begin with the newest.
  for (const child of children.reverse()) {
    if (isRecords) {
      await printChildRecords(connection, reconnect, child, { isWanted });
      continue;
    }
    const { output, rest } = await readChildOutput(connection, reconnect, child, { isWanted });
    const more = rest === '' ? '' : `${child.nodeId}: ${rest}`;
    await stdout.write(prefixedLines(child.nodeId, output, hasColours()) + more);
  }
}
