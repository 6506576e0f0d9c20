// What becomes of tasks whose nodes are offline: they wait, are skipped or fail, alone and in a fan-out (I1, I4).
import { describe, expect, it } from 'vitest';
import { eventually } from '../../test/eventually.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import type { Supervisor } from './supervisor.ts';
import { create, draft, pathOf, reaches, useBench, verified } from './testing/test-bench.ts';
import { WorkingAgent } from './testing/working-agent.ts';

const bench = useBench();

/** A node whose agent has said goodbye. */
async function leave(supervisor: Supervisor, nodeId: string): Promise<ScriptedAgent> {
  const agent = new ScriptedAgent(nodeId);
  await agent.connect(supervisor);
  agent.disconnect(true);
  await eventually(
    async () => (await supervisor.nodes.get(nodeId)).leftAt !== null,
    `${nodeId} has left`,
  );
  return agent;
}

const resultOf = async (supervisor: Supervisor, id: string) => {
  const { path, context } = (await supervisor.tasks.get(id)).record.snapshot;
  return { path, reason: context.reason, message: context.message };
};

describe('a task for a node that is offline', () => {
  it('waits by default, is skipped or fails as its policy says', async () => {
    const supervisor = await bench.start();
    const agent = await leave(supervisor, 'web-1');
    const [waits = '', skipped = '', failed = ''] = await create(
      supervisor,
      draft('web-1'),
      draft('web-1', { offline: 'skip' }),
      draft('web-1', { offline: 'fail' }),
    );
    await reaches(supervisor, skipped, 'cancelled');
    await reaches(supervisor, failed, 'failed');
    expect(await resultOf(supervisor, skipped)).toEqual({
      path: 'cancelled',
      reason: 'skipped',
      message: 'skipped: node web-1 is offline',
    });
    expect(await resultOf(supervisor, failed)).toEqual({
      path: 'failed',
      reason: 'node_offline',
      message: 'node web-1 is offline',
    });
    expect(await pathOf(supervisor, waits)).toBe('pending.queued');
    for (const id of [waits, skipped, failed]) await verified(supervisor, id);
    await agent.connect(supervisor);
    await reaches(supervisor, waits, 'running.dispatched');
  });

  it('runs if the node is there, however busy it is, and is skipped when the node leaves before its turn', async () => {
    const supervisor = await bench.start();
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor, { slots: 1 });
    // One at work, and one sent ahead.
    const before = await create(supervisor, draft('web-1'), draft('web-1'));
    for (const id of before) await reaches(supervisor, id, 'running.dispatched');
    const [id = ''] = await create(supervisor, draft('web-1', { offline: 'skip' }));
    // The timers look at it as soon as it is queued: another one that they fail is proof that they have.
    const [probe = ''] = await create(
      supervisor,
      draft((await leave(supervisor, 'web-2')).nodeId, { offline: 'fail' }),
    );
    await reaches(supervisor, probe, 'failed');
    expect(await pathOf(supervisor, id)).toBe('pending.queued');
    agent.disconnect(true);
    await reaches(supervisor, id, 'cancelled');
  });

  it('does not take an agent for gone that could not have connected yet', async () => {
    const supervisor = await bench.start();
    await leave(supervisor, 'web-1');
    // As after a time without any supervisor: nobody said goodbye, and nobody was heard.
    await bench.sql`update nodes set left_at = null, seen_at = now() - interval '1 hour'`;
    const [silent = ''] = await create(supervisor, draft('web-1', { offline: 'fail' }));
    const gone = await leave(supervisor, 'web-2');
    const [probe = ''] = await create(supervisor, draft(gone.nodeId, { offline: 'fail' }));
    await reaches(supervisor, probe, 'failed');
    expect(await pathOf(supervisor, silent)).toBe('pending.queued');
  });

  it('fails for lack of any node at all', async () => {
    const supervisor = await bench.start();
    const [id = ''] = await create(supervisor, draft(null, { offline: 'fail' }));
    await reaches(supervisor, id, 'failed');
    expect((await resultOf(supervisor, id)).message).toBe('every node is offline');
  });
});

describe('a fan-out with nodes that are offline', () => {
  const fanOut = (nodes: string[]) => ({
    selection: { nodes, selector: '', groups: [], all: false, exclude: [] },
    maxParallel: null,
    maxFailures: null,
    deadlineMs: null,
    order: 'given' as const,
  });

  it('completes without those that it skips, and runs them again when asked to', async () => {
    const supervisor = await bench.start();
    await new WorkingAgent('web-1').connect(supervisor);
    await leave(supervisor, 'web-2');
    const wish = draft(null, { offline: 'skip' }, { fanOut: fanOut(['web-1', 'web-2']) });
    const [id = ''] = await create(supervisor, wish);
    await reaches(supervisor, id, 'completed');
    expect((await resultOf(supervisor, id)).message).toBe('1 of 2 completed, 1 skipped');
    await verified(supervisor, id);
    await new WorkingAgent('web-2').connect(supervisor);
    const again = await supervisor.tasks.retry(id, true, { name: 'test' }, '');
    await reaches(supervisor, again.id, 'completed');
    const children = await supervisor.tasks.list({ parentId: again.id }, 10, null);
    expect(children.map(({ snapshot }) => snapshot.context.target)).toEqual([
      { kind: 'node', nodeId: 'web-2' },
    ]);
  });

  it('has not completed where all are skipped', async () => {
    const supervisor = await bench.start();
    await leave(supervisor, 'web-1');
    const [id = ''] = await create(
      supervisor,
      draft(null, { offline: 'skip' }, { fanOut: fanOut(['web-1']) }),
    );
    await reaches(supervisor, id, 'cancelled');
    expect(await resultOf(supervisor, id)).toMatchObject({
      reason: 'skipped',
      message: '0 of 1 completed, 1 skipped',
    });
  });

  it('counts those that fail for it among its failures', async () => {
    const supervisor = await bench.start();
    await leave(supervisor, 'web-1');
    await new WorkingAgent('web-2').connect(supervisor);
    const nodes = ['web-1', 'web-2'];
    const policy = {
      maxParallel: { kind: 'count', value: 1 },
      maxFailures: { kind: 'count', value: 1 },
    } as const;
    const wish = draft(null, { offline: 'fail' }, { fanOut: { ...fanOut(nodes), ...policy } });
    const [id = ''] = await create(supervisor, wish);
    await reaches(supervisor, id, 'failed');
    expect((await resultOf(supervisor, id)).reason).toBe('max_failures');
  });
});
