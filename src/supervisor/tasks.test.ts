/** What can be asked about and done to tasks: creation, retry, deletion, history, statistics, timers. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../test/eventually.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import {
  caller,
  create,
  draft,
  kindOf,
  pathOf,
  pathsOf,
  reaches,
  startsArrive,
  useBench,
  verified,
} from './testing/test-bench.ts';
import { WorkingAgent } from './testing/working-agent.ts';

const bench = useBench();

describe('the creation of tasks', () => {
  it('gives the same tasks for the same request, at once, concurrently and after a restart', async () => {
    const first = await bench.start();
    const wishes = [draft(null), draft(null, { priority: 3 })];
    const results = await Promise.all(
      Array.from({ length: 10 }, () => first.tasks.create(wishes, caller, 'request-1')),
    );
    await first.stop();
    const second = await bench.start();
    results.push(await second.tasks.create(wishes, caller, 'request-1'));
    const ids = results.map((records) => records.map((record) => record.id));
    for (const one of ids) expect(one).toEqual(ids[0]);
    expect(await second.tasks.list({}, 100, null)).toHaveLength(2);
    // Another creator has requests of his own.
    await second.tasks.create([draft(null)], { name: 'other' }, 'request-1');
    expect(await second.tasks.list({}, 100, null)).toHaveLength(3);
  });

  it('refuses the same request with another content, also concurrently', async () => {
    const supervisor = await bench.start();
    const kinds = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        kindOf(supervisor.tasks.create([draft(null, { priority: index })], caller, 'request-1')),
      ),
    );
    expect(kinds.filter((kind) => kind === 'none')).toHaveLength(1);
    expect(kinds.filter((kind) => kind === 'request_id_conflict')).toHaveLength(5);
    expect(await supervisor.tasks.list({}, 100, null)).toHaveLength(1);
  });

  it('gives the same tasks for the same request when what it needed has gone meanwhile', async () => {
    const supervisor = await bench.start();
    const agent = new WorkingAgent('web-1');
    await agent.connect(supervisor, { labels: { role: 'web' } });
    const selection = { nodes: [], selector: 'role=web', groups: [], all: false, exclude: [] };
    const fanOut = { selection, maxParallel: null, maxFailures: null, deadlineMs: null } as const;
    const ofOne = [draft('web-1')];
    const ofMany = [draft(null, {}, { fanOut: { ...fanOut, order: 'given' } })];
    const ask = (wishes: typeof ofOne, requestId: string) =>
      supervisor.tasks.create(wishes, caller, requestId);
    const [[one], [many]] = [await ask(ofOne, 'one'), await ask(ofMany, 'many')];
    await reaches(supervisor, one?.id ?? '', 'completed');
    await reaches(supervisor, many?.id ?? '', 'completed');
    agent.disconnect(true);
    await eventually(
      async () => (await kindOf(supervisor.nodes.delete('web-1'))) === 'none',
      'the node is deleted',
    );
    expect((await ask(ofOne, 'one'))[0]?.id).toBe(one?.id);
    expect((await ask(ofMany, 'many'))[0]?.id).toBe(many?.id);
    expect(await kindOf(ask(ofOne, 'many'))).toBe('request_id_conflict');
    expect(await kindOf(ask(ofOne, 'another'))).toBe('unknown_node');
  });

  it('names all nodes that are unknown, and creates nothing then', async () => {
    const supervisor = await bench.start();
    await new ScriptedAgent('web-1').connect(supervisor);
    const wishes = ['web-1', 'web-9', 'web-7', 'web-9'].map((nodeId) => draft(nodeId));
    await expect(supervisor.tasks.create(wishes, caller, '')).rejects.toMatchObject({
      kind: 'unknown_node',
      message: expect.stringContaining('nodes web-7, web-9 are unknown'),
    });
    expect(await supervisor.tasks.list({}, 10, null)).toEqual([]);
  });

  it('takes 1,000 tasks in one call, in their order', async () => {
    const supervisor = await bench.start();
    const wishes = Array.from({ length: 1_000 }, (_, index) =>
      draft(null, {}, { name: `${index}` }),
    );
    const records = await supervisor.tasks.create(wishes, caller, 'request-1');
    expect(records.map((record) => record.name)).toEqual(wishes.map((wish) => wish.name));
    expect(records.map((record) => record.id)).toEqual(records.map((record) => record.id).sort());
    expect(await supervisor.tasks.create(wishes, caller, 'request-1')).toHaveLength(1_000);
  });
});

describe('a task that is over', () => {
  it('is what it was retried as for the same request, also when it has been deleted since', async () => {
    const supervisor = await bench.start();
    const agent = new WorkingAgent('web-1');
    agent.exitCodeOf = () => 3;
    await agent.connect(supervisor);
    const nodes = { nodes: ['web-1'], selector: '', groups: [], all: false, exclude: [] };
    const limits = { maxParallel: null, maxFailures: null, deadlineMs: null } as const;
    const fanOut = { selection: nodes, ...limits, order: 'given' } as const;
    for (const [wish, isUnfinishedOnly] of [
      [draft('web-1'), false],
      [draft(null, {}, { fanOut }), true],
    ] as const) {
      const [id = ''] = await create(supervisor, wish);
      await reaches(supervisor, id, 'failed');
      const requestId = `again-${isUnfinishedOnly}`;
      const ask = (of = id, only = isUnfinishedOnly) =>
        supervisor.tasks.retry(of, only, caller, requestId);
      const again = await ask();
      await supervisor.tasks.delete(id);
      expect((await ask()).id).toBe(again.id);
      expect(await kindOf(ask(id, !isUnfinishedOnly))).toBe('request_id_conflict');
      expect(await kindOf(ask(randomUUID()))).toBe('request_id_conflict');
      expect(await kindOf(supervisor.tasks.retry(id, false, caller, 'new'))).toBe('unknown_task');
      await reaches(supervisor, again.id, 'failed');
      await supervisor.tasks.delete(again.id);
      await expect(ask()).rejects.toThrow(`of request ${requestId} has been deleted`);
    }
  });

  it('is what it was retried as for the same request, also by a supervisor that knew a retry by its wish', async () => {
    const supervisor = await bench.start();
    await new WorkingAgent('web-1').connect(supervisor);
    const wish = draft('web-1');
    const [id = ''] = await create(supervisor, wish);
    await reaches(supervisor, id, 'completed');
    const [former] = await supervisor.tasks.create([wish], caller, 'again');
    expect((await supervisor.tasks.retry(id, false, caller, 'again')).id).toBe(former?.id);
  });

  it('can be tried again as a new task with the same spec, and be deleted', async () => {
    const supervisor = await bench.start();
    const agent = new WorkingAgent('web-1');
    agent.exitCodeOf = () => 3;
    await agent.connect(supervisor);
    const spec = { script: { body: 'exit 3' } };
    const [id = ''] = await create(supervisor, draft('web-1', {}, { spec, labels: { a: 'b' } }));
    await reaches(supervisor, id, 'failed');
    const again = await supervisor.tasks.retry(id, false, caller, 'again');
    expect((await supervisor.tasks.retry(id, false, caller, 'again')).id).toBe(again.id);
    expect(await kindOf(supervisor.tasks.retry(again.id, false, caller, 'again'))).toBe(
      'request_id_conflict',
    );
    expect((await supervisor.tasks.get(again.id)).spec).toEqual(spec);
    await reaches(supervisor, again.id, 'failed');
    await supervisor.tasks.delete(id);
    expect(await kindOf(supervisor.tasks.get(id))).toBe('unknown_task');
    expect(await kindOf(supervisor.tasks.history(id, 0, 10))).toBe('unknown_task');
    expect((await supervisor.tasks.get(again.id)).spec).toEqual(spec);
  });

  it('is the only one that can be tried again or deleted', async () => {
    const supervisor = await bench.start();
    const [id = ''] = await create(supervisor, draft(null, {}, { held: true }));
    await expect(supervisor.tasks.retry(id, false, caller, '')).rejects.toThrow(
      `Cannot retry task ${id}: it is pending.held; only a final task can be retried`,
    );
    await expect(supervisor.tasks.delete(id)).rejects.toThrow(
      `Cannot delete task ${id}: it is pending.held; only a final task can be deleted, cancel it first`,
    );
    expect(await kindOf(supervisor.tasks.delete(randomUUID()))).toBe('unknown_task');
    expect((await supervisor.tasks.execute(id, caller)).snapshot.path).toBe('pending.queued');
  });
});

describe('verify', () => {
  it.each([
    ['state', `update tasks set state = 'failed'`, 'replay ends in cancelled, stored is failed'],
    [
      'context',
      `update tasks set context = replace(context::text, '"priority":50', '"priority":7')::json`,
      'context.policy',
    ],
    ['version', `update tasks set version = 9`, 'the task has version 9, its history ends with 2'],
    ['history', `delete from transitions where version = 1`, 'version 1 is missing'],
    [
      'path',
      `update transitions set from_path = 'pending.held' where version = 2`,
      'stored is pending.held',
    ],
  ])('finds a tampered %s (I4)', async (_, statement, sentence) => {
    const supervisor = await bench.start();
    const [id = ''] = await create(supervisor, draft(null));
    await supervisor.tasks.cancel(id, '', caller);
    await verified(supervisor, id);
    await bench.sql.unsafe(statement);
    const { differences } = await supervisor.tasks.verify(id);
    expect(differences.join('; ')).toContain(sentence);
  });
});

describe('timers', () => {
  it('bring a task back after its backoff, and let one begin at its time', async () => {
    const supervisor = await bench.start();
    const agent = new WorkingAgent('web-1');
    agent.exitCodeOf = ({ attempt }) => (attempt < 4 ? 1 : 0);
    await agent.connect(supervisor);
    const policy = { maxAttempts: 5, retryInitialMs: 20 };
    const startAt = Date.now() + 500;
    const [id = '', later = ''] = await create(
      supervisor,
      draft('web-1', policy),
      draft(null, {}, { startAt }),
    );
    expect(await pathOf(supervisor, later)).toBe('pending.delayed');
    await reaches(supervisor, id, 'completed');
    const { record, attempts } = await supervisor.tasks.get(id);
    expect([record.snapshot.context.attempt, attempts.length]).toEqual([4, 4]);
    await reaches(supervisor, later, 'failed');
    await verified(supervisor, id);
    const steps = (await supervisor.tasks.history(later, 0, 10)).transitions;
    // The clocks of the two processes differ by less than this.
    expect(steps[1]?.at).toBeGreaterThanOrEqual(startAt - 20);
  });

  it('stop an attempt whose deadline has passed (I9)', async () => {
    const supervisor = await bench.start();
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor);
    const [id = ''] = await create(supervisor, draft('web-1', { timeoutMs: 100 }));
    await startsArrive(agent, 1);
    agent.tell(agent.started(id));
    await eventually(
      () => agent.commands.some((command) => command.kind === 'stop'),
      'a stop comes',
    );
    expect(agent.commands).toContainEqual({
      kind: 'stop',
      taskId: id,
      attempt: 1,
      cause: 'timeout',
    });
    agent.tell(agent.exited(id, 143, 1, { stopCause: 'timeout', signal: 'SIGTERM' }));
    await reaches(supervisor, id, 'timeout');
  });

  it('of a supervisor that is gone are fired by another', async () => {
    const one = await bench.start();
    const [id = ''] = await create(one, draft(null, {}, { startAt: Date.now() + 300 }));
    await one.stop();
    const other = await bench.start();
    await reaches(other, id, 'pending.queued');
    expect(await pathsOf(other, id)).toEqual(['pending.delayed', 'pending.queued']);
  });
});

describe('several supervisors', () => {
  it('cancel through one what runs on an agent of the other, and count together', async () => {
    const [one, other] = [await bench.start(), await bench.start()];
    const agent = new ScriptedAgent('web-1');
    await agent.connect(one);
    const [id = ''] = await create(other, draft('web-1'));
    await startsArrive(agent, 1);
    agent.tell(agent.started(id));
    await reaches(one, id, 'running.executing');
    await other.tasks.cancel(id, '', caller);
    await eventually(
      () => agent.commands.some((command) => command.kind === 'stop'),
      'the stop arrives',
    );
    agent.tell(agent.exited(id, 143, 1, { stopCause: 'cancel', signal: 'SIGTERM' }));
    await reaches(other, id, 'cancelled');
    await verified(one, id);
    const { total, byState } = await one.tasks.statistics(null, null);
    expect([total, byState.map(({ state }) => state)]).toEqual([1, ['cancelled']]);
  });

  it('adopt the tasks of a node that moves from one to the other', async () => {
    const [one, other] = [await bench.start(), await bench.start()];
    const agent = new ScriptedAgent('web-1');
    await agent.connect(one);
    const [id = ''] = await create(one, draft('web-1'));
    await startsArrive(agent, 1);
    const moved = new ScriptedAgent('web-1');
    await moved.connect(other, { held: [{ taskId: id, attempt: 1, phase: 'executing' }] });
    await eventually(() => agent.goodbye?.reason === 'replaced', 'the former one lets go');
    moved.tell(moved.exited(id, 0));
    await reaches(one, id, 'completed');
    expect(await one.nodes.get('web-1')).toMatchObject({
      epoch: 2,
      supervisorId: other.id,
      active: 0,
    });
  });
});
