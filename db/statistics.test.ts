// Counts and durations of tasks: the same whatever is rolled up already, and each task once, whoever commits late or deletes.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { connectDatabase } from './connect.ts';
import type { Database, Sql } from './connect.ts';
import type { Statistics } from './records.ts';
import { deleteOldStatistics, readStatistics, rollUpStatistics } from './statistics.ts';
import { NOON, dispatch, exit, idAt, start, storeTask, updateOf } from './task-fixture.ts';
import { deleteTask, updateTasks } from './tasks.ts';

let test: TestDatabase;
let database: Database;
let sql: Sql;

beforeEach(async () => {
  test = await createTestDatabase();
  database = await connectDatabase({ url: test.url });
  sql = database.sql;
});

afterEach(async () => {
  await database?.close();
  await test?.drop();
});

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOTHING = { count: 0, p50: 0, p95: 0, max: 0 };
const ALL = [null, null] as const;

/** Of tasks of which so many have waited 2 s, and so many run for 1 s. */
const took = (waited: number, ran: number) => ({
  waiting: waited === 0 ? NOTHING : { count: waited, p50: 2_000, p95: 2_000, max: 2_000 },
  running: ran === 0 ? NOTHING : { count: ran, p50: 1_000, p95: 1_000, max: 1_000 },
});

const ended = (at: number, wish: object = {}) =>
  storeTask(sql, { at, ...wish }, dispatch(), start(), exit());

const waiting = async () => (await sql`select 1 from task_ends`).length;

describe('readStatistics', () => {
  it('counts nothing in an empty database', async () => {
    expect(await readStatistics(sql, ...ALL)).toEqual({
      from: null,
      until: null,
      total: 0,
      byState: [],
      byType: [],
      byNode: [],
      byHour: [],
      waiting: NOTHING,
      running: NOTHING,
      oldestPending: [],
    });
  });

  it('counts by state, type, node and hour, and sums up durations', async () => {
    // Events are a second apart: each waits 2 s for its process and runs for 1 s.
    await ended(NOON - 1);
    await storeTask(sql, { at: NOON }, dispatch(), start(), exit(1));
    await storeTask(sql, { at: NOON + HOUR - 1, nodeId: null });
    await storeTask(sql, { at: NOON + HOUR, nodeId: 'n2' }, dispatch('n2'), start());
    const expected: Statistics = {
      from: null,
      until: null,
      total: 4,
      byState: [
        { state: 'completed', substate: '', count: 1 },
        { state: 'failed', substate: '', count: 1 },
        { state: 'pending', substate: 'queued', count: 1 },
        { state: 'running', substate: 'executing', count: 1 },
      ],
      byType: [{ name: 'script', count: 4 }],
      byNode: [
        { name: '', count: 1 },
        { name: 'n1', count: 2 },
        { name: 'n2', count: 1 },
      ],
      byHour: [
        { hour: NOON - HOUR, created: 1, completed: 1, failed: 0, ...took(1, 1) },
        { hour: NOON, created: 2, completed: 0, failed: 1, ...took(1, 1) },
        { hour: NOON + HOUR, created: 1, completed: 0, failed: 0, ...took(1, 0) },
      ],
      waiting: { count: 3, p50: 2_000, p95: 2_000, max: 2_000 },
      running: { count: 2, p50: 1_000, p95: 1_000, max: 1_000 },
      oldestPending: [],
    };
    for (const rolledUp of [0, 1, 1]) {
      expect(await rollUpStatistics(sql, rolledUp)).toBe(rolledUp);
      expect(await readStatistics(sql, ...ALL)).toEqual(expected);
      const hour = await readStatistics(sql, NOON, NOON + HOUR);
      expect(hour.total).toBe(2);
      expect(hour.byHour).toEqual(expected.byHour.slice(1, 2));
      expect((await readStatistics(sql, NOON + HOUR, null)).total).toBe(1);
      expect((await readStatistics(sql, null, NOON)).total).toBe(1);
    }
    expect(await waiting()).toBe(0);
  });

  it('rounds its bounds outwards to whole hours, and says so', async () => {
    await ended(NOON + 5);
    const { total, from, until } = await readStatistics(sql, NOON + 10, NOON + 11);
    expect({ total, from, until }).toEqual({ total: 1, from: NOON, until: NOON + HOUR });
    expect(await readStatistics(sql, NOON, NOON)).toMatchObject({ total: 0, until: NOON });
    expect(await readStatistics(sql, NOON + DAY, NOON)).toMatchObject({ total: 0 });
  });

  it('gives the last 24 hours that have tasks, oldest first', async () => {
    for (let hour = 10; hour < 40; hour += 1) {
      await (hour % 2 === 0
        ? ended(NOON + hour * HOUR)
        : storeTask(sql, { at: NOON + hour * HOUR }));
    }
    await rollUpStatistics(sql, 12);
    const { byHour } = await readStatistics(sql, NOON + 10 * HOUR, null);
    expect(byHour.map(({ hour }) => hour)).toEqual(
      Array.from({ length: 24 }, (_, index) => NOON + (16 + index) * HOUR),
    );
  });

  it('reads months and days where they are whole, else hours: every range has the tasks of its hours', async () => {
    // From the middle of January on, through a leap year and months of every length.
    const begin = Date.UTC(2028, 0, 15, 7);
    const days = [
      0, 0.5, 16, 16.7, 17, 30, 45, 45.7, 46, 47, 75, 76, 90, 106, 107, 108, 130, 167.9, 200,
    ];
    const hours = days.map((day) => Math.round(day * 24));
    for (const hour of hours) await ended(begin + hour * HOUR, { nodeId: `n${hour % 3}` });
    expect(await rollUpStatistics(sql, 100)).toBe(hours.length);
    const bounds = [
      -9, 0, 0.1, 1, 16, 16.71, 17, 45, 45.71, 46.2, 76, 107, 107.75, 137, 168.5, 201, 300,
    ];
    for (const from of [null, ...bounds.map((day) => Math.round(day * 24))]) {
      for (const until of [null, ...bounds.map((day) => Math.round(day * 24))]) {
        const ms = (hour: number | null) => (hour === null ? null : begin + hour * HOUR);
        const found = await readStatistics(sql, ms(from), ms(until));
        const count = hours.filter(
          (hour) => hour >= (from ?? -Infinity) && hour < (until ?? Infinity),
        ).length;
        expect([from, until, found.total, found.waiting.count]).toEqual([
          from,
          until,
          count,
          count,
        ]);
      }
    }
  });

  it('gives percentiles that are off by 5 % at most, and the exact maximum', async () => {
    const times = Array.from({ length: 2_000 }, (_, n) => 1.01 ** n * (1 + ((n * 7) % 13) / 1_000));
    await sql`
      insert into task_ends
      select now(), 'script', 'completed', 'n1', ms, case when ms > 1000 then ms * 2 end
      from unnest(${times}::double precision[]) as ms`;
    await rollUpStatistics(sql, 1_500);
    const statistics = await readStatistics(sql, ...ALL);
    const check = (found: Statistics['waiting'], all: readonly number[]) => {
      const sorted = all.toSorted((a, b) => a - b);
      const [p50 = 0, p95 = 0] = [0.5, 0.95].map((p) => sorted[Math.ceil(p * sorted.length) - 1]);
      expect(found.count).toBe(sorted.length);
      expect(Math.abs(found.p50 / p50 - 1)).toBeLessThan(0.05);
      expect(Math.abs(found.p95 / p95 - 1)).toBeLessThan(0.05);
      expect(found.max).toBe(sorted.at(-1));
    };
    check(statistics.waiting, times);
    check(
      statistics.running,
      times.filter((ms) => ms > 1_000).map((ms) => ms * 2),
    );
  });
});

describe('rollUpStatistics', () => {
  it('counts a task once whose end is committed long after others were rolled up', async () => {
    const record = await storeTask(sql, { at: NOON });
    // One connection, so that a transaction can stay open on it.
    const late = await connectDatabase({ url: test.url, maxConnections: 1 });
    try {
      await late.sql`begin`;
      const { after: _, ...update } = updateOf(record, dispatch(), start(), exit());
      await updateTasks(late.sql, [update], '');
      await ended(NOON + 1);
      expect(await rollUpStatistics(sql, 100)).toBe(1);
      const before = await readStatistics(sql, ...ALL);
      expect(before.byState.map(({ state, count }) => [state, count])).toEqual([
        ['completed', 1],
        ['pending', 1],
      ]);
      await late.sql`commit`;
      for (const more of [1, 0]) {
        expect(await readStatistics(sql, ...ALL)).toMatchObject({
          byState: [{ state: 'completed', count: 2 }],
          waiting: { count: 2 },
        });
        expect(await rollUpStatistics(sql, 100)).toBe(more);
      }
    } finally {
      await late.close();
    }
  });

  it('counts each task once when several supervisors do it, while more tasks end and others read', async () => {
    const totals: number[] = [];
    let isOver = false;
    const rollUp = async () => {
      while (!isOver) await rollUpStatistics(sql, 7);
    };
    const read = async () => {
      while (!isOver) totals.push((await readStatistics(sql, ...ALL)).total);
    };
    const end = async () => {
      for (let n = 0; n < 60; n += 1) await ended(NOON + n * 60_000 * 10);
    };
    const others = [rollUp(), rollUp(), rollUp(), read()];
    await Promise.all([end(), end()]);
    isOver = true;
    await Promise.all(others);
    while ((await rollUpStatistics(sql, 1_000)) > 0);
    const statistics = await readStatistics(sql, ...ALL);
    expect(statistics.byState).toEqual([{ state: 'completed', substate: '', count: 120 }]);
    expect(totals).toEqual(totals.toSorted((a, b) => a - b));
    const [row] = await sql<[{ hours: number; days: number; months: number; durations: number }]>`
      select (select sum(tasks) from task_counts where span = 'hour')::integer as hours,
             (select sum(tasks) from task_counts where span = 'day')::integer as days,
             (select sum(tasks) from task_counts where span = 'month')::integer as months,
             (select sum(tasks) from task_durations where span = 'hour')::integer as durations`;
    expect(row).toEqual({ hours: 120, days: 120, months: 120, durations: 240 });
  });

  it('leaves the work to whoever is at it', async () => {
    await ended(NOON);
    const other = await connectDatabase({ url: test.url, maxConnections: 1 });
    try {
      await other.sql`begin`;
      expect(await rollUpStatistics(other.sql, 10)).toBe(1);
      expect(await rollUpStatistics(sql, 10)).toBe(0);
      await other.sql`rollback`;
      expect((await readStatistics(sql, ...ALL)).total).toBe(1);
      expect(await rollUpStatistics(sql, 10)).toBe(1);
    } finally {
      await other.close();
    }
  });

  it('keeps counting a task that is deleted, whenever that was', async () => {
    const [first, second] = [await ended(NOON), await ended(NOON + 1)];
    expect(await deleteTask(sql, first.id)).toBe('deleted');
    await rollUpStatistics(sql, 10);
    expect(await deleteTask(sql, second.id)).toBe('deleted');
    expect((await readStatistics(sql, ...ALL)).total).toBe(2);
  });

  it('does not count a batch twice that is sent again, nor an update that came too late', async () => {
    const record = await storeTask(sql, { at: NOON });
    const { after: _, ...update } = updateOf(record, dispatch(), start(), exit());
    expect((await updateTasks(sql, [update], '')).size).toBe(1);
    expect((await updateTasks(sql, [update], '')).size).toBe(0);
    expect(await waiting()).toBe(1);
  });

  it('does not count the upgrade of a final task', async () => {
    const record = await ended(NOON);
    const [step] = updateOf(await storeTask(sql, { id: idAt(NOON) }), dispatch()).transitions;
    const upgrade = { ...step, taskId: record.id, version: record.version + 1 } as typeof step &
      object;
    const moved = { fromPath: 'completed', toPath: 'completed' };
    await updateTasks(
      sql,
      [
        {
          taskId: record.id,
          expectedVersion: record.version,
          machineVersion: 2,
          snapshot: record.snapshot,
          wakeAt: null,
          transitions: [{ ...upgrade, ...moved }],
          endedAttempts: [],
        },
      ],
      '',
    );
    expect(await waiting()).toBe(1);
  });
});

it('forgets hours, days and months that are older than what is kept', async () => {
  const [row] = await sql<[{ now: number }]>`
    select (extract(epoch from now()) * 1000)::double precision as now`;
  for (const days of [0, 300, 450, 480]) await ended(Math.floor(row.now) - days * DAY);
  await rollUpStatistics(sql, 10);
  // Two hours, days and months, each with its count, one class of waiting and one of running.
  const deleted = await deleteOldStatistics(sql, 400 * DAY);
  expect(deleted).toBeGreaterThanOrEqual(2 * 2 * 3 + 3);
  expect(await deleteOldStatistics(sql, 400 * DAY)).toBe(0);
  const { total, byHour, waiting: durations } = await readStatistics(sql, ...ALL);
  expect([total, byHour.length, durations.count]).toEqual([2, 2, 2]);
});
