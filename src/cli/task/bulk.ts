/**
 * `muster task cancel|retry|delete` with a filter: the supervisor acts on all tasks that match and streams the results.
 *
 * Without --yes nothing is changed: the count is shown, and what to add.
 */
import { randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import type {
  BulkItem,
  BulkResult,
  BulkSelectionSchema,
  BulkSummary,
} from '../../../proto/gen/muster/v1/task_service_pb.ts';
import {
  BulkResultSchema,
  BulkSummarySchema,
} from '../../../proto/gen/muster/v1/task_service_pb.ts';
import type { Connection } from '../connection.ts';
import { withConnection } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { CliFault, UsageFault } from '../fault.ts';
import type { OutputForm } from '../output.ts';
import { messageJson, outputForm, printDocument, printLines } from '../output.ts';
import { note, stdout } from '../sink.ts';
import type { FilterFlags } from '../task-filter.ts';
import { buildFilter } from '../task-filter.ts';

export interface BulkFlags extends FilterFlags {
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly note?: string;
}

type Verb = 'cancel' | 'retry' | 'delete';
type Selection = MessageInitShape<typeof BulkSelectionSchema>;

const DONE: Readonly<Record<Verb, string>> = {
  cancel: 'cancel asked',
  retry: 'retried',
  delete: 'deleted',
};

/**
 * Tells whether the flags select tasks, instead of ids.
 *
 * @throws UsageFault for both, for neither, and for flags that go with a selection only
 */
export function isSelection(ids: readonly string[], flags: BulkFlags): boolean {
  const { state, type, node, creator, label, text, since, until, all, dryRun, yes } = flags;
  const hasFilter = [state, type, node, creator, label, text, since, until, all].some(
    (flag) => flag !== undefined,
  );
  if (hasFilter && ids.length > 0) {
    throw new UsageFault('give ids or a filter, not both');
  }
  if (!hasFilter && ids.length === 0) {
    throw new UsageFault('give ids, or a filter such as --state, --label or --text, or --all');
  }
  if (!hasFilter && (dryRun !== undefined || yes !== undefined)) {
    throw new UsageFault('--dry-run and --yes go with a filter; tasks named by id need neither');
  }
  return hasFilter;
}

/** Acts on all that match; returns the exit code, 1 when something could not be done. */
export async function actOnSelection(verb: Verb, flags: BulkFlags): Promise<number> {
  const form = outputForm(flags.output);
  const isDryRun = flags.dryRun === true || flags.yes !== true;
  const selection = {
    filter: buildFilter(flags, Date.now()),
    all: flags.all === true,
    dryRun: isDryRun,
  };
  return await withConnection(flags, async (connection) => {
    const results: BulkResult[] = [];
    let summary: BulkSummary | undefined;
    for await (const { item } of call(connection, verb, selection, flags)) {
      if (item?.item.case === 'summary') summary = item.item.value;
      if (item?.item.case !== 'result') continue;
      if (form === 'json') results.push(item.item.value);
      else await printResult(item.item.value, verb, form);
    }
    if (summary === undefined) throw new CliFault('the results ended without their summary');
    await printSummary(summary, results, isDryRun, verb, form);
    if (isDryRun && flags.dryRun !== true) {
      await note('nothing was changed: --yes does it');
      return EXIT.usage;
    }
    return summary.failed > 0 ? EXIT.failure : EXIT.ok;
  });
}

function call(
  { tasks }: Connection,
  verb: Verb,
  selection: Selection,
  flags: BulkFlags,
): AsyncIterable<{ item?: BulkItem | undefined }> {
  if (verb === 'cancel') return tasks.cancelTasks({ selection, note: flags.note ?? '' });
  if (verb === 'retry') return tasks.retryTasks({ selection, requestId: randomUUID() });
  return tasks.deleteTasks({ selection });
}

async function printResult(result: BulkResult, verb: Verb, form: OutputForm): Promise<void> {
  if (form === 'jsonl') return await printLines([messageJson(BulkResultSchema, result)]);
  const { id, errorKind, errorMessage, newId } = result;
  if (errorKind !== '') await stdout.write(`${id}  ${errorMessage}\n`);
  else await stdout.write(`${id}  ${DONE[verb]}${newId === '' ? '' : ` as ${newId}`}\n`);
}

async function printSummary(
  summary: BulkSummary,
  results: readonly BulkResult[],
  isDryRun: boolean,
  verb: Verb,
  form: OutputForm,
): Promise<void> {
  const document = messageJson(BulkSummarySchema, create(BulkSummarySchema, summary));
  const { matched, done, failed, firstIds } = summary;
  if (form === 'json') {
    const tasks = results.map((result) => messageJson(BulkResultSchema, result));
    await printDocument(isDryRun ? document : { tasks, summary: document });
  } else if (form === 'jsonl') {
    if (isDryRun) await printLines([document]);
  } else if (isDryRun) {
    const more = matched > firstIds.length ? ['…'] : [];
    await stdout.write([`${tasksOf(matched)} to ${verb}`, ...firstIds, ...more, ''].join('\n'));
  } else {
    await note(`${tasksOf(matched)} matched: ${done} done, ${failed} failed`);
  }
}

function tasksOf(count: number): string {
  return count === 1 ? '1 task' : `${count} tasks`;
}
