/**
 * A fan-out that is stopped or paused while its children are being released, which takes many batches: those that nobody has
 * started yet are not started any more (I7).
 */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { TaskEventBody } from '../../machines/task-events.ts';
import { eventually } from '../../test/eventually.ts';
import { systemClock } from '../process/clock.ts';
import { silentLogger } from '../process/log.ts';
import { Availability } from './availability.ts';
import { FanOuts } from './fan-outs.ts';
import { Host } from './host.ts';
import { createStore } from './store.ts';
import { create, draft, useBench } from './testing/test-bench.ts';

const bench = useBench();

/** More than two batches of children. */
const NODES = 1_200;
const BATCH = 500;

/** A fan-out on all nodes at once, held; its supervisor is gone. */
async function createHeld(): Promise<string> {
  await bench.sql`
    insert into nodes (id, epoch, boot_id, labels, facts, slots)
    select 'web-' || n, 1, 'b', '{}', '{}', 1 from generate_series(1, ${NODES}::integer) as n`;
  const supervisor = await bench.start();
  const selection = { nodes: [], selector: '', groups: [], all: true, exclude: [] };
  const bounds = { maxParallel: null, deadlineMs: null, order: 'given' } as const;
  const fanOut = { selection, maxFailures: { kind: 'count', value: 1 }, ...bounds } as const;
  const [id = ''] = await create(supervisor, draft(null, {}, { fanOut, held: true }));
  await supervisor.stop();
  return id;
}

/** Reads by fan-outs so far, and those that are under way. */
let reads = 0;
const underWay = new Set<Promise<unknown>>();

/** Resolves when nothing is done any more. */
async function quiet(host: Host): Promise<void> {
  for (let before = -1; before !== reads; ) {
    before = reads;
    await Promise.allSettled(underWay);
    await new Promise((resolve) => setImmediate(resolve));
    await host.quiet();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Rolls fan-outs out and does nothing else. `onFirst` is called when the first child has been released. */
async function openRollOut(
  onFirst: (childId: string, host: Host) => void,
): Promise<{ host: Host; fanOuts: FanOuts }> {
  const database = await bench.connect();
  const availability = new Availability(() => database.sql`select 1`, systemClock, silentLogger);
  const supervisorId = randomUUID();
  const store = createStore(database, availability, supervisorId);
  let isFirst = true;
  const host: Host = new Host({
    store,
    availability,
    supervisorId,
    stamper: { now: () => Date.now(), random: Math.random },
    onCommitted({ record, effects }) {
      fanOuts.committed(record);
      if (effects.some(({ type }) => type === 'rollOut')) fanOuts.look(record.id);
      if (!isFirst || record.snapshot.path !== 'pending.queued') return;
      isFirst = false;
      onFirst(record.id, host);
    },
    log: silentLogger,
  });
  const read: typeof store.read = (query) => {
    const result = store.read(query);
    reads += 1;
    underWay.add(result);
    return result.finally(() => underWay.delete(result));
  };
  const fanOuts = new FanOuts({ store: { ...store, read }, host, log: silentLogger });
  return { host, fanOuts };
}

const by = { by: 'test', note: '' };
const execute = { type: 'execute.requested', by: 'test' } as const;

/** How many children there are in each state, by path. */
async function childrenOf(id: string): Promise<Record<string, number>> {
  const rows = await bench.sql<{ path: string; count: number }[]>`
    select concat_ws('.', state, nullif(substate, '')) as path, count(*)::integer as count
    from tasks where parent_id = ${id} group by 1`;
  return Object.fromEntries(rows.map(({ path, count }) => [path, count]));
}

async function wereReleased(id: string): Promise<number> {
  const [row] = await bench.sql<[{ count: number }]>`
    select count(*)::integer as count from transitions as t join tasks as c on c.id = t.task_id
    where c.parent_id = ${id} and t.to_path = 'pending.queued'`;
  return row.count;
}

it('cancelled while it releases its children, it starts no more of them', async () => {
  const id = await createHeld();
  const { host } = await openRollOut(() => {
    void host.apply(id, { type: 'cancel.requested', ...by }, true);
  });
  await host.apply(id, execute, true);
  await eventually(
    async () => (await childrenOf(id))['cancelled'] === NODES,
    'all children are cancelled',
  );
  expect(await wereReleased(id)).toBeLessThanOrEqual(BATCH);
});

it('with too many failures while it releases its children, it starts no more of them', async () => {
  const id = await createHeld();
  const session = { nodeId: 'web-1', epoch: 1, bootId: 'b' };
  const spawnError = 'no such interpreter';
  const failure = { attempt: 1, exitCode: null, signal: null, stopCause: null, spawnError };
  const times = { acceptedAt: null, startedAt: null, exitedAt: null };
  const bytes = { stdoutBytes: 0, stderrBytes: 0, droppedBytes: 0 };
  const events: TaskEventBody[] = [
    { type: 'attempt.dispatched', ...session },
    { type: 'attempt.exited', nodeId: 'web-1', epoch: 1, ...failure, ...times, ...bytes },
  ];
  const { host } = await openRollOut((childId, its) => {
    for (const event of events) void its.apply(childId, event, true);
  });
  await host.apply(id, execute, true);
  await eventually(async () => {
    const { failed, cancelled = 0, ...others } = await childrenOf(id);
    return failed === 1 && cancelled > 0 && others['pending.held'] === undefined;
  }, 'no child is held any more');
  expect(await wereReleased(id)).toBeLessThanOrEqual(BATCH);
});

it('paused while it releases its children, it starts no more of them until it is resumed', async () => {
  const id = await createHeld();
  const paused = Promise.withResolvers<unknown>();
  const { host } = await openRollOut(() => {
    paused.resolve(host.apply(id, { type: 'pause.requested', ...by }, true));
  });
  await host.apply(id, execute, true);
  await paused.promise;
  await quiet(host);
  expect(await wereReleased(id)).toBeLessThanOrEqual(BATCH);
  await host.apply(id, { type: 'resume.requested', by: 'test' }, true);
  await eventually(async () => (await wereReleased(id)) === NODES, 'all children are released');
});

it('is looked after by the sweeps also when it stands behind a thousand older ones', async () => {
  await bench.sql`
    insert into nodes (id, epoch, boot_id, labels, facts, slots) values ('web-1', 1, 'b', '{}', '{}', 1)`;
  const supervisor = await bench.start();
  const selection = { nodes: ['web-1'], selector: '', groups: [], all: false, exclude: [] };
  const bounds = {
    maxParallel: null,
    maxFailures: null,
    deadlineMs: null,
    order: 'given',
  } as const;
  const wish = draft(null, {}, { fanOut: { selection, ...bounds }, held: true });
  const ids = await create(supervisor, ...Array.from({ length: 1_001 }, () => wish));
  await supervisor.stop();
  const last = ids.pop() ?? '';
  await bench.sql`
    update tasks set state = 'running', substate = case when id = ${last} then 'rolling' else 'paused' end
    where id = any(${[...ids, last]}::uuid[])`;
  const { host, fanOuts } = await openRollOut(() => {});
  for (let sweeps = 0; sweeps < 2; sweeps += 1) {
    await fanOuts.sweep();
    await quiet(host);
  }
  await eventually(async () => (await wereReleased(last)) === 1, 'its child is released');
});
