// CancelTasks, RetryTasks and DeleteTasks through the API, against a real supervisor.

import { createClient } from '@connectrpc/connect';
import { expect, it } from 'vitest';
import { TaskState } from '../../proto/gen/muster/v1/task_pb.ts';
import type { BulkItem } from '../../proto/gen/muster/v1/task_service_pb.ts';
import { TaskService } from '../../proto/gen/muster/v1/task_service_pb.ts';
import { openInMemory, TOKENS } from '../http/testing/transports.ts';
import { create, draft, useBench } from '../supervisor/testing/test-bench.ts';

const bench = useBench();

async function itemsOf(stream: AsyncIterable<{ item?: BulkItem | undefined }>) {
  const items: BulkItem['item'][] = [];
  for await (const { item } of stream) if (item !== undefined) items.push(item.item);
  return items;
}

it('streams a result for each task and then the summary', async () => {
  const supervisor = await bench.start();
  const tasks = createClient(TaskService, openInMemory(supervisor, TOKENS.user));
  const held = draft(null, {}, { held: true, labels: { app: 'shop' }, spec: { script: {} } });
  const [one = '', two = ''] = await create(supervisor, held, held);
  const filter = { labels: { app: 'shop' } };
  const preview = await itemsOf(tasks.cancelTasks({ selection: { filter, dryRun: true } }));
  expect(preview).toMatchObject([
    { case: 'summary', value: { matched: 2, done: 0, firstIds: [two, one] } },
  ]);
  expect(await itemsOf(tasks.cancelTasks({ selection: { filter }, note: 'wrong' }))).toMatchObject([
    { case: 'result', value: { id: two, errorKind: '' } },
    { case: 'result', value: { id: one, errorKind: '' } },
    { case: 'summary', value: { matched: 2, done: 2, failed: 0 } },
  ]);
  const again = { selection: { filter: { ids: [one] } }, requestId: 'again' };
  const [first] = await itemsOf(tasks.retryTasks(again));
  expect(await itemsOf(tasks.retryTasks(again))).toMatchObject([first, { case: 'summary' }]);
  expect((await itemsOf(tasks.deleteTasks({ selection: { filter } }))).at(-1)).toMatchObject({
    value: { matched: 2, done: 2 },
  });
});

it('acts on what has a text in its name', async () => {
  const supervisor = await bench.start();
  const tasks = createClient(TaskService, openInMemory(supervisor, TOKENS.user));
  const held = (name: string) => draft(null, {}, { held: true, name });
  const [one = ''] = await create(supervisor, held('Nightly Backup'), held('deploy'));
  const filter = { text: 'nightly b' };
  const listed = await tasks.listTasks({ filter });
  expect(listed.tasks.map(({ id }) => id)).toEqual([one]);
  expect(await itemsOf(tasks.cancelTasks({ selection: { filter, dryRun: true } }))).toMatchObject([
    { case: 'summary', value: { matched: 1, firstIds: [one] } },
  ]);
  expect(await itemsOf(tasks.cancelTasks({ selection: { filter } }))).toMatchObject([
    { case: 'result', value: { id: one, errorKind: '' } },
    { case: 'summary', value: { matched: 1, done: 1 } },
  ]);
});

it('refuses to act on everything without being told so', async () => {
  const supervisor = await bench.start();
  const tasks = createClient(TaskService, openInMemory(supervisor, TOKENS.user));
  await expect(itemsOf(tasks.deleteTasks({ selection: {} }))).rejects.toThrow(
    'Cannot delete tasks: the filter has no condition; give one, or say all',
  );
  const states = [TaskState.RUNNING];
  await expect(itemsOf(tasks.deleteTasks({ selection: { filter: { states } } }))).rejects.toThrow(
    'none is in a state asked for (running)',
  );
});
