// Why a task waits, as somebody who looks at it is told.
import { expect, it } from 'vitest';
import { eventually } from '../../test/eventually.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import type { Supervisor } from './supervisor.ts';
import { caller, create, draft, pathOf, useBench } from './testing/test-bench.ts';

const bench = useBench();

const waitingOf = async (supervisor: Supervisor, id: string) =>
  (await supervisor.tasks.get(id)).waiting;

it('says that no node is connected, until one is', async () => {
  const supervisor = await bench.start();
  const [id = ''] = await create(supervisor, draft(null));
  expect(await waitingOf(supervisor, id)).toEqual({
    reason: 'no_node',
    message: 'no node is connected',
  });
  await new ScriptedAgent('web-1').connect(supervisor, { slots: 1 });
  await eventually(
    async () => (await pathOf(supervisor, id)).startsWith('running'),
    'it is dispatched',
  );
  expect(await waitingOf(supervisor, id)).toBeNull();
  const [next = ''] = await create(supervisor, draft(null));
  expect(await waitingOf(supervisor, next)).toMatchObject({
    reason: 'workers_busy',
    message: 'the workers of the only node that are connected are busy',
  });
});

it('names the node that it waits for, and what is the matter with it', async () => {
  const supervisor = await bench.start({ deadAfterMs: 300 });
  const agent = new ScriptedAgent('web-1');
  await agent.connect(supervisor);
  agent.disconnect(true);
  const [id = ''] = await create(supervisor, draft('web-1'));
  await eventually(
    async () => (await waitingOf(supervisor, id))?.reason === 'node_offline',
    'its agent has left',
  );
  expect((await waitingOf(supervisor, id))?.message).toBe(
    'waits for node web-1, whose agent is not there',
  );
  await bench.sql`update nodes set left_at = null, seen_at = now() - interval '1 minute' where id = 'web-1'`;
  expect((await waitingOf(supervisor, id))?.reason).toBe('node_unreachable');
  await bench.sql`update nodes set seen_at = now() + interval '1 minute', slots = 0 where id = 'web-1'`;
  expect((await waitingOf(supervisor, id))?.reason).toBe('workers_busy');
  await supervisor.tasks.cancel(id, '', caller);
  expect(await waitingOf(supervisor, id)).toBeNull();
});

it('says of a child that it waits for its turn', async () => {
  const supervisor = await bench.start();
  await new ScriptedAgent('web-1').connect(supervisor);
  const selection = { nodes: ['web-1'], selector: '', groups: [], all: false, exclude: [] };
  const options = {
    maxParallel: null,
    maxFailures: null,
    deadlineMs: null,
    order: 'given',
  } as const;
  const fanOut = { selection, ...options };
  const [id = ''] = await create(supervisor, draft(null, {}, { held: true, fanOut }));
  const [child] = await supervisor.tasks.list({ parentId: id }, 1, null);
  expect(await waitingOf(supervisor, child?.id ?? '')).toEqual({
    reason: 'fan_out',
    message: `waits for its turn in fan-out ${id}`,
  });
});
