/** Due times under clocks that are set by hand: each of them is written down once, whatever the clocks of supervisors say (I10). */
import { randomBytes, randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { classifyFailure } from '../../../db/failures.ts';
import { systemClock } from '../../process/clock.ts';
import { silentLogger } from '../../process/log.ts';
import { Availability } from '../availability.ts';
import { Host } from '../host.ts';
import { createIdSource } from '../ids.ts';
import { SpecCache } from '../spec-cache.ts';
import { createStore } from '../store.ts';
import type { ScheduleDraft } from '../supervisor.ts';
import { caller, draft, useBench } from '../testing/test-bench.ts';
import { fireDue } from './firing.ts';
import { createScheduleActions } from './schedules.ts';

const bench = useBench();

const HOUR_MS = 3_600_000;

const HOURLY: ScheduleDraft = {
  name: 'hourly',
  timing: { kind: 'every', everyMs: HOUR_MS },
  startAt: null,
  endAt: null,
  jitterMs: 0,
  overlap: 'allow',
  missed: 'all',
  missedWindowMs: 24 * HOUR_MS,
  task: draft(null),
  spec: {},
};

/** Schedules without a service: what is due is fired when the test says so. */
async function open() {
  const database = await bench.connect();
  const availability = new Availability(() => database.sql`select 1`, systemClock, silentLogger);
  const supervisorId = randomUUID();
  const store = createStore(database, availability, supervisorId);
  const clock = { at: Date.now() };
  const stamper = { now: () => clock.at, random: () => 0.5 };
  const onCommitted = () => {};
  const host = new Host({
    store,
    availability,
    stamper,
    supervisorId,
    onCommitted,
    log: silentLogger,
  });
  const specs = new SpecCache(store, classifyFailure);
  const ids = createIdSource((count) => randomBytes(count));
  const creator = { store, specs, stamper, ids, supervisorId, onCommitted };
  const options = { creator, host, counter: { count: () => {} } };
  const schedules = createScheduleActions(options, () => {});
  return { clock, schedules, fire: (id: string) => fireDue(options, id) };
}

it('a due time that has fired is not due again for a supervisor whose clock is behind', async () => {
  const { clock, schedules, fire } = await open();
  const { id, wakeAt } = await schedules.create(HOURLY, caller);
  const due = wakeAt ?? 0;
  clock.at = due;
  expect(await fire(id)).toBe(1);
  clock.at = due - 5;
  await schedules.pause(id, '', caller);
  expect((await schedules.resume(id, caller)).wakeAt).toBe(due + HOUR_MS);
  const timing = { kind: 'every', everyMs: HOUR_MS / 2 } as const;
  const updated = await schedules.update(id, null, () => ({ ...HOURLY, timing }), caller);
  expect(updated.wakeAt).toBe(due + HOUR_MS / 2);
  clock.at = due + HOUR_MS;
  expect(await fire(id)).toBe(2);
});

it('a schedule that is fired by hand at the very moment when it is due fires at its due time as well', async () => {
  const { clock, schedules, fire } = await open();
  const { id, wakeAt } = await schedules.create(HOURLY, caller);
  clock.at = wakeAt ?? 0;
  expect((await schedules.trigger(id, caller)).fire).toMatchObject({ isManual: true, why: '' });
  expect(await fire(id)).toBe(1);
  expect((await schedules.fires(id, 10, null)).map(({ isManual }) => isManual)).toEqual([
    true,
    false,
  ]);
  expect((await schedules.verify(id)).differences).toEqual([]);
});

it('a due time that has come when the schedule is paused is written down with the reason why it made no task', async () => {
  const { clock, schedules, fire } = await open();
  const { id, wakeAt } = await schedules.create({ ...HOURLY, overlap: 'queue' }, caller);
  const due = wakeAt ?? 0;
  clock.at = due;
  expect(await fire(id)).toBe(1);
  // The second one waits for the task of the first.
  clock.at = due + HOUR_MS;
  expect(await fire(id)).toBe(0);
  const paused = await schedules.pause(id, 'enough', caller);
  expect(paused.snapshot.context).toMatchObject({ fired: 1, skipped: 1, nextAt: null });
  expect(await schedules.fires(id, 10, null)).toMatchObject([
    { dueAt: due + HOUR_MS, taskId: null, why: 'it was paused before it could fire' },
    { dueAt: due, why: '' },
  ]);
  clock.at += 1;
  await schedules.resume(id, caller);
  const again = await schedules.pause(id, '', caller);
  expect(again.snapshot.context.skipped).toBe(1);
  expect((await schedules.verify(id)).differences).toEqual([]);
});
