/**
 * Workers as the supervisor sees them: what agents say, what is asked, and what a slot that takes no work means for dispatch.
 */
import { describe, expect, it } from 'vitest';
import { eventually } from '../../test/eventually.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import type { AgentCommand, Supervisor, WorkerOperation, WorkerRecord } from './supervisor.ts';
import { caller, create, draft, kindOf, reaches, useBench } from './testing/test-bench.ts';
import { workerChanged, workerReport } from './testing/worker-report.ts';

const bench = useBench();

type Operate = Extract<AgentCommand, { kind: 'operate' }>;

const operations = (agent: ScriptedAgent) =>
  agent.commands.filter((command): command is Operate => command.kind === 'operate');

async function listed(supervisor: Supervisor, nodeId = 'web-1'): Promise<WorkerRecord[]> {
  return await supervisor.workers.list({ nodeId }, 100, null);
}

/** Waits until a worker is stored as it should be. */
async function stored(
  supervisor: Supervisor,
  name: string,
  wanted: Partial<WorkerRecord>,
): Promise<void> {
  let last: WorkerRecord | undefined;
  await eventually(
    async () => {
      last = (await listed(supervisor)).find((one) => one.name === name);
      const entries = Object.entries(wanted) as [keyof WorkerRecord, unknown][];
      return last !== undefined && entries.every(([key, value]) => last?.[key] === value);
    },
    `${name} is ${JSON.stringify(wanted)}`,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; it is ${JSON.stringify(last)}`);
  });
}

async function connect(
  supervisor: Supervisor,
  slots: readonly ReturnType<typeof workerReport>[],
): Promise<ScriptedAgent> {
  const agent = new ScriptedAgent('web-1');
  await agent.connect(supervisor, { slots: slots.length, workers: slots });
  return agent;
}

/** The tasks that an agent has been sent, each once: the sweep repeats what is not answered. */
function tasksOf(agent: ScriptedAgent): string[] {
  return [...new Set(agent.starts().map(({ taskId }) => taskId))];
}

async function tasksArrive(agent: ScriptedAgent, count: number): Promise<void> {
  await eventually(() => tasksOf(agent).length >= count, `${count} tasks are sent`);
}

/** Lets the scheduler do whatever it would do: another task is created and cancelled. */
async function roundTrip(supervisor: Supervisor): Promise<void> {
  const [id = ''] = await create(supervisor, draft(null, {}, { held: true }));
  await supervisor.tasks.cancel(id, '', caller);
}

describe('what an agent says of its workers', () => {
  it('is listed, the newest of each, and replaced by the next session', async () => {
    const supervisor = await bench.start();
    const kept = { kind: 'kept', pid: 7, command: './x', keepPolicy: 'on-failure' } as const;
    const agent = await connect(supervisor, [
      workerReport('slot-0'),
      workerReport('exporter', 'busy', kept),
    ]);
    await stored(supervisor, 'exporter', { ...kept, state: 'busy', isConnected: true });
    const why = 'ended with exit code 3';
    agent.tell(
      workerChanged('exporter', 'starting', kept),
      workerChanged('exporter', 'backing_off', { ...kept, failures: 1, nextStartAt: 5_000, why }),
    );
    await stored(supervisor, 'exporter', { state: 'backing_off', nextStartAt: 5_000, why });
    await stored(supervisor, 'slot-0', { state: 'idle' });
    await agent.connect(supervisor, { slots: 2, workers: [workerReport('slot-1', 'stopped')] });
    await stored(supervisor, 'slot-1', { state: 'stopped' });
    expect((await listed(supervisor)).map(({ name }) => name)).toEqual(['slot-1']);
  });

  it('counts for nothing from a session that is over (I6)', async () => {
    const [one, other] = [await bench.start(), await bench.start()];
    const older = await connect(one, [workerReport('slot-0')]);
    await stored(one, 'slot-0', { state: 'idle' });
    const newer = await connect(other, [workerReport('slot-0', 'busy')]);
    await stored(one, 'slot-0', { state: 'busy' });
    older.tell(workerChanged('slot-0', 'crashed'));
    newer.tell(workerChanged('slot-1', 'stopped'));
    await stored(one, 'slot-1', { state: 'stopped' });
    await eventually(() => older.goodbye !== null, 'the older one is closed');
    await stored(one, 'slot-0', { state: 'busy' });
  });

  it('is written at most once a second, however much it is', async () => {
    const supervisor = await bench.start();
    const agent = await connect(supervisor, [workerReport('slot-0')]);
    await stored(supervisor, 'slot-0', { state: 'idle' });
    await bench.sql`create table writes (at timestamptz)`;
    await bench.sql`
      create function count_write() returns trigger language plpgsql as
      $$ begin insert into writes values (now()); return null; end $$`;
    await bench.sql`
      create trigger count_write after insert on workers for each statement execute function count_write()`;
    for (let round = 0; round < 2_000; round += 1) {
      agent.tell(workerChanged('slot-0', round % 2 === 0 ? 'busy' : 'idle', { attempt: round }));
      if (round % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await stored(supervisor, 'slot-0', { attempt: 1_999 });
    const [row] = await bench.sql`select count(*)::integer as count from writes`;
    // How long the rounds took is up to the machine; two writes are the first and the rest.
    expect(row?.['count']).toBeLessThan(20);
  });

  it('is all shown to who knows the node, and refused for one that nobody knows', async () => {
    const supervisor = await bench.start();
    expect(await kindOf(supervisor.workers.list({ nodeId: 'nobody' }, 10, null))).toBe(
      'unknown_node',
    );
    expect(await supervisor.workers.list({}, 10, null)).toEqual([]);
    await connect(supervisor, [workerReport('slot-0'), workerReport('slot-1', 'crashed')]);
    await stored(supervisor, 'slot-1', { state: 'crashed' });
    const crashed = await supervisor.workers.list({ states: ['crashed'] }, 10, null);
    expect(crashed.map(({ name }) => name)).toEqual(['slot-1']);
    const after = { nodeId: 'web-1', name: 'slot-0' };
    expect(await supervisor.workers.list({}, 10, after)).toMatchObject([{ name: 'slot-1' }]);
  });
});

describe('what is asked of a worker', () => {
  const ask = (supervisor: Supervisor, operation: WorkerOperation, name = 'slot-0') =>
    supervisor.workers.operate({ nodeId: 'web-1', name }, operation);

  it('is sent until the agent has taken it on, and shown as pending', async () => {
    const supervisor = await bench.start();
    const agent = await connect(supervisor, [workerReport('slot-0')]);
    await stored(supervisor, 'slot-0', { state: 'idle' });
    expect((await ask(supervisor, 'stop')).pending).toBe('stop');
    const command = { kind: 'operate', worker: 'slot-0', operation: 'stop', seq: 1 };
    // The sweep repeats it.
    await eventually(() => operations(agent).length >= 3, 'it is sent more than once');
    expect(operations(agent)[2]).toEqual(command);
    agent.tell(workerChanged('slot-0', 'stopped', { operatedSeq: 1 }));
    await stored(supervisor, 'slot-0', { pending: null, state: 'stopped' });
    const before = operations(agent).length;
    await ask(supervisor, 'start');
    await eventually(() => operations(agent).length > before, 'the next one is sent');
    expect(
      operations(agent)
        .slice(before)
        .map(({ seq }) => seq),
    ).toContain(2);
    expect(operations(agent)[before]?.seq).toBe(2);
  });

  it('reaches the agent through whichever supervisor holds its session', async () => {
    const here = await bench.start({ sweepIntervalMs: 60_000 });
    const there = await bench.start({ sweepIntervalMs: 60_000 });
    const agent = await connect(there, [workerReport('slot-0')]);
    await stored(here, 'slot-0', { state: 'idle' });
    await ask(here, 'restart');
    await eventually(() => operations(agent).length === 1, 'it is told by NOTIFY');
    expect(operations(agent)[0]).toMatchObject({ operation: 'restart', seq: 1 });
  });

  it('waits for an agent that is away, and goes out with the next session', async () => {
    const supervisor = await bench.start({ sweepIntervalMs: 60_000 });
    const agent = await connect(supervisor, [workerReport('slot-0')]);
    await stored(supervisor, 'slot-0', { state: 'idle' });
    agent.disconnect(true);
    await stored(supervisor, 'slot-0', { isConnected: false });
    await ask(supervisor, 'stop');
    await ask(supervisor, 'restart');
    expect(operations(agent)).toEqual([]);
    await agent.connect(supervisor, { slots: 1, workers: [workerReport('slot-0')] });
    await eventually(() => operations(agent).length === 1, 'it is sent');
    // The last word counts.
    expect(operations(agent)[0]).toMatchObject({ operation: 'restart', seq: 2 });
  });

  it('has a number that no agent has seen, also after the database has forgotten some', async () => {
    const supervisor = await bench.start();
    const agent = await connect(supervisor, [workerReport('slot-0', 'idle', { operatedSeq: 41 })]);
    await stored(supervisor, 'slot-0', { operatedSeq: 41 });
    await ask(supervisor, 'stop');
    await eventually(() => operations(agent)[0]?.seq === 42, 'the next number is sent');
  });

  it('is refused for what is not there, with the names that are', async () => {
    const supervisor = await bench.start();
    await connect(supervisor, [workerReport('slot-0')]);
    await stored(supervisor, 'slot-0', { state: 'idle' });
    await expect(ask(supervisor, 'stop', 'slot-1')).rejects.toMatchObject({
      kind: 'unknown_worker',
      message: 'Cannot stop the worker: node web-1 has no worker slot-1; did you mean slot-0?',
    });
    const elsewhere = supervisor.workers.operate({ nodeId: 'web-9', name: 'slot-0' }, 'stop');
    expect(await kindOf(elsewhere)).toBe('unknown_node');
  });
});

describe('a slot that takes no work', () => {
  it('is not counted, from Hello on (I8)', async () => {
    const supervisor = await bench.start();
    const agent = await connect(supervisor, [
      workerReport('slot-0', 'stopped'),
      workerReport('slot-1'),
      workerReport('slot-2', 'crashed'),
    ]);
    await create(supervisor, ...Array.from({ length: 4 }, () => draft(null)));
    await tasksArrive(agent, 1);
    await roundTrip(supervisor);
    expect(tasksOf(agent)).toHaveLength(1);
    agent.tell(workerChanged('slot-2', 'idle'));
    await tasksArrive(agent, 2);
    await roundTrip(supervisor);
    expect(tasksOf(agent)).toHaveLength(2);
  });

  it('is not counted from the moment on in which its stop is sent (I8)', async () => {
    const supervisor = await bench.start();
    const agent = await connect(supervisor, [workerReport('slot-0')]);
    await stored(supervisor, 'slot-0', { state: 'idle' });
    await supervisor.workers.operate({ nodeId: 'web-1', name: 'slot-0' }, 'stop');
    await eventually(() => operations(agent).length > 0, 'the stop is sent');
    // Older than the stop.
    agent.tell(workerChanged('slot-0', 'idle'));
    const [id = ''] = await create(supervisor, draft('web-1'));
    await roundTrip(supervisor);
    expect(tasksOf(agent)).toEqual([]);
    agent.tell(workerChanged('slot-0', 'stopped', { operatedSeq: 1 }));
    await stored(supervisor, 'slot-0', { state: 'stopped' });
    expect((await supervisor.tasks.get(id)).waiting).toEqual({
      reason: 'workers_stopped',
      message: 'waits for a worker of node web-1: all 1 are stopped or broken',
    });
    agent.tell(workerChanged('slot-0', 'idle', { operatedSeq: 2 }));
    await tasksArrive(agent, 1);
  });

  it('keeps its attempt while it drains, and the others take as much as they have room for (I8)', async () => {
    const supervisor = await bench.start();
    const agent = await connect(supervisor, [workerReport('slot-0'), workerReport('slot-1')]);
    const [first = ''] = await create(supervisor, draft(null));
    await tasksArrive(agent, 1);
    agent.tell(
      agent.started(first),
      workerChanged('slot-0', 'busy', { taskId: first, attempt: 1, asked: 'stop' }),
    );
    const more = await create(supervisor, ...Array.from({ length: 3 }, () => draft(null)));
    await tasksArrive(agent, 2);
    await roundTrip(supervisor);
    expect(tasksOf(agent)).toHaveLength(2);
    agent.tell(agent.exited(first, 0), workerChanged('slot-0', 'stopped'));
    await reaches(supervisor, first, 'completed');
    await roundTrip(supervisor);
    expect(tasksOf(agent)).toHaveLength(2);
    const [, second = ''] = tasksOf(agent);
    expect(more).toContain(second);
    agent.tell(agent.started(second), agent.exited(second, 0));
    await tasksArrive(agent, 3);
  });
});
