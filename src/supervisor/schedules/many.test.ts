// Many schedules at once: their steps share statements, each is still fired once (I10), and those that wait are in nobody's way.
import { expect, it } from 'vitest';
import { eventually } from '../../../test/eventually.ts';
import type { ScheduleDraft } from '../supervisor.ts';
import { caller, draft, useBench } from '../testing/test-bench.ts';

const bench = useBench();

const HOUR_MS = 3_600_000;

function wish(name: string, more: Partial<ScheduleDraft> = {}): ScheduleDraft {
  return {
    name,
    timing: { kind: 'every', everyMs: HOUR_MS },
    startAt: null,
    endAt: null,
    jitterMs: 0,
    overlap: 'queue',
    missed: 'all',
    missedWindowMs: 24 * HOUR_MS,
    task: draft(null),
    spec: {},
    ...more,
  };
}

/** Makes `count` more schedules like this one, all due for a minute. */
async function copyOverdue(id: string, count: number): Promise<void> {
  await bench.sql`
    insert into schedules
    select new_id, name || '-' || n, version, machine_version, state,
      (context::jsonb || jsonb_build_object(
        'id', new_id, 'nextAt', (extract(epoch from now()) * 1000)::bigint - 60000 + n
      ))::json,
      spec, draft, creator, now() - interval '1 minute', created_at, updated_at
    from schedules, lateral (select n, gen_random_uuid() as new_id from generate_series(1, ${count}::integer) as n) as copy
    where id = ${id}`;
}

async function counts(): Promise<{ fires: number; schedules: number; tasks: number }> {
  const [row] = await bench.sql<[{ fires: number; schedules: number; tasks: number }]>`
    select count(*)::integer as fires, count(distinct schedule_id)::integer as schedules,
      (select count(*)::integer from tasks) as tasks
    from schedule_fires where not is_manual`;
  return row;
}

it('fires hundreds that are due at once, each once, with two supervisors (I10)', async () => {
  const [one] = [await bench.start(), await bench.start()];
  const { id } = await one.schedules.create(wish('many', { overlap: 'allow' }), caller);
  await copyOverdue(id, 700);
  await eventually(async () => (await counts()).fires >= 700, 'all have fired');
  expect(await counts()).toEqual({ fires: 700, schedules: 700, tasks: 700 });
  const [some] = await one.schedules.list(1, 'many');
  const { taskId } = (await one.schedules.fires(some?.id ?? '', 10, null))[0] ?? {};
  expect(some).toMatchObject({ version: 2, snapshot: { context: { lastTaskId: taskId } } });
});

it('fires one that is due beside more than it looks at in one go that wait for a task', async () => {
  const supervisor = await bench.start();
  const { id } = await supervisor.schedules.create(wish('first'), caller);
  const { fire } = await supervisor.schedules.trigger(id, caller);
  await copyOverdue(id, 1_100);
  const soon = { kind: 'once', at: Date.now() + 1_000 } as const;
  const late = await supervisor.schedules.create(wish('late', { timing: soon }), caller);
  await eventually(
    async () => (await supervisor.schedules.fires(late.id, 1, null)).length === 1,
    'it has fired',
  );
  expect(await counts()).toEqual({ fires: 1, schedules: 1, tasks: 2 });
  await supervisor.tasks.cancel(fire.taskId ?? '', '', caller);
  await eventually(async () => (await counts()).fires >= 1_101, 'those that waited have fired');
  expect(await counts()).toEqual({ fires: 1_101, schedules: 1_101, tasks: 1_102 });
});

it('waits for a task that is deleted no longer, and follows a change while it waits', async () => {
  const supervisor = await bench.start();
  const { id } = await supervisor.schedules.create(wish('first'), caller);
  const { fire } = await supervisor.schedules.trigger(id, caller);
  await copyOverdue(id, 2);
  const isAside = async (count: number) => {
    const rows = await bench.sql`select 1 from schedules where waits_for is not null`;
    return rows.length === count;
  };
  await eventually(() => isAside(2), 'both wait');
  const revise = () => wish('first-1', { overlap: 'allow' });
  await supervisor.schedules.update('first-1', null, revise, caller);
  await eventually(async () => (await counts()).fires === 1, 'the changed one fires');
  expect(await isAside(1)).toBe(true);
  await bench.sql`delete from tasks where id = ${fire.taskId}`;
  await eventually(async () => (await counts()).fires === 2, 'the other one fires');
  expect(await isAside(0)).toBe(true);
});

it('lets one of two moves in the same statement pass', async () => {
  const supervisor = await bench.start();
  const { id } = await supervisor.schedules.create(wish('first', { overlap: 'forbid' }), caller);
  const fired = await Promise.all([1, 2, 3].map(() => supervisor.schedules.trigger(id, caller)));
  expect(fired.filter(({ fire }) => fire.taskId !== null)).toHaveLength(1);
  expect((await counts()).tasks).toBe(1);
  expect((await supervisor.schedules.get(id)).version).toBe(4);
  expect((await supervisor.schedules.verify(id)).differences).toEqual([]);
});
