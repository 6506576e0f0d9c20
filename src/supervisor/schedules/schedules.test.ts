// Schedules on a real database: each due time makes one task or says why not, whoever fires and whoever dies (I10).
import { describe, expect, it } from 'vitest';
import { eventually } from '../../../test/eventually.ts';
import type { ScheduleDraft, Supervisor } from '../supervisor.ts';
import { caller, draft, kindOf, pathOf, useBench, verified } from '../testing/test-bench.ts';
import { WorkingAgent } from '../testing/working-agent.ts';

const bench = useBench();

function wish(more: Partial<ScheduleDraft> = {}): ScheduleDraft {
  const task = draft(null);
  return {
    name: 'nightly',
    timing: { kind: 'every', everyMs: 1_000 },
    startAt: null,
    endAt: null,
    jitterMs: 0,
    overlap: 'allow',
    missed: 'latest',
    missedWindowMs: 3_600_000,
    task,
    spec: {},
    ...more,
  };
}

const CLEAN = { differences: [], fromVersion: 1 };

const NEVER_SOON = { kind: 'every', everyMs: 86_400_000 } as const;

async function tasksOf(supervisor: Supervisor, scheduleId: string) {
  return (await supervisor.tasks.list({ scheduleId }, 1_000, null)).reverse();
}

/** Moves the schedule back in time, as if nobody had been there to fire it. */
async function sleepThrough(id: string, ms: number): Promise<void> {
  await bench.sql`
    update schedules
    set context = (context::jsonb || jsonb_build_object(
          'nextAt', (context ->> 'nextAt')::bigint - ${ms}::bigint, 'createdAt', (context ->> 'createdAt')::bigint - ${ms}::bigint
        ))::json,
        wake_at = wake_at - make_interval(secs => ${ms}::double precision / 1000)
    where id = ${id}`;
}

describe('a schedule', () => {
  it('makes a task at each of its times, in order, and verifies', async () => {
    const supervisor = await bench.start();
    await new WorkingAgent('web-1').connect(supervisor);
    const { id } = await supervisor.schedules.create(wish(), caller);
    await eventually(async () => (await tasksOf(supervisor, id)).length >= 2, 'two tasks are made');
    const paused = await supervisor.schedules.pause('nightly', 'enough', caller);
    const fires = (await supervisor.schedules.fires(id, 100, null)).reverse();
    const tasks = await tasksOf(supervisor, id);
    expect(fires.map(({ taskId }) => taskId)).toEqual(tasks.map((task) => task.id));
    expect(fires[1]?.dueAt).toBe((fires[0]?.dueAt ?? 0) + 1_000);
    expect(paused.snapshot).toMatchObject({
      path: 'paused',
      context: { fired: tasks.length, note: 'enough' },
    });
    expect(await supervisor.schedules.verify(id)).toEqual(CLEAN);
    for (const task of tasks) await verified(supervisor, task.id);
  });

  it('fires each due time once with two supervisors, and goes on when one stops in the middle (I10)', async () => {
    const first = await bench.start();
    const second = await bench.start();
    const names = Array.from({ length: 8 }, (_, index) => `every-second-${index}`);
    const created = await Promise.all(
      names.map((name) => first.schedules.create(wish({ name, missed: 'all' }), caller)),
    );
    const [one] = created;
    await eventually(
      async () => (await tasksOf(second, one?.id ?? '')).length >= 1,
      'the first has fired',
    );
    await first.stop();
    await eventually(
      async () => (await tasksOf(second, one?.id ?? '')).length >= 4,
      'it has fired four times',
    );
    for (const { id } of created) {
      await second.schedules.pause(id, '', caller);
      const fires = (await second.schedules.fires(id, 1_000, null)).reverse();
      const start = fires[0]?.dueAt ?? 0;
      expect(fires.map(({ dueAt }) => dueAt)).toEqual(
        fires.map((_, index) => start + index * 1_000),
      );
      expect(fires.map(({ taskId }) => taskId)).toEqual(
        (await tasksOf(second, id)).map((task) => task.id),
      );
      expect(await second.schedules.verify(id)).toEqual(CLEAN);
    }
  });

  it.each([
    ['skip', 0, 3],
    ['latest', 1, 2],
    ['all', 3, 0],
  ] as const)(
    'that nobody fired for a while, with missed %s, makes %d tasks and says why not for %d',
    async (missed, made, skipped) => {
      const supervisor = await bench.start();
      const timing = { kind: 'every', everyMs: 600_000 } as const;
      const { id } = await supervisor.schedules.create(wish({ timing, missed }), caller);
      await sleepThrough(id, 3 * 600_000 + 120_000);
      await eventually(
        async () => (await supervisor.schedules.fires(id, 10, null)).length >= 3,
        'all three are written down',
      );
      const fires = await supervisor.schedules.fires(id, 10, null);
      expect(fires.filter(({ taskId }) => taskId !== null)).toHaveLength(made);
      expect(fires.filter(({ why }) => why.startsWith('missed: it came'))).toHaveLength(skipped);
      expect(await tasksOf(supervisor, id)).toHaveLength(made);
    },
  );

  it('does not overlap itself when that is forbidden, and says so; allows it otherwise', async () => {
    const supervisor = await bench.start();
    const { id } = await supervisor.schedules.create(
      wish({ timing: NEVER_SOON, overlap: 'forbid' }),
      caller,
    );
    const { fire } = await supervisor.schedules.trigger('nightly', caller);
    expect(fire).toMatchObject({ isManual: true, why: '' });
    const again = await supervisor.schedules.trigger('nightly', caller);
    expect(again.fire).toMatchObject({
      taskId: null,
      why: `task ${fire.taskId} of the former fire is not over`,
    });
    await supervisor.tasks.cancel(fire.taskId ?? '', '', caller);
    expect((await supervisor.schedules.trigger(id, caller)).fire.taskId).not.toBeNull();
    expect(await tasksOf(supervisor, id)).toHaveLength(2);
    expect(await supervisor.schedules.verify(id)).toEqual(CLEAN);
  });

  it('replaces its former task where that was asked for', async () => {
    const supervisor = await bench.start();
    const { id } = await supervisor.schedules.create(
      wish({ timing: NEVER_SOON, overlap: 'replace' }),
      caller,
    );
    const { fire } = await supervisor.schedules.trigger(id, caller);
    const second = await supervisor.schedules.trigger(id, caller);
    expect(second.fire.taskId).not.toBeNull();
    expect(await pathOf(supervisor, fire.taskId ?? '')).toBe('cancelled');
    expect(await pathOf(supervisor, second.fire.taskId ?? '')).toBe('pending.queued');
  });

  it('waits for its former task where that was asked for, and fires when it is over', async () => {
    const supervisor = await bench.start();
    const { id } = await supervisor.schedules.create(
      wish({ overlap: 'queue', missed: 'all' }),
      caller,
    );
    await eventually(
      async () => (await tasksOf(supervisor, id)).length === 1,
      'the first task is made',
    );
    const { record } = await supervisor.tasks.get((await tasksOf(supervisor, id))[0]?.id ?? '');
    const due = (await supervisor.schedules.get(id)).wakeAt ?? 0;
    await eventually(async () => {
      const [row] = await bench.sql<[{ isOver: boolean }]>`
        select now() > to_timestamp(${due}::double precision / 1000) + interval '1.5 s' as "isOver"`;
      return row.isOver;
    }, 'the second is due');
    expect(await tasksOf(supervisor, id)).toHaveLength(1);
    await supervisor.tasks.cancel(record.id, '', caller);
    await eventually(
      async () => (await tasksOf(supervisor, id)).length === 2,
      'the second task is made',
    );
  });

  it('writes down why there is no task when its nodes cannot be chosen, and fans out when they can', async () => {
    const supervisor = await bench.start();
    const selection = { nodes: [], selector: 'role=web', groups: [], all: false, exclude: [] };
    const fanOut = {
      selection,
      maxParallel: null,
      maxFailures: null,
      deadlineMs: null,
      order: 'given',
    } as const;
    const task = draft(null, {}, { fanOut });
    const { id } = await supervisor.schedules.create(wish({ timing: NEVER_SOON, task }), caller);
    const { fire } = await supervisor.schedules.trigger(id, caller);
    expect(fire.why).toContain('no node matches "role=web"');
    await new WorkingAgent('web-1').connect(supervisor, { labels: { role: 'web' } });
    const second = await supervisor.schedules.trigger(id, caller);
    await eventually(
      async () => (await pathOf(supervisor, second.fire.taskId ?? '')) === 'completed',
      'it completes',
    );
    const [child] = await supervisor.tasks.list({ parentId: second.fire.taskId ?? '' }, 10, null);
    expect(child?.scheduleId).toBe(id);
  });

  it('fires once at its time, then has ended; without a time to come it is not created', async () => {
    const supervisor = await bench.start();
    const timing = { kind: 'once', at: Date.now() + 200 } as const;
    const { id } = await supervisor.schedules.create(wish({ timing }), caller);
    await eventually(
      async () => (await supervisor.schedules.get(id)).snapshot.path === 'ended',
      'it has ended',
    );
    expect(await tasksOf(supervisor, id)).toHaveLength(1);
    await expect(
      supervisor.schedules.create(wish({ name: 'late', timing: { kind: 'once', at: 1 } }), caller),
    ).rejects.toThrow('late is never due within its bounds');
  });

  it('is resumed from now on, listed by name, deleted without its tasks, and unknown then', async () => {
    const supervisor = await bench.start();
    const { id } = await supervisor.schedules.create(wish({ timing: NEVER_SOON }), caller);
    await supervisor.schedules.create(wish({ name: 'a-first', timing: NEVER_SOON }), caller);
    await expect(supervisor.schedules.create(wish(), caller)).rejects.toThrow(
      'there is one with the name nightly',
    );
    expect((await supervisor.schedules.list(10, null)).map(({ name }) => name)).toEqual([
      'a-first',
      'nightly',
    ]);
    expect((await supervisor.schedules.list(10, 'a-first')).map(({ name }) => name)).toEqual([
      'nightly',
    ]);
    await supervisor.schedules.pause(id, '', caller);
    await expect(supervisor.schedules.pause(id, '', caller)).rejects.toThrow(
      'it is paused; only an active one',
    );
    const resumed = await supervisor.schedules.resume(id, caller);
    expect(resumed.snapshot.context.nextAt).toBeGreaterThan(Date.now());
    const { fire } = await supervisor.schedules.trigger(id, caller);
    await supervisor.schedules.delete(id);
    expect(await kindOf(supervisor.schedules.get(id))).toBe('unknown_schedule');
    expect(await pathOf(supervisor, fire.taskId ?? '')).toBe('pending.queued');
    const [left] = await bench.sql<
      [{ rows: number }]
    >`select count(*)::integer as rows from schedule_fires`;
    expect(left.rows).toBe(0);
  });
});
