// Tasks for any one of several nodes, on a real database: on the least loaded of them, never elsewhere, and on whichever supervisor
// (I4, I8).
import { expect, it } from 'vitest';
import { deleteUnusedNodeSets } from '../../db/node-sets.ts';
import { eventually } from '../../test/eventually.ts';
import { systemClock } from '../process/clock.ts';
import { silentLogger } from '../process/log.ts';
import { Availability } from './availability.ts';
import { NodeSets } from './node-sets.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import { createStore } from './store.ts';
import type { Supervisor, TaskDraft } from './supervisor.ts';
import {
  caller,
  create,
  draft,
  kindOf,
  pathOf,
  reaches,
  startsArrive,
  useBench,
  verified,
} from './testing/test-bench.ts';
import { WorkingAgent } from './testing/working-agent.ts';

const bench = useBench();

const anyOf = (...nodes: string[]): Partial<TaskDraft> => ({
  anyOf: { nodes, selector: '', groups: [], all: false, exclude: [] },
});

async function connected(supervisor: Supervisor, ...nodeIds: string[]): Promise<ScriptedAgent[]> {
  const agents = nodeIds.map((nodeId) => new ScriptedAgent(nodeId));
  for (const agent of agents) await agent.connect(supervisor, { slots: 2 });
  return agents;
}

it('runs on the least loaded of its nodes, and on no other', async () => {
  const supervisor = await bench.start();
  const [web1, web2, db1] = await connected(supervisor, 'web-1', 'web-2', 'db-1');
  await create(supervisor, draft('web-1'));
  await startsArrive(web1 as ScriptedAgent, 1);
  const [id = ''] = await create(supervisor, draft(null, {}, anyOf('web-1', 'web-2')));
  await startsArrive(web2 as ScriptedAgent, 1);
  const details = await supervisor.tasks.get(id);
  expect(details.candidates).toEqual(['web-1', 'web-2']);
  expect(details.record.snapshot.context.current?.nodeId).toBe('web-2');
  // More than the two have room for: the rest waits, however free another node is.
  const wishes = Array.from({ length: 6 }, () => draft(null, {}, anyOf('web-1', 'web-2')));
  const ids = await create(supervisor, ...wishes);
  await startsArrive(web1 as ScriptedAgent, 2);
  await startsArrive(web2 as ScriptedAgent, 2);
  const [any = ''] = await create(supervisor, draft(null));
  await startsArrive(db1 as ScriptedAgent, 1);
  expect(db1?.starts().map(({ taskId }) => taskId)).toEqual([any]);
  const waiting = await supervisor.tasks.get(ids.at(-1) as string);
  expect(waiting.waiting).toEqual({
    reason: 'workers_busy',
    message: 'the workers of all 2 nodes that are connected are busy',
  });
  // A slot becomes free, and the best of what waits for it takes it.
  const [urgent = ''] = await create(
    supervisor,
    draft(null, { priority: 90 }, anyOf('web-2', 'web-1')),
  );
  web2?.tell(web2.exited(id, 0));
  await reaches(supervisor, urgent, 'running.dispatched');
  await verified(supervisor, urgent);
});

it('is bound to the node where the selection comes to one, and refused where it comes to none', async () => {
  const supervisor = await bench.start();
  await connected(supervisor, 'web-1', 'web-2');
  const [id = ''] = await create(supervisor, draft(null, {}, anyOf('web-1')));
  const { record, candidates } = await supervisor.tasks.get(id);
  expect(record.snapshot.context.target).toEqual({ kind: 'node', nodeId: 'web-1' });
  expect(candidates).toEqual([]);
  const unknown = supervisor.tasks.create([draft(null, {}, anyOf('web-9'))], caller, '');
  expect(await kindOf(unknown)).toBe('unknown_node');
});

it('waits while none of its nodes is there, says so, and fails for it if told to', async () => {
  const supervisor = await bench.start();
  const agents = await connected(supervisor, 'web-1', 'web-2', 'db-1');
  for (const agent of agents.slice(0, 2)) agent.disconnect(true);
  await eventually(
    async () => (await supervisor.nodes.list({ states: ['offline'] }, 10, null)).length === 2,
    'two have left',
  );
  const [id = '', impatient = ''] = await create(
    supervisor,
    draft(null, {}, anyOf('web-1', 'web-2')),
    draft(null, { offline: 'fail' }, anyOf('web-1', 'web-2')),
  );
  await reaches(supervisor, impatient, 'failed');
  const failed = (await supervisor.tasks.get(impatient)).record.snapshot.context;
  expect(failed.message).toBe('each of its nodes is offline');
  expect((await supervisor.tasks.get(id)).waiting?.message).toBe(
    'none of the 2 nodes that it may run on is connected',
  );
  expect(await pathOf(supervisor, id)).toBe('pending.queued');
  await new WorkingAgent('web-2').connect(supervisor);
  await reaches(supervisor, id, 'completed');
});

it('finds its node on another supervisor, also after a restart', async () => {
  const first = await bench.start();
  const agents = await connected(first, 'web-1', 'web-2');
  for (const agent of agents) agent.disconnect(true);
  const ids = await create(
    first,
    ...Array.from({ length: 300 }, () => draft(null, {}, anyOf('web-1', 'web-2'))),
  );
  const second = await bench.start();
  const worker = new WorkingAgent('web-2');
  worker.isAny = () => true;
  await worker.connect(second);
  await eventually(() => worker.done.length === ids.length, 'all have run');
  // And those that are created elsewhere from now on.
  const [next = ''] = await create(first, draft(null, {}, anyOf('web-1', 'web-2')));
  await reaches(second, next, 'completed');
  expect(worker.faults).toEqual([]);
});

it('keeps a set while a task has it', async () => {
  const supervisor = await bench.start();
  await connected(supervisor, 'web-1', 'web-2', 'web-3');
  const [kept = '', gone = ''] = await create(
    supervisor,
    draft(null, {}, anyOf('web-1', 'web-2')),
    draft(null, {}, anyOf('web-2', 'web-3')),
  );
  await supervisor.tasks.cancel(gone, '', caller);
  await bench.sql`update node_sets set used_at = now() - interval '2 days'`;
  expect(await deleteUnusedNodeSets(bench.sql, 10)).toBe(0);
  await bench.sql`delete from tasks where id = ${gone}`;
  expect(await deleteUnusedNodeSets(bench.sql, 10)).toBe(1);
  expect((await supervisor.tasks.get(kept)).candidates).toEqual(['web-1', 'web-2']);
});

it('finds the sets that tasks are queued for in turn, however many there are, and knows which are empty again', async () => {
  const supervisor = await bench.start();
  const names = ['web-1', 'web-2', 'web-3', 'web-4', 'web-5', 'web-6'];
  for (const agent of await connected(supervisor, ...names)) agent.disconnect();
  const wishes = names.slice(1).map((name) => draft(null, {}, anyOf('web-1', name)));
  const [first = ''] = await create(supervisor, ...wishes);
  const database = await bench.connect();
  const availability = new Availability(() => database.probe(), systemClock, silentLogger);
  const sets = new NodeSets(createStore(database, availability, 'test'), 2);
  const sizes = [];
  for (let times = 0; times < 3; times += 1) {
    expect((await sets.learn([], true)).empty).toEqual([]);
    sizes.push(sets.size);
  }
  expect(sizes).toEqual([2, 4, 5]);
  await supervisor.tasks.cancel(first, '', caller);
  const empty = [];
  for (let times = 0; times < 3; times += 1) empty.push(...(await sets.learn([], true)).empty);
  const [queue] = await bench.sql`select target_node_id as name from tasks where id = ${first}`;
  expect(empty).toEqual([queue?.['name']]);
});
