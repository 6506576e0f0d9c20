/**
 * The methods of TaskService that act on all tasks of a filter. Part of task-service.ts.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type {
  BulkItemSchema,
  BulkSelection,
  TaskService,
} from '../../proto/gen/muster/v1/task_service_pb.ts';
import { actOnMatching } from '../supervisor/bulk.ts';
import type { BulkItem, BulkWish } from '../supervisor/bulk.ts';
import type { Tasks } from '../supervisor/supervisor.ts';
import { callerOf } from './auth.ts';
import { untilStopping } from './stopping.ts';
import { filterOf } from './task-filter.ts';

type Methods = Pick<ServiceImpl<typeof TaskService>, 'cancelTasks' | 'retryTasks' | 'deleteTasks'>;

/** @param stopping fires when the process begins to stop */
export function bulkMethods(tasks: Tasks, stopping: AbortSignal): Methods {
  async function* items(
    selection: BulkSelection | undefined,
    context: HandlerContext,
    verb: BulkWish['verb'],
    act: BulkWish['act'],
  ) {
    const wish = {
      verb,
      act,
      filter: filterOf(selection?.filter, `${verb} tasks`),
      isAll: selection?.all ?? false,
      isDryRun: selection?.dryRun ?? false,
    };
    const results = untilStopping(context.signal, stopping, (signal) =>
      actOnMatching(tasks, wish, signal),
    );
    for await (const item of results) yield { item: itemOf(item) };
  }
  return {
    cancelTasks: ({ selection, note }, context) =>
      items(selection, context, 'cancel', async ({ id }) => {
        await tasks.cancel(id, note, callerOf(context));
        return '';
      }),
    retryTasks: ({ selection, requestId }, context) =>
      items(selection, context, 'retry', async ({ id }) => {
        const ownRequestId = requestId === '' ? '' : `${requestId}:${id}`;
        return (await tasks.retry(id, false, callerOf(context), ownRequestId)).id;
      }),
    deleteTasks: ({ selection }, context) =>
      items(selection, context, 'delete', async ({ id }) => {
        await tasks.delete(id);
        return '';
      }),
  };
}

function itemOf(item: BulkItem): MessageInitShape<typeof BulkItemSchema> {
  if (item.kind === 'summary') {
    const { matched, done, failed, firstIds } = item;
    return {
      item: { case: 'summary', value: { matched, done, failed, firstIds: [...firstIds] } },
    };
  }
  const { id, error, newId } = item;
  const value = { id, newId, errorKind: error?.kind ?? '', errorMessage: error?.message ?? '' };
  return { item: { case: 'result', value } };
}
