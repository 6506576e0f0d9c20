/**
 * The host: one turn at a time for each actor, and nothing before it is committed.
 */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DEFAULT_TASK_POLICY } from '../../machines/task-context.ts';
import type { TaskEventBody } from '../../machines/task-events.ts';
import { systemClock } from '../process/clock.ts';
import { silentLogger } from '../process/log.ts';
import { Availability } from './availability.ts';
import { Host } from './host.ts';
import type { Committed } from './host.ts';
import { createStore } from './store.ts';
import type { Store } from './store.ts';
import { create, draft, kindOf, stepsOf, useBench, verified } from './testing/test-bench.ts';

const bench = useBench();
const dispatch = { type: 'attempt.dispatched', nodeId: 'web-1', epoch: 1, bootId: 'b' } as const;
const cancel = { type: 'cancel.requested', by: 'test', note: '' } as const;

interface TestHost {
  readonly host: Host;
  readonly store: Store;
  readonly committed: Committed[];
}

/** A host by itself, as a supervisor has it. */
async function openHost(onCommitted: (committed: Committed) => void = () => {}): Promise<TestHost> {
  const database = await bench.connect();
  const availability = new Availability(() => database.sql`select 1`, systemClock, silentLogger);
  const supervisorId = randomUUID();
  const store = createStore(database, availability, supervisorId);
  const committed: Committed[] = [];
  const host = new Host({
    store,
    availability,
    stamper: { now: () => Date.now(), random: Math.random },
    supervisorId,
    onCommitted(turn) {
      committed.push(turn);
      onCommitted(turn);
    },
    log: silentLogger,
    maxIdleActors: 10,
  });
  return { host, store, committed };
}

/** A task, made by a supervisor that does nothing more. */
async function createTask(more: Parameters<typeof draft>[2] = {}) {
  const supervisor = await bench.start();
  const [id = ''] = await create(supervisor, draft(null, DEFAULT_TASK_POLICY, more));
  return { supervisor, id };
}

describe('a host', () => {
  it('applies events of one task one after the other, and stores those that wait in one commit (I4)', async () => {
    const { supervisor, id } = await createTask();
    const { host, committed } = await openHost();
    const report = { attempt: 1, epoch: 1, acceptedAt: null, startedAt: null } as const;
    const events: TaskEventBody[] = [dispatch, { type: 'attempt.started', ...report }, cancel];
    // The first takes a turn alone; the others gather behind it.
    const first = host.apply(id, { type: 'timer.fired' }, true);
    const applied = await Promise.all(events.map((event) => host.apply(id, event, true)));
    expect((await first).kind).toBe('ignored');
    expect(applied.map(({ kind, record }) => [kind, record.version, record.snapshot.path])).toEqual(
      [
        ['transition', 2, 'running.dispatched'],
        ['transition', 3, 'running.executing'],
        ['transition', 4, 'running.stopping'],
      ],
    );
    expect(committed).toHaveLength(1);
    expect(committed[0]?.effects.map((effect) => effect.type)).toEqual([
      'startAttempt',
      'stopAttempt',
    ]);
    await verified(supervisor, id);
  });

  it('acts and answers only when the transition can be read by everybody (I3)', async () => {
    const { id } = await createTask();
    const seen: Promise<number>[] = [];
    const readVersion = async () => {
      const [row] = await bench.sql`select version from tasks where id = ${id}`;
      return row?.['version'] as number;
    };
    const { host } = await openHost(() => seen.push(readVersion()));
    const { record } = await host.apply(id, dispatch, false);
    expect(await readVersion()).toBeGreaterThanOrEqual(record.version);
    expect(await Promise.all(seen)).toEqual([2]);
  });

  it('refuses a command that the state does not allow, in the words of the machine', async () => {
    const { supervisor, id } = await createTask();
    await expect(supervisor.tasks.execute(id, { name: 'test' })).rejects.toMatchObject({
      kind: 'illegal_transition',
      message: `Cannot execute task ${id}: it is pending.queued; only a held task can be executed`,
    });
    await supervisor.tasks.cancel(id, '', { name: 'test' });
    await expect(supervisor.tasks.cancel(id, '', { name: 'test' })).rejects.toMatchObject({
      message: `Cannot cancel task ${id}: it is cancelled; a final state never changes`,
    });
    expect(await kindOf(supervisor.tasks.cancel(randomUUID(), '', { name: 'test' }))).toBe(
      'unknown_task',
    );
  });

  it('decides anew what it decided on a version that another supervisor has passed (I6)', async () => {
    const { supervisor, id } = await createTask();
    const [one, other] = [await openHost(), await openHost()];
    await one.host.apply(id, { type: 'timer.fired' }, true);
    await other.host.apply(id, cancel, true);
    // The first still has the queued task in memory.
    const applied = await one.host.apply(id, dispatch, true);
    expect([applied.kind, applied.record.snapshot.path]).toEqual(['ignored', 'cancelled']);
    expect((await stepsOf(supervisor, id)).map((step) => step.version)).toEqual([1, 2]);
  });

  it('keeps versions without gap when two supervisors apply 50 events at once (I4, I6)', async () => {
    const { supervisor, id } = await createTask({ held: true });
    const hosts = [await openHost(), await openHost()];
    const open = (epoch: number): TaskEventBody => ({
      ...dispatch,
      type: 'session.opened',
      epoch,
      held: 'executing',
    });
    const events: TaskEventBody[] = [{ type: 'execute.requested', by: 'test' }, dispatch];
    for (let epoch = 2; epoch <= 25; epoch += 1)
      events.push(open(epoch), { type: 'session.lost', epoch });
    for (const event of events.slice(0, 2)) await hosts[0]?.host.apply(id, event, true);
    const results = await Promise.allSettled(
      events
        .slice(2)
        .map((event, index) => (hosts[index % 2] as TestHost).host.apply(id, event, true)),
    );
    expect(results.filter(({ status }) => status === 'rejected')).toEqual([]);
    const versions = (await stepsOf(supervisor, id)).map((step) => step.version);
    expect(versions).toEqual(versions.map((_, index) => index + 1));
    expect(versions.length).toBeGreaterThan(3);
    await verified(supervisor, id);
    const told = hosts.flatMap(({ committed }) => committed.flatMap((turn) => turn.transitions));
    expect(told.map((step) => step.version).sort((a, b) => a - b)).toEqual(versions.slice(1));
  });

  it('leaves a snapshot of a newer program untouched', async () => {
    const { supervisor, id } = await createTask();
    await bench.sql`update tasks set machine_version = 99 where id = ${id}`;
    const { host } = await openHost();
    expect(await kindOf(host.apply(id, cancel, false))).toBe('snapshot_too_new');
    expect(await stepsOf(supervisor, id)).toHaveLength(1);
  });

  it('goes on when acting on a commit fails: it is committed all the same', async () => {
    const { supervisor, id } = await createTask();
    const { host } = await openHost(() => {
      throw new Error('a defect');
    });
    expect((await host.apply(id, dispatch, true)).kind).toBe('transition');
    expect((await host.apply(id, cancel, true)).record.version).toBe(3);
    await host.quiet();
    await verified(supervisor, id);
  });

  it('keeps no more idle actors than it may, and none that are final', async () => {
    const supervisor = await bench.start();
    const ids = await create(supervisor, ...Array.from({ length: 30 }, () => draft(null)));
    const { host } = await openHost();
    await Promise.all(ids.map((id) => host.apply(id, { type: 'timer.fired' }, true)));
    expect(host.actorCount).toBeLessThanOrEqual(11);
    await Promise.all(ids.map((id) => host.apply(id, cancel, true)));
    expect(host.actorCount).toBeLessThanOrEqual(1);
  });
});
