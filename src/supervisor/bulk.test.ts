// Acting on all that match: page by page, a result for each, and never on a task in a state that forbids it.

import { expect, it } from 'vitest';
import { MusterError } from '../../machines/errors.ts';
import { actOnMatching } from './bulk.ts';
import type { BulkItem, BulkVerb, BulkWish } from './bulk.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import type { Supervisor, TaskFilter } from './supervisor.ts';
import { caller, create, draft, pathOf, reaches, useBench } from './testing/test-bench.ts';

const bench = useBench();
const never = new AbortController().signal;

async function actOn(
  supervisor: Supervisor,
  verb: BulkVerb,
  filter: TaskFilter,
  more: Partial<BulkWish> = {},
): Promise<BulkItem[]> {
  const act: BulkWish['act'] = async ({ id }) => {
    if (verb === 'retry')
      return (await supervisor.tasks.retry(id, false, caller, `again:${id}`)).id;
    if (verb === 'delete') await supervisor.tasks.delete(id);
    else await supervisor.tasks.cancel(id, '', caller);
    return '';
  };
  const wish = { verb, filter, isAll: false, isDryRun: false, act, ...more };
  const items: BulkItem[] = [];
  for await (const item of actOnMatching(supervisor.tasks, wish, never)) items.push(item);
  return items;
}

const held = (label: string) => draft(null, {}, { held: true, labels: { batch: label } });
const isResult = (item: BulkItem) => item.kind === 'result';

it('cancels, retries and deletes what matches, over several pages, and again finds nothing', async () => {
  const supervisor = await bench.start();
  const ids = await create(supervisor, ...Array.from({ length: 250 }, () => held('a')));
  const [other = ''] = await create(supervisor, held('b'));
  const filter = { labels: { batch: 'a' } };
  const newest = ids.toReversed();
  const firstIds = newest.slice(0, 10);

  expect(await actOn(supervisor, 'cancel', filter, { isDryRun: true })).toEqual([
    { kind: 'summary', matched: 250, done: 0, failed: 0, firstIds },
  ]);
  expect(await pathOf(supervisor, ids[0] ?? '')).toBe('pending.held');

  const cancelled = await actOn(supervisor, 'cancel', filter);
  expect(cancelled.filter(isResult).map((item) => item.id)).toEqual(newest);
  expect(cancelled.at(-1)).toEqual({
    kind: 'summary',
    matched: 250,
    done: 250,
    failed: 0,
    firstIds,
  });
  expect(await pathOf(supervisor, other)).toBe('pending.held');
  const nothing = [{ kind: 'summary', matched: 0, done: 0, failed: 0, firstIds: [] }];
  expect(await actOn(supervisor, 'cancel', filter)).toEqual(nothing);

  // What it creates has the same labels and is not met.
  const retried = await actOn(supervisor, 'retry', filter);
  expect(retried.at(-1)).toMatchObject({ matched: 250, done: 250 });
  const newIds = new Set(retried.filter(isResult).map((item) => item.newId));
  expect(newIds.size).toBe(250);
  const repeated = await actOn(supervisor, 'retry', filter);
  expect(new Set(repeated.filter(isResult).map((item) => item.newId))).toEqual(newIds);

  expect((await actOn(supervisor, 'delete', filter)).at(-1)).toMatchObject({ done: 250 });
  expect(await actOn(supervisor, 'delete', filter)).toEqual(nothing);
  expect(await supervisor.tasks.list(filter, 300, null)).toHaveLength(250);
});

it('goes on after a task that refuses, and ends when the database is away', async () => {
  const supervisor = await bench.start();
  const ids = await create(supervisor, held('a'), held('a'), held('a'));
  const failing = (kind: 'conflict' | 'unavailable'): Partial<BulkWish> => ({
    act: async ({ id }) => {
      if (id === ids[1]) throw new MusterError(kind, 'a sentence');
      return '';
    },
  });
  const filter = { ids };
  const items = await actOn(supervisor, 'cancel', filter, failing('conflict'));
  expect(items[1]).toMatchObject({
    id: ids[1],
    error: { kind: 'conflict', message: 'a sentence' },
  });
  expect(items.at(-1)).toMatchObject({ matched: 3, done: 2, failed: 1 });
  await expect(actOn(supervisor, 'cancel', filter, failing('unavailable'))).rejects.toMatchObject({
    kind: 'unavailable',
  });
});

it('needs a condition or a word for all, and a state that the action is for', async () => {
  const supervisor = await bench.start();
  await create(supervisor, held('a'));
  await expect(actOn(supervisor, 'delete', {})).rejects.toThrow(
    'Cannot delete tasks: the filter has no condition; give one, or say all',
  );
  await expect(actOn(supervisor, 'cancel', { states: ['failed'] })).rejects.toThrow(
    'Cannot cancel tasks: none is in a state asked for (failed) that allows it; those are pending, running',
  );
  const all = await actOn(supervisor, 'cancel', {}, { isAll: true });
  expect(all.at(-1)).toMatchObject({ matched: 1, done: 1 });
});

it('leaves the children of a fan-out to it, unless they are asked for by their parent', async () => {
  const supervisor = await bench.start();
  const selection = { nodes: ['web-1'], selector: '', groups: [], all: false, exclude: [] };
  const options = {
    maxParallel: null,
    maxFailures: null,
    deadlineMs: null,
    order: 'given',
  } as const;
  const agent = new ScriptedAgent('web-1');
  await agent.connect(supervisor);
  const fanOut = { selection, ...options };
  const [id = ''] = await create(supervisor, draft(null, {}, { fanOut, held: true }));
  await supervisor.tasks.cancel(id, '', caller);
  await reaches(supervisor, id, 'cancelled');
  const doneOf = (items: BulkItem[]) =>
    items.map((one) => (one.kind === 'summary' ? one.matched : one.id));
  expect(doneOf(await actOn(supervisor, 'retry', { states: ['cancelled'] }))).toEqual([id, 1]);
  const [child] = await supervisor.tasks.list({ parentId: id }, 10, null);
  expect(doneOf(await actOn(supervisor, 'retry', { parentId: id }))).toEqual([child?.id, 1]);
});
