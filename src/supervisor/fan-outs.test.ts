// Fan-outs on a real database, with agents that do their work by themselves: no more at once than asked for, stop after failures,
// pause, cancel, deadlines, retry of what has not completed, and supervisors that die in between (I1, I4, I7).
import { describe, expect, it } from 'vitest';
import type { TaskRecord } from '../../db/records.ts';
import type { FanOutContext } from '../../machines/fan-out-context.ts';
import { eventually } from '../../test/eventually.ts';
import type { FanOutDraft, Supervisor } from './supervisor.ts';
import {
  caller,
  create,
  draft,
  kindOf,
  reaches,
  useBench,
  verified,
} from './testing/test-bench.ts';
import { WorkingAgent } from './testing/working-agent.ts';

const bench = useBench();

function wish(nodes: readonly string[], more: Partial<FanOutDraft> = {}) {
  const selection = { nodes, selector: '', groups: [], all: false, exclude: [] };
  const options = {
    maxParallel: null,
    maxFailures: null,
    deadlineMs: null,
    order: 'given',
  } as const;
  return draft(null, {}, { fanOut: { selection, ...options, ...more } });
}

async function fleet(supervisor: Supervisor, count: number, slots = 4): Promise<WorkingAgent[]> {
  const agents = Array.from(
    { length: count },
    (_, index) => new WorkingAgent(`web-${String(index + 1).padStart(2, '0')}`, slots),
  );
  for (const agent of agents) await agent.connect(supervisor);
  return agents;
}

const namesOf = (agents: readonly WorkingAgent[]) => agents.map(({ nodeId }) => nodeId);

async function childrenOf(supervisor: Supervisor, parentId: string): Promise<TaskRecord[]> {
  return (await supervisor.tasks.list({ parentId }, 10_000, null)).reverse();
}

/** How many were started and not final at once, at most, by the order of the commits. */
async function mostAtOnce(parentId: string): Promise<number> {
  const [row] = await bench.sql<[{ most: number }]>`
    with steps as (
      select t.at, t.version, case when t.from_path = 'pending.held' and t.to_path like 'pending.%' then 1
                   when t.to_path in ('completed', 'failed', 'timeout', 'cancelled') and t.from_path <> 'pending.held' then -1
                   else 0 end as change
      from transitions as t join tasks as c on c.id = t.task_id
      where c.parent_id = ${parentId}
    )
    select max(sum)::integer as most from (select sum(change) over (order by at, change) as sum from steps) as sums`;
  return row.most;
}

describe('a fan-out', () => {
  it('runs a task on each of its nodes and completes, and its children share one spec', async () => {
    const supervisor = await bench.start();
    const agents = await fleet(supervisor, 5);
    const [id = ''] = await create(supervisor, wish(namesOf(agents)));
    await reaches(supervisor, id, 'completed');
    const children = await childrenOf(supervisor, id);
    expect(children.map(({ snapshot }) => snapshot.path)).toEqual(Array(5).fill('completed'));
    expect(children.map(({ snapshot }) => snapshot.context.ended?.nodeId)).toEqual(namesOf(agents));
    expect(new Set(children.map(({ specId }) => specId))).toEqual(new Set([id]));
    const { record } = await supervisor.tasks.get(id);
    expect((record.snapshot.context as FanOutContext).counts).toMatchObject({
      completed: 5,
      held: 0,
      active: 0,
    });
    for (const one of [id, ...children.map((child) => child.id)]) await verified(supervisor, one);
  });

  it('never has more children at work than max_parallel, and takes them in their order (I7)', async () => {
    const supervisor = await bench.start();
    const agents = await fleet(supervisor, 12);
    const [id = ''] = await create(
      supervisor,
      wish(namesOf(agents), { maxParallel: { kind: 'percent', value: 25 } }),
    );
    await reaches(supervisor, id, 'completed');
    expect(await mostAtOnce(id)).toBeLessThanOrEqual(3);
    const children = await childrenOf(supervisor, id);
    expect(children.map(({ snapshot }) => snapshot.context.ended?.nodeId)).toEqual(namesOf(agents));
    await verified(supervisor, id);
  });

  it('starts no child after max_failures, and cancels those that never started (I7)', async () => {
    const supervisor = await bench.start();
    const agents = await fleet(supervisor, 8);
    for (const agent of agents) agent.exitCodeOf = () => 3;
    const [id = ''] = await create(
      supervisor,
      wish(namesOf(agents), {
        maxParallel: { kind: 'count', value: 1 },
        maxFailures: { kind: 'count', value: 2 },
      }),
    );
    await reaches(supervisor, id, 'failed');
    const { record } = await supervisor.tasks.get(id);
    expect(record.snapshot.context).toMatchObject({
      reason: 'max_failures',
      message: '0 of 8 completed, 2 failed, 6 cancelled; stopped after too many failures',
    });
    const paths = (await childrenOf(supervisor, id)).map(({ snapshot }) => snapshot.path);
    expect(paths).toEqual(['failed', 'failed', ...Array(6).fill('cancelled')]);
    await verified(supervisor, id);
  });

  it('after max_failures starts no child that waits for its node or a worker, and lets those at work end (I7)', async () => {
    const supervisor = await bench.start();
    const [failing, working, away] = (await fleet(supervisor, 3, 1)) as [
      WorkingAgent,
      WorkingAgent,
      WorkingAgent,
    ];
    // One node is busy with something else, which leaves a second task of it waiting; one is offline.
    working.exitCodeOf = () => null;
    const [other = ''] = await create(supervisor, draft('web-02'), draft('web-02'));
    await reaches(supervisor, other, 'running.dispatched');
    away.disconnect(true);
    failing.exitCodeOf = () => null;
    const [id = ''] = await create(
      supervisor,
      wish(['web-01', 'web-02', 'web-03'], { maxFailures: { kind: 'count', value: 1 } }),
    );
    const paths = async () =>
      (await childrenOf(supervisor, id)).map(({ snapshot }) => snapshot.path);
    await eventually(
      async () => (await paths()).join(' ') === 'running.dispatched pending.queued pending.queued',
      'one child is at work and two wait',
    );
    const [first] = await childrenOf(supervisor, id);
    failing.tell(failing.exited(first?.id ?? '', 3));
    await reaches(supervisor, id, 'failed');
    expect(await paths()).toEqual(['failed', 'cancelled', 'cancelled']);
    await away.connect(supervisor);
    const children = (await childrenOf(supervisor, id)).map((child) => child.id);
    const started = [working, away].flatMap((agent) => agent.starts().map(({ taskId }) => taskId));
    expect(started.filter((taskId) => children.includes(taskId))).toEqual([]);
    for (const child of children) await verified(supervisor, child);
  });

  it('after max_failures does not stop a child that is at work (I7)', async () => {
    const supervisor = await bench.start();
    const [failing, working] = (await fleet(supervisor, 2)) as [WorkingAgent, WorkingAgent];
    failing.exitCodeOf = working.exitCodeOf = () => null;
    const [id = ''] = await create(
      supervisor,
      wish(['web-01', 'web-02'], { maxFailures: { kind: 'count', value: 1 } }),
    );
    await eventually(
      () => failing.starts().length + working.starts().length === 2,
      'both children are at work',
    );
    const [first, second] = await childrenOf(supervisor, id);
    failing.tell(failing.exited(first?.id ?? '', 3));
    await reaches(supervisor, id, 'running.stopping');
    working.tell(working.exited(second?.id ?? '', 0));
    await reaches(supervisor, id, 'failed');
    const paths = (await childrenOf(supervisor, id)).map(({ snapshot }) => snapshot.path);
    expect(paths).toEqual(['failed', 'completed']);
    expect(working.commands.map(({ kind }) => kind)).not.toContain('stop');
  });

  it('retries only what has not completed, on the same nodes with the same spec, and everything when asked', async () => {
    const supervisor = await bench.start();
    const agents = await fleet(supervisor, 4);
    const [, second, , fourth] = agents as [WorkingAgent, WorkingAgent, WorkingAgent, WorkingAgent];
    second.exitCodeOf = () => 1;
    fourth.exitCodeOf = () => 1;
    const [id = ''] = await create(supervisor, wish(namesOf(agents)));
    await reaches(supervisor, id, 'failed');
    second.exitCodeOf = fourth.exitCodeOf = () => 0;
    const again = await supervisor.tasks.retry(id, true, caller, 'again');
    expect((await supervisor.tasks.retry(id, true, caller, 'again')).id).toBe(again.id);
    await reaches(supervisor, again.id, 'completed');
    const nodes = (await childrenOf(supervisor, again.id)).map(
      (c) => c.snapshot.context.ended?.nodeId,
    );
    expect(nodes).toEqual(['web-02', 'web-04']);
    await expect(supervisor.tasks.retry(again.id, true, caller, '')).rejects.toThrow(
      'all of its children have completed',
    );
    const whole = await supervisor.tasks.retry(id, false, caller, '');
    await reaches(supervisor, whole.id, 'completed');
    expect(await childrenOf(supervisor, whole.id)).toHaveLength(4);
  });

  it('can be paused and resumed; a paused one starts nothing', async () => {
    const supervisor = await bench.start();
    const agents = await fleet(supervisor, 6);
    const open: WorkingAgent[] = [];
    for (const agent of agents) agent.exitCodeOf = () => (open.includes(agent) ? 0 : null);
    const [id = ''] = await create(
      supervisor,
      wish(namesOf(agents), { maxParallel: { kind: 'count', value: 2 } }),
    );
    await eventually(async () => {
      const states = (await childrenOf(supervisor, id)).map(({ snapshot }) => snapshot.path);
      return states.filter((path) => path.startsWith('running.')).length === 2;
    }, 'two children are at work');
    expect((await supervisor.tasks.pause(id, 'lunch', caller)).snapshot.path).toBe(
      'running.paused',
    );
    const [first] = await childrenOf(supervisor, id);
    await supervisor.tasks.cancel(first?.id ?? '', '', caller);
    await expect(supervisor.tasks.pause(id, '', caller)).rejects.toThrow(
      'only a rolling one can be paused',
    );
    await expect(
      supervisor.tasks.execute((await childrenOf(supervisor, id))[5]?.id ?? '', caller),
    ).rejects.toThrow(`fan-out ${id} starts it when its turn comes`);
    const held = (await childrenOf(supervisor, id)).filter(
      ({ snapshot }) => snapshot.path === 'pending.held',
    );
    expect(held).toHaveLength(4);
    expect((await supervisor.tasks.resume(id, caller)).snapshot.path).toBe('running.rolling');
    await supervisor.tasks.cancel(id, '', caller);
    await eventually(async () => {
      const states = (await childrenOf(supervisor, id)).map(({ snapshot }) => snapshot.path);
      return states.every((path) => path === 'cancelled' || path === 'running.stopping');
    }, 'every child is cancelled or being stopped');
  });

  it('cancelled, it cancels its children, the held ones too', async () => {
    const supervisor = await bench.start();
    const [agent] = await fleet(supervisor, 1);
    await agent?.connect(supervisor);
    const [id = ''] = await create(supervisor, { ...wish(['web-01']), held: true });
    expect((await supervisor.tasks.get(id)).record.snapshot.path).toBe('pending.held');
    await supervisor.tasks.cancel(id, 'no', caller);
    await reaches(supervisor, id, 'cancelled');
    const [child] = await childrenOf(supervisor, id);
    expect(child?.snapshot.path).toBe('cancelled');
    await verified(supervisor, id);
  });

  it('ends as timeout when its deadline is over, whatever its children do', async () => {
    const supervisor = await bench.start();
    const agents = await fleet(supervisor, 1);
    for (const agent of agents) agent.disconnect(true);
    const [id = ''] = await create(supervisor, wish(namesOf(agents), { deadlineMs: 1_000 }));
    await reaches(supervisor, id, 'timeout');
    expect((await childrenOf(supervisor, id))[0]?.snapshot.path).toBe('cancelled');
    await verified(supervisor, id);
  });

  it('goes on when its supervisor dies, on another one, and keeps its bound (I1, I7)', async () => {
    const first = await bench.start();
    const second = await bench.start();
    const agents = await fleet(first, 10);
    const [id = ''] = await create(
      first,
      wish(namesOf(agents), { maxParallel: { kind: 'count', value: 2 } }),
    );
    await eventually(
      async () =>
        (await childrenOf(second, id)).some(({ snapshot }) => snapshot.path === 'completed'),
      'a child has completed',
    );
    for (const agent of agents) agent.disconnect();
    await first.stop();
    for (const agent of agents) await agent.connect(second);
    await reaches(second, id, 'completed');
    expect(await mostAtOnce(id)).toBeLessThanOrEqual(2);
    for (const { id: child } of await childrenOf(second, id)) await verified(second, child);
  });

  it('is deleted with its children, which cannot be deleted alone', async () => {
    const supervisor = await bench.start();
    const agents = await fleet(supervisor, 3);
    const [id = ''] = await create(supervisor, wish(namesOf(agents)));
    await reaches(supervisor, id, 'completed');
    const [child] = await childrenOf(supervisor, id);
    await expect(supervisor.tasks.delete(child?.id ?? '')).rejects.toThrow(
      `it belongs to fan-out ${id}; delete that`,
    );
    await supervisor.tasks.delete(id);
    expect(await kindOf(supervisor.tasks.get(child?.id ?? ''))).toBe('unknown_task');
    const [left] = await bench.sql<[{ rows: number }]>`
      select ((select count(*) from tasks) + (select count(*) from specs) + (select count(*) from transitions)
        + (select count(*) from task_labels))::integer as rows`;
    expect(left.rows).toBe(0);
  });
});
