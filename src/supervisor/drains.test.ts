// Drains on a real database: no task for a node that is drained, on whichever supervisor; tasks that end, are stopped or are left; and
// the end of a node (I4).
import { describe, expect, it } from 'vitest';
import { eventually } from '../../test/eventually.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import type { DrainDraft, Supervisor } from './supervisor.ts';
import {
  caller,
  create,
  draft,
  kindOf,
  pathOf,
  reaches,
  startsArrive,
  useBench,
} from './testing/test-bench.ts';
import { WorkingAgent } from './testing/working-agent.ts';

const bench = useBench();

const wish = (more: Partial<DrainDraft> = {}): DrainDraft => ({
  note: '',
  deadlineMs: null,
  onDeadline: 'stop',
  ...more,
});

const stateOf = async (supervisor: Supervisor, nodeId: string) =>
  (await supervisor.nodes.get(nodeId)).actor?.path ?? 'active';

const isIn = (supervisor: Supervisor, nodeId: string, state: string) =>
  eventually(
    async () => (await stateOf(supervisor, nodeId)) === state,
    `node ${nodeId} is ${state}`,
  );

/** A node with one task at work. */
async function busyNode(supervisor: Supervisor): Promise<{ agent: ScriptedAgent; id: string }> {
  const agent = new ScriptedAgent('web-1');
  await agent.connect(supervisor);
  const [id = ''] = await create(supervisor, draft('web-1'));
  await startsArrive(agent, 1);
  agent.tell(agent.started(id));
  await reaches(supervisor, id, 'running.executing');
  return { agent, id };
}

describe('a node that is being drained', () => {
  it('gets no new task, is drained when its last one has ended, and takes tasks again after a resumption', async () => {
    const supervisor = await bench.start();
    const { agent, id } = await busyNode(supervisor);
    const drained = await supervisor.nodes.drain('web-1', wish({ note: 'disk' }), caller);
    expect(drained.actor?.context.drain).toMatchObject({ by: 'test', note: 'disk' });
    const [bound = ''] = await create(supervisor, draft('web-1'));
    const [any = ''] = await create(supervisor, draft(null));
    await isIn(supervisor, 'web-1', 'draining');
    await eventually(
      async () => (await supervisor.nodes.get('web-1')).actor?.context.active === 1,
      'its task is counted',
    );
    agent.tell(agent.exited(id, 0));
    await isIn(supervisor, 'web-1', 'drained');
    expect(agent.starts()).toHaveLength(1);
    expect((await supervisor.tasks.get(bound)).waiting).toEqual({
      reason: 'node_draining',
      message: 'waits for node web-1, which takes no tasks: it is drained',
    });
    expect((await supervisor.tasks.get(any)).waiting?.reason).toBe('node_draining');
    await supervisor.nodes.resume('web-1', caller);
    await startsArrive(agent, 3);
    expect(await supervisor.nodes.verify('web-1')).toEqual([]);
  });

  it('stops what is still at work at its deadline', async () => {
    const supervisor = await bench.start();
    const { agent, id } = await busyNode(supervisor);
    await supervisor.nodes.drain('web-1', wish({ deadlineMs: 50 }), caller);
    await isIn(supervisor, 'web-1', 'stopping');
    await reaches(supervisor, id, 'running.stopping');
    expect(await kindOf(supervisor.nodes.drain('web-1', wish(), caller))).toBe(
      'illegal_transition',
    );
    agent.tell(agent.exited(id, 143, 1, { stopCause: 'cancel' }));
    await reaches(supervisor, id, 'cancelled');
    await isIn(supervisor, 'web-1', 'drained');
    const steps = await supervisor.nodes.history('web-1', 0, 100);
    expect(steps.map(({ toPath }) => toPath)).toEqual(
      expect.arrayContaining(['active', 'draining', 'stopping', 'drained']),
    );
    expect(await supervisor.nodes.verify('web-1')).toEqual([]);
  });

  it('leaves what is still at work at its deadline, if it was told to', async () => {
    const supervisor = await bench.start();
    const { agent, id } = await busyNode(supervisor);
    await supervisor.nodes.drain('web-1', wish({ deadlineMs: 50, onDeadline: 'leave' }), caller);
    await isIn(supervisor, 'web-1', 'drained');
    expect(await pathOf(supervisor, id)).toBe('running.executing');
    expect((await supervisor.nodes.get('web-1')).actor?.context.active).toBe(1);
    agent.tell(agent.exited(id, 0));
    await reaches(supervisor, id, 'completed');
  });

  it('stays drained over a new session, and is drained without any session', async () => {
    const supervisor = await bench.start();
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor);
    agent.disconnect(true);
    await supervisor.nodes.drain('web-1', wish(), caller);
    await isIn(supervisor, 'web-1', 'drained');
    const [id = ''] = await create(supervisor, draft('web-1'));
    await agent.connect(supervisor);
    await new WorkingAgent('web-2').connect(supervisor);
    const [other = ''] = await create(supervisor, draft(null));
    await reaches(supervisor, other, 'completed');
    expect(await pathOf(supervisor, id)).toBe('pending.queued');
    expect(agent.starts()).toEqual([]);
  });

  it('gets no task from the supervisor that has its session when another one is asked', async () => {
    const holder = await bench.start();
    const asked = await bench.start();
    const { agent, id } = await busyNode(holder);
    await asked.nodes.drain('web-1', wish(), caller);
    // The count comes from the holder, which has closed the session to new tasks before.
    await eventually(
      async () => (await asked.nodes.get('web-1')).actor?.context.active === 1,
      'its task is counted',
    );
    const [next = ''] = await create(asked, draft('web-1'));
    agent.tell(agent.exited(id, 0));
    await isIn(asked, 'web-1', 'drained');
    expect(agent.starts()).toHaveLength(1);
    expect(await pathOf(asked, next)).toBe('pending.queued');
    await asked.nodes.resume('web-1', caller);
    await startsArrive(agent, 2);
    const steps = await asked.nodes.history('web-1', 0, 100);
    const counts = steps.filter(({ event }) => event.type === 'tasks.counted');
    expect(new Set(counts.map(({ supervisorId }) => supervisorId))).toEqual(new Set([holder.id]));
  });
});

describe('deleting a node', () => {
  it('is refused while its agent is connected or a task waits for it, and forgets it then', async () => {
    const supervisor = await bench.start();
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor);
    await supervisor.groups.create({ name: 'berlin' });
    const selection = { nodes: ['web-1'], selector: '', groups: [], all: false, exclude: [] };
    await supervisor.groups.add('berlin', selection);
    await supervisor.nodes.drain('web-1', wish(), caller);
    await isIn(supervisor, 'web-1', 'drained');
    const [id = ''] = await create(supervisor, draft('web-1'));
    await expect(supervisor.nodes.delete('web-1')).rejects.toThrow('its agent is connected');
    agent.disconnect(true);
    await eventually(
      async () => (await supervisor.nodes.get('web-1')).leftAt !== null,
      'it has left',
    );
    await expect(supervisor.nodes.delete('web-1')).rejects.toThrow('tasks that are not over');
    await supervisor.tasks.cancel(id, '', caller);
    await supervisor.nodes.delete('web-1');
    expect(await kindOf(supervisor.nodes.get('web-1'))).toBe('unknown_node');
    expect(await kindOf(supervisor.nodes.drain('web-1', wish(), caller))).toBe('unknown_node');
    expect(await kindOf(supervisor.nodes.delete('web-1'))).toBe('unknown_node');
    expect((await supervisor.groups.get('berlin')).nodeIds).toEqual([]);
    expect((await supervisor.tasks.get(id)).record.snapshot.path).toBe('cancelled');
    // Its agent comes back as a new node, which takes tasks.
    await agent.connect(supervisor);
    await create(supervisor, draft('web-1'));
    await startsArrive(agent, 1);
  });
});

describe('a drain that nobody announces', () => {
  it('is looked after in its turn, however many others never end', async () => {
    const supervisor = await bench.start();
    await busyNode(supervisor);
    await supervisor.nodes.drain('web-1', wish(), caller);
    await isIn(supervisor, 'web-1', 'draining');
    // As many as are looked after at once, with sessions on another supervisor, which counts for them; and one behind them.
    await bench.sql`
      insert into nodes (id, epoch, boot_id, labels, facts, slots, supervisor_id, connected_at, seen_at, left_at)
      select c.id, epoch, boot_id, labels, facts, slots, 'another', now(), now() + interval '1 day', c.left_at
      from nodes, (
        select 'a-' || lpad(n::text, 4, '0') as id, null::timestamptz as left_at from generate_series(1, 1000) as n
        union all select 'b-last', now()
      ) as c
      where nodes.id = 'web-1'`;
    await bench.sql`
      insert into node_actors (node_id, version, machine_version, state, context, wake_at, updated_at)
      select n.id, version, machine_version, a.state, replace(context::text, 'web-1', n.id)::json, null, updated_at
      from node_actors as a, nodes as n
      where a.node_id = 'web-1' and n.id <> 'web-1'`;
    await isIn(supervisor, 'b-last', 'drained');
    expect(await stateOf(supervisor, 'a-0001')).toBe('draining');
  });
});
