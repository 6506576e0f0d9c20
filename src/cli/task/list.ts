/** `muster task list`: tasks that fit a filter, newest first, by page or all. */
import { create } from '@bufbuild/protobuf';
import { TaskSchema } from '../../../proto/gen/muster/v1/task_pb.ts';
import type { Task } from '../../../proto/gen/muster/v1/task_pb.ts';
import { ListTasksResponseSchema } from '../../../proto/gen/muster/v1/task_service_pb.ts';
import { BOUNDS } from '../bounds.ts';
import type { Connection } from '../connection.ts';
import { unary, withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { UsageFault } from '../fault.ts';
import type { OutputForm } from '../output.ts';
import { messageJson, outputForm, printDocument, printLines, printTable } from '../output.ts';
import { allTaskPages } from '../pages.ts';
import { parseInteger } from '../pairs.ts';
import { note } from '../sink.ts';
import { resolveTaskId } from '../task-id.ts';
import type { FilterFlags } from '../task-filter.ts';
import { buildFilter } from '../task-filter.ts';
import { TASK_COLUMNS, taskRow } from '../task-view.ts';

export interface ListFlags extends FilterFlags {
  readonly limit?: string;
  readonly pageToken?: string;
  readonly all?: boolean;
  readonly children?: boolean;
  readonly parent?: string;
}

/** Lists tasks; returns the exit code. */
export async function listTasks(flags: ListFlags): Promise<number> {
  const form = outputForm(flags.output);
  const nowMs = Date.now();
  if (flags.children === true && flags.parent !== undefined) {
    throw new UsageFault(
      '--children and --parent exclude each other: --parent shows children only',
    );
  }
  // A fan-out itself is on no node: who asks for a node means its tasks.
  const topLevel =
    flags.children !== true && flags.parent === undefined && flags.node === undefined;
  const given = {
    filter: { ...buildFilter(flags, nowMs), topLevel },
    pageToken: flags.pageToken ?? '',
    ...(flags.limit === undefined
      ? {}
      : { pageSize: parseInteger(flags.limit, '--limit', BOUNDS.pageSize) }),
  };
  return await withConnection(flags, async (connection) => {
    const parentId =
      flags.parent === undefined ? '' : await resolveTaskId(connection, flags.parent);
    const request = { ...given, filter: { ...given.filter, parentId } };
    if (flags.all === true) return await listAll(connection, request, form, nowMs);
    const page = await connection.tasks.listTasks(request, unary);
    if (form === 'json') await printDocument(messageJson(ListTasksResponseSchema, page));
    else await printTasks(page.tasks, form, nowMs);
    if (form !== 'json' && page.nextPageToken !== '') {
      await note(
        `there are more: --page-token ${page.nextPageToken} shows the next page, --all everything`,
      );
    }
    return EXIT.ok;
  });
}

/** Lines are printed page by page; a table and a document need all of them. */
async function listAll(
  connection: Connection,
  request: Parameters<typeof allTaskPages>[1],
  form: OutputForm,
  nowMs: number,
): Promise<number> {
  const tasks: Task[] = [];
  for await (const page of allTaskPages(connection, request)) {
    if (form === 'jsonl') await printTasks(page, form, nowMs);
    else tasks.push(...page);
  }
  if (form === 'table') await printTasks(tasks, form, nowMs);
  if (form === 'json') {
    await printDocument(
      messageJson(ListTasksResponseSchema, create(ListTasksResponseSchema, { tasks })),
    );
  }
  return EXIT.ok;
}

async function printTasks(tasks: readonly Task[], form: OutputForm, nowMs: number): Promise<void> {
  if (form === 'jsonl') await printLines(tasks.map((task) => messageJson(TaskSchema, task)));
  else if (tasks.length === 0) await note('no task fits');
  else
    await printTable(
      TASK_COLUMNS,
      tasks.map((task) => taskRow(task, nowMs)),
    );
}
