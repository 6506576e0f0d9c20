// Changing a schedule on a real database: what is due next follows, and its history still gives its snapshot (I4, I10).
import { expect, it } from 'vitest';
import { eventually } from '../../../test/eventually.ts';
import type { ScheduleDraft, Supervisor } from '../supervisor.ts';
import { caller, draft, kindOf, useBench } from '../testing/test-bench.ts';

const bench = useBench();

const DAY_MS = 86_400_000;

const BASE: ScheduleDraft = {
  name: 'nightly',
  timing: { kind: 'every', everyMs: DAY_MS },
  startAt: null,
  endAt: null,
  jitterMs: 0,
  overlap: 'allow',
  missed: 'latest',
  missedWindowMs: 3_600_000,
  task: draft(null),
  spec: { text: 'first' },
};

const update = (
  supervisor: Supervisor,
  more: Partial<ScheduleDraft>,
  version: number | null = null,
) => supervisor.schedules.update('nightly', version, () => ({ ...BASE, ...more }), caller);

it('is due by its new timing from now on, with its new task, and verifies', async () => {
  const supervisor = await bench.start();
  const { id } = await supervisor.schedules.create(BASE, caller);
  const task = draft(null, {}, { name: 'another' });
  const changed = await update(supervisor, {
    timing: { kind: 'every', everyMs: 500 },
    task,
    spec: { text: 'second' },
  });
  expect(changed).toMatchObject({ version: 2, spec: { text: 'second' } });
  await eventually(
    async () => (await supervisor.tasks.list({ scheduleId: id }, 10, null)).length >= 2,
    'it fires by the new timing',
  );
  const tasks = await supervisor.tasks.list({ scheduleId: id }, 10, null);
  expect(tasks.every(({ name }) => name === 'another')).toBe(true);
  // From any supervisor, as it is stored.
  const other = await bench.start();
  expect((await other.schedules.get(id)).spec).toEqual({ text: 'second' });
  expect((await other.schedules.verify(id)).differences).toEqual([]);
});

it('keeps what is due next where the timing stays, and where it is paused', async () => {
  const supervisor = await bench.start();
  const { snapshot } = await supervisor.schedules.create(BASE, caller);
  const { nextAt } = snapshot.context;
  const seen: unknown[] = [];
  const revise = (spec: unknown) => {
    seen.push(spec);
    return { ...BASE, overlap: 'queue', jitterMs: 1_000 } as const;
  };
  const same = await supervisor.schedules.update('nightly', 1, revise, caller);
  expect(seen).toEqual([BASE.spec]);
  expect(same.snapshot.context).toMatchObject({ nextAt, overlap: 'queue', skipped: 0 });
  await supervisor.schedules.pause('nightly', '', caller);
  const paused = await update(supervisor, { timing: { kind: 'every', everyMs: 3_600_000 } });
  expect(paused).toMatchObject({ snapshot: { path: 'paused' }, wakeAt: null });
  const resumed = await supervisor.schedules.resume('nightly', caller);
  const inMs = (resumed.snapshot.context.nextAt ?? 0) - Date.now();
  expect(inMs).toBeLessThanOrEqual(3_600_000);
  expect((await supervisor.schedules.verify('nightly')).differences).toEqual([]);
});

it('writes down the due time that its new timing drops (I10)', async () => {
  const supervisor = await bench.start();
  const every = { kind: 'every', everyMs: 1_000 } as const;
  const { id } = await supervisor.schedules.create(
    { ...BASE, timing: every, overlap: 'queue', missed: 'all' },
    caller,
  );
  const fires = () => supervisor.schedules.fires(id, 10, null);
  await eventually(async () => (await fires()).length === 1, 'the first has fired');
  const waiting = (await supervisor.schedules.get(id)).snapshot.context.nextAt ?? 0;
  await eventually(async () => {
    const [row] = await bench.sql<[{ isDue: boolean }]>`
      select now() > to_timestamp(${waiting}::double precision / 1000) + interval '0.2 s' as "isDue"`;
    return row.isDue;
  }, 'the second is due, and waits');
  const changed = await update(supervisor, {});
  expect(changed.snapshot).toMatchObject({ path: 'active', context: { fired: 1, skipped: 1 } });
  expect((await fires())[0]).toMatchObject({
    dueAt: waiting,
    taskId: null,
    why: 'its timing was changed before it could fire',
  });
  expect((await supervisor.schedules.verify(id)).differences).toEqual([]);
});

it('begins again after its end', async () => {
  const supervisor = await bench.start();
  const { id } = await supervisor.schedules.create(
    { ...BASE, timing: { kind: 'once', at: Date.now() + 200 } },
    caller,
  );
  const path = async () => (await supervisor.schedules.get(id)).snapshot.path;
  await eventually(async () => (await path()) === 'ended', 'it has ended');
  expect((await update(supervisor, {})).snapshot.path).toBe('active');
  expect((await supervisor.schedules.verify(id)).differences).toEqual([]);
});

it('refuses another version, a timing that is never due, and a schedule that is not there', async () => {
  const supervisor = await bench.start();
  await supervisor.schedules.create(BASE, caller);
  const stale = update(supervisor, {}, 7);
  await expect(stale).rejects.toMatchObject({
    kind: 'conflict',
    message:
      'Cannot update the schedule: nightly has version 1, and the change was made for 7; read it again',
  });
  const past = update(supervisor, { timing: { kind: 'once', at: 1 } });
  await expect(past).rejects.toThrow('nightly would never be due within its bounds');
  const wrong = { kind: 'cron', expression: 'x', timeZone: 'UTC' } as const;
  expect(await kindOf(update(supervisor, { timing: wrong }))).toBe('invalid_argument');
  expect(await kindOf(supervisor.schedules.update('no', null, () => BASE, caller))).toBe(
    'unknown_schedule',
  );
  await expect(update(supervisor, { task: draft('ghost') })).rejects.toMatchObject({
    kind: 'unknown_node',
    message: expect.stringMatching(/^Cannot update the schedule: node ghost is unknown/),
  });
  expect((await supervisor.schedules.get('nightly')).version).toBe(1);
});

it('lets one of two changes for the same version through (I6)', async () => {
  const [one, other] = [await bench.start(), await bench.start()];
  await one.schedules.create(BASE, caller);
  const results = await Promise.allSettled([
    update(one, { jitterMs: 1_000 }, 1),
    update(other, { jitterMs: 2_000 }, 1),
  ]);
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect((await one.schedules.get('nightly')).version).toBe(2);
});
