// The history of a schedule is kept short, its proof goes on, and what cannot be replayed is kept.

import { describe, expect, it } from 'vitest';
import { draft, caller, kindOf, useBench } from '../testing/test-bench.ts';
import type { ScheduleDraft, Supervisor } from '../supervisor.ts';
import { pruneSchedules } from './history.ts';

const bench = useBench();
const DAY = 86_400_000;
const KEEP = 30 * DAY;

const wish = (name: string): ScheduleDraft => ({
  name,
  timing: { kind: 'every', everyMs: DAY },
  startAt: null,
  endAt: null,
  jitterMs: 0,
  overlap: 'allow',
  missed: 'latest',
  missedWindowMs: 3_600_000,
  task: draft(null),
  spec: {},
});

/** Pauses and resumes it, `steps` times together; the first is a pause. */
async function move({ schedules }: Supervisor, id: string, steps: number): Promise<void> {
  for (let n = 0; n < steps; n += 1) {
    await (n % 2 === 0 ? schedules.pause(id, `note ${n}`, caller) : schedules.resume(id, caller));
  }
}

/** All that has happened so far was long ago. */
async function age(): Promise<void> {
  await bench.sql`update schedule_transitions set at = at - interval '40 days'`;
}

async function versionsOf(id: string): Promise<number[]> {
  const rows = await bench.sql<{ version: number }[]>`
    select version from schedule_transitions where schedule_id = ${id} order by version`;
  return rows.map(({ version }) => version);
}

async function prune(): Promise<{ steps: number; fires: number; faults: string[] }> {
  const faults: string[] = [];
  const store = { read: <T>(query: (sql: typeof bench.sql) => Promise<T>) => query(bench.sql) };
  const onFault = (id: string, why: string) => void faults.push(`${id}: ${why}`);
  return { ...(await pruneSchedules(store, KEEP, onFault, () => false)), faults };
}

const NOTHING = { steps: 0, fires: 0, faults: [] };

describe('the history of a schedule', () => {
  it('has every step with who asked for it, by name and by id', async () => {
    const { schedules } = await bench.start();
    const { id } = await schedules.create(wish('nightly'), caller);
    await schedules.pause('nightly', 'freeze', caller);
    await schedules.resume('nightly', caller);
    const steps = await schedules.history('nightly', 1, 10);
    expect(steps).toMatchObject([
      { version: 2, event: { type: 'pause.requested', by: caller.name, note: 'freeze' } },
      { version: 3, event: { type: 'resume.requested', by: caller.name }, toPath: 'active' },
    ]);
    expect(await schedules.history(id, 2, 10)).toEqual(steps.slice(1));
    expect(await kindOf(schedules.history('none', 0, 10))).toBe('unknown_schedule');
  });
});

describe('pruneSchedules', () => {
  it('leaves the last 100 steps of each, through pages, and the proof goes on from there (I4)', async () => {
    const supervisor = await bench.start();
    const { id } = await supervisor.schedules.create(wish('long'), caller);
    const short = await supervisor.schedules.create(wish('short'), caller);
    await move(supervisor, id, 650);
    await move(supervisor, short.id, 90);
    expect(await prune()).toEqual(NOTHING);
    await age();
    expect(await prune()).toEqual({ ...NOTHING, steps: 551 });
    expect(await prune()).toEqual(NOTHING);
    expect(await versionsOf(id)).toEqual(Array.from({ length: 100 }, (_, n) => 552 + n));
    expect(await versionsOf(short.id)).toHaveLength(91);
    const { schedules } = supervisor;
    expect(await schedules.verify(id)).toEqual({ differences: [], fromVersion: 551 });
    expect(await schedules.verify(short.id)).toEqual({ differences: [], fromVersion: 1 });
    // Young steps stay, however many.
    await move(supervisor, id, 120);
    expect(await prune()).toEqual({ ...NOTHING, steps: 100 });
    expect(await versionsOf(id)).toHaveLength(120);
    expect(await schedules.verify(id)).toEqual({ differences: [], fromVersion: 651 });
    // A loss behind the base is found.
    await bench.sql`delete from schedule_transitions where schedule_id = ${id} and version = 700`;
    expect((await schedules.verify(id)).differences[0]).toBe('version 700 is missing');
    await schedules.delete(id);
    expect(await bench.sql`select 1 from schedule_bases`).toEqual([]);
  });

  it('keeps a history that cannot be replayed, and says so', async () => {
    const supervisor = await bench.start();
    const { id } = await supervisor.schedules.create(wish('broken'), caller);
    await move(supervisor, id, 120);
    await age();
    await bench.sql`delete from schedule_transitions where schedule_id = ${id} and version = 5`;
    const { steps, faults } = await prune();
    expect([steps, faults]).toEqual([0, [expect.stringContaining(`${id}: version 5 is missing`)]]);
    expect(await versionsOf(id)).toHaveLength(120);
  });

  it('does it once when several supervisors do it at once', async () => {
    const supervisor = await bench.start();
    const { id } = await supervisor.schedules.create(wish('busy'), caller);
    await move(supervisor, id, 140);
    await age();
    const done = await Promise.all([prune(), prune(), prune()]);
    expect(done.flatMap(({ faults }) => faults)).toEqual([]);
    expect(await versionsOf(id)).toHaveLength(100);
    expect(await supervisor.schedules.verify(id)).toEqual({ differences: [], fromVersion: 41 });
  });

  it('deletes fires by their due times, but for the last 100 of each schedule', async () => {
    const supervisor = await bench.start();
    const many = await supervisor.schedules.create(wish('many'), caller);
    const few = await supervisor.schedules.create(wish('few'), caller);
    await bench.sql`
      insert into schedule_fires (schedule_id, due_at, is_manual, why, at)
      select id, due, false, 'missed', due
      from (
        select ${many.id}::uuid as id, now() - make_interval(hours => n) as due from generate_series(1, 1500) as n
        union all
        select ${few.id}, now() - make_interval(days => 50 + n) from generate_series(1, 100) as n
      ) as made`;
    const { fires } = await prune();
    expect(fires).toBe(1500 - 720 + 1);
    expect(await prune()).toEqual(NOTHING);
    expect(await supervisor.schedules.fires(few.id, 1_000, null)).toHaveLength(100);
  });
});
