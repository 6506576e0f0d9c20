/**
 * The scheduler on a real database: every queued task finds a free worker, and no slot is used twice (I8).
 */
import { describe, expect, it } from 'vitest';
import { eventually } from '../../test/eventually.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import type { Supervisor, TaskDraft } from './supervisor.ts';
import { caller, create, draft, reaches, startsArrive, useBench } from './testing/test-bench.ts';
import { WorkingAgent } from './testing/working-agent.ts';

const bench = useBench();
/** A start that no agent speaks of would be sent again by the sweep, and these tests count starts. */
const withoutSweep = { sweepIntervalMs: 600_000 };

async function count(where: string): Promise<number> {
  const [row] = await bench.sql.unsafe(
    `select count(*)::integer as count from tasks where ${where}`,
  );
  return row?.['count'] as number;
}

async function allComplete(expected: number): Promise<void> {
  await eventually(
    async () => (await count(`state = 'completed'`)) === expected,
    `${expected} tasks are completed`,
  );
}

/** Statements that wait for a row that somebody else holds. */
async function locksWaitedFor(): Promise<number> {
  const rows = await bench.sql`
    select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  return rows.length;
}

function work(agents: WorkingAgent[], ids: ReadonlySet<string>): void {
  for (const agent of agents) agent.isAny = (taskId) => ids.has(taskId);
}

describe('a scheduler', () => {
  it('gives out by priority, then age, and never more than slots and prefetch (I8)', async () => {
    const supervisor = await bench.start(withoutSweep);
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor, { slots: 2 });
    const first = await create(supervisor, draft('web-1'), draft('web-1'), draft('web-1'));
    await startsArrive(agent, 3);
    const [low = ''] = await create(supervisor, draft('web-1', { priority: 1 }));
    const [high = ''] = await create(supervisor, draft('web-1', { priority: 99 }));
    agent.tell(agent.exited(first[0] as string, 0));
    await startsArrive(agent, 4);
    agent.tell(agent.exited(first[1] as string, 0));
    await startsArrive(agent, 5);
    expect(agent.starts().map((command) => command.taskId)).toEqual([...first, high, low]);
  });

  it('finishes hundreds of tasks of all kinds while agents come and go (I8)', async () => {
    const supervisor = await bench.start();
    const agents = ['web-1', 'web-2', 'web-3'].map(
      (nodeId, index) => new WorkingAgent(nodeId, index + 1),
    );
    for (const agent of agents) await agent.connect(supervisor);
    const drafts = Array.from({ length: 600 }, (_, index) => {
      const nodeId = index % 3 === 0 ? null : `web-${(index % 2) + 1}`;
      return draft(nodeId, { priority: (index * 37) % 101 });
    });
    const records = await supervisor.tasks.create(drafts, caller, '');
    const anyIds = records.filter(({ snapshot }) => snapshot.context.target.kind === 'any');
    work(agents, new Set(anyIds.map((record) => record.id)));
    // One leaves in the middle and comes back with what it holds: nothing, since it ends what it starts.
    const [leaver] = agents;
    await eventually(() => (leaver?.done.length ?? 0) > 20, 'the first agent has done some');
    leaver?.disconnect();
    await leaver?.connect(supervisor);
    await allComplete(600);
    expect(agents.flatMap((agent) => agent.faults)).toEqual([]);
  });

  it('keeps the slot of a dispatch that is committed only after its agent has come back', async () => {
    const supervisor = await bench.start(withoutSweep);
    const [first = ''] = await create(supervisor, draft(null, { priority: 99 }));
    const agent = new ScriptedAgent('web-1');
    let second = '';
    await bench.sql.begin(async (held) => {
      await held`select 1 from tasks where id = ${first} for update`;
      await agent.connect(supervisor, { slots: 1 });
      await eventually(async () => (await locksWaitedFor()) > 0, 'the dispatch waits');
      agent.disconnect();
      await agent.connect(supervisor, { slots: 1 });
      [second = ''] = await create(supervisor, draft(null));
      // Time for it to be given out, if a slot were free.
      await reaches(supervisor, second, 'pending.queued');
      await supervisor.nodes.get('web-1');
    });
    await startsArrive(agent, 1);
    agent.tell(agent.started(first), agent.exited(first, 0));
    await startsArrive(agent, 2);
    expect(agent.starts().map((start) => start.taskId)).toEqual([first, second]);
    agent.tell(agent.started(second), agent.exited(second, 0));
    await allComplete(2);
  });

  it('sends nothing ahead of the slots that would overtake what other nodes could take', async () => {
    const supervisor = await bench.start(withoutSweep);
    const [shared = ''] = await create(supervisor, draft(null));
    const agent = new ScriptedAgent('web-1');
    let bound = '';
    await bench.sql.begin(async (held) => {
      await held`select 1 from tasks where id = ${shared} for update`;
      await agent.connect(supervisor, { slots: 1 });
      await eventually(async () => (await locksWaitedFor()) > 0, 'the dispatch waits');
      // Its dispatch is one for a session that is over, and takes another commit.
      agent.disconnect();
      await agent.connect(supervisor, { slots: 1 });
      [bound = ''] = await create(supervisor, draft('web-1'));
      await reaches(supervisor, bound, 'pending.queued');
    });
    await startsArrive(agent, 2);
    expect(agent.starts().map((start) => start.taskId)).toEqual([shared, bound]);
  });

  it('reads on from the database when more is queued than it keeps', async () => {
    const supervisor = await bench.start();
    const known = new ScriptedAgent('web-1');
    await known.connect(supervisor);
    known.disconnect();
    const drafts = Array.from({ length: 700 }, (_, index) =>
      draft(index % 2 === 0 ? 'web-1' : null),
    );
    await supervisor.tasks.create(drafts, caller, '');
    const agent = new WorkingAgent('web-1', 8);
    await agent.connect(supervisor);
    // What is queued in the meantime takes its place behind them.
    await supervisor.tasks.create(drafts.slice(0, 100), caller, '');
    await allComplete(800);
    expect(agent.faults).toEqual([]);
  });

  it('frees nothing for a queued task that is cancelled, and keeps the slots of others', async () => {
    const supervisor = await bench.start(withoutSweep);
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor, { slots: 1 });
    const ids = await create(
      supervisor,
      draft('web-1'),
      draft('web-1'),
      draft('web-1'),
      draft('web-1'),
    );
    const [one = '', two = '', three = '', four = ''] = ids;
    await startsArrive(agent, 2);
    await supervisor.tasks.cancel(three, '', caller);
    await reaches(supervisor, three, 'cancelled');
    expect(agent.starts().map((start) => start.taskId)).toEqual([one, two]);
    agent.tell(agent.exited(one, 0));
    await startsArrive(agent, 3);
    expect(agent.starts().map((start) => start.taskId)).toEqual([one, two, four]);
  });

  it('hears of a task for any node that another supervisor has queued, without a sweep', async () => {
    const [one, other] = [await bench.start(), await bench.start(withoutSweep)];
    const agent = new ScriptedAgent('web-1');
    await agent.connect(other);
    // The first look of the new session is over when this one has been started.
    await create(other, draft('web-1'));
    await startsArrive(agent, 1);
    await create(one, draft(null));
    await startsArrive(agent, 2);
  });
});

describe('several supervisors', () => {
  it('share what any node may take, each task once (I2, I8)', async () => {
    const supervisors: Supervisor[] = [
      await bench.start(),
      await bench.start(),
      await bench.start(),
    ];
    const agents = supervisors.map((_, index) => new WorkingAgent(`web-${index}`, 3));
    for (const [index, agent] of agents.entries())
      await agent.connect(supervisors[index] as Supervisor);
    const drafts: TaskDraft[] = Array.from({ length: 100 }, () => draft(null));
    const created = await Promise.all(
      supervisors.map((supervisor) => supervisor.tasks.create(drafts, caller, '')),
    );
    work(agents, new Set(created.flat().map((record) => record.id)));
    await allComplete(300);
    const done = agents.flatMap((agent) => agent.done);
    expect(new Set(done).size).toBe(done.length);
    expect(agents.flatMap((agent) => agent.faults)).toEqual([]);
    expect(await count('attempt <> 1')).toBe(0);
  });
});
