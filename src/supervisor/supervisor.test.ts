/**
 * The supervisor as a whole on a real database, with agents that do what the test says.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectDatabase } from '../../db/connect.ts';
import type { Database } from '../../db/connect.ts';
import { DEFAULT_TASK_POLICY } from '../../machines/task-context.ts';
import { createTestDatabase } from '../../test/database.ts';
import type { TestDatabase } from '../../test/database.ts';
import { eventually } from '../../test/eventually.ts';
import { systemClock } from '../process/clock.ts';
import { createLogger, silentLogger } from '../process/log.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import { startSupervisor } from './start.ts';
import type { Supervisor, TaskDraft } from './supervisor.ts';

const caller = { name: 'test' };
let testDatabase: TestDatabase;
let open: { supervisor: Supervisor; database: Database }[] = [];

async function start(options: { deadAfterMs?: number } = {}): Promise<Supervisor> {
  const database = await connectDatabase({ url: testDatabase.url });
  const supervisor = await startSupervisor({
    database,
    clock: systemClock,
    random: Math.random,
    randomBytes: (count) => randomBytes(count),
    log: process.env['MUSTER_TEST_LOG'] ? createLogger('t','debug') : silentLogger,
    supervisorId: randomUUID(),
    heartbeatIntervalMs: 100,
    deadAfterMs: options.deadAfterMs ?? 15_000,
    sweepIntervalMs: 100,
  });
  open.push({ supervisor, database });
  return supervisor;
}

function draft(nodeId: string | null, policy: Partial<TaskDraft['policy']> = {}): TaskDraft {
  return {
    name: 'test',
    type: 'script',
    labels: {},
    target: nodeId === null ? { kind: 'any' } : { kind: 'node', nodeId },
    policy: { ...DEFAULT_TASK_POLICY, ...policy },
    held: false,
    startAt: null,
    spec: { script: { body: 'true' } },
  };
}

async function create(supervisor: Supervisor, ...drafts: TaskDraft[]): Promise<string[]> {
  return (await supervisor.tasks.create(drafts, caller, '')).map((record) => record.id);
}

async function pathOf(supervisor: Supervisor, id: string): Promise<string> {
  return (await supervisor.tasks.get(id)).record.snapshot.path;
}

async function reaches(supervisor: Supervisor, id: string, path: string): Promise<void> {
  await eventually(async () => (await pathOf(supervisor, id)) === path, `${id} is ${path}`);
}

beforeEach(async () => {
  testDatabase = await createTestDatabase();
});

afterEach(async () => {
  for (const { supervisor, database } of open) {
    await supervisor.stop();
    await database.close();
  }
  open = [];
  await testDatabase.drop();
});

describe('a supervisor with one agent', () => {
  it('brings a task from its creation to completed, and its history replays to its snapshot (I4)', async () => {
    const supervisor = await start();
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor);
    const [id = ''] = await create(supervisor, draft('web-1'));
    await eventually(() => agent.starts().length === 1, 'the start arrives');
    expect(agent.starts()[0]).toMatchObject({ taskId: id, attempt: 1, spec: { script: { body: 'true' } } });
    const seq = agent.tell(agent.started(id), agent.exited(id, 0));
    await eventually(() => agent.acknowledged === seq, 'the reports are acknowledged');
    expect(await pathOf(supervisor, id)).toBe('completed');
    expect(agent.commands.at(-1)).toEqual({ kind: 'forget', taskId: id, attempt: 1 });
    const history = await supervisor.tasks.history(id, 0, 100);
    expect(history.transitions.map((step) => [step.version, step.toPath])).toEqual([
      [1, 'pending.queued'],
      [2, 'running.dispatched'],
      [3, 'running.executing'],
      [4, 'completed'],
    ]);
    expect(await supervisor.tasks.verify(id)).toEqual({ transitions: 4, differences: [] });
  });

  it('hands out tasks by priority, then age, and never more than slots and prefetch', async () => {
    const supervisor = await start();
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor, { slots: 2 });
    const first = await create(supervisor, draft('web-1'), draft('web-1'), draft('web-1'));
    await eventually(() => agent.starts().length === 3, 'two slots and a prefetch are filled');
    const [low = ''] = await create(supervisor, draft('web-1', { priority: 1 }));
    const [high = ''] = await create(supervisor, draft('web-1', { priority: 99 }));
    agent.tell(agent.exited(first[0] as string, 0));
    await eventually(() => agent.starts().length === 4, 'the fourth starts');
    agent.tell(agent.exited(first[1] as string, 0));
    await eventually(() => agent.starts().length === 5, 'the fifth starts');
    expect(agent.starts().map((command) => command.taskId)).toEqual([...first, high, low]);
  });

  it('starts what was queued while no agent was there', async () => {
    const supervisor = await start();
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor);
    agent.disconnect();
    const ids = await create(supervisor, draft('web-1'), draft(null));
    await agent.connect(supervisor);
    await eventually(() => agent.starts().length === 2, 'both start');
    expect(agent.starts().map((command) => command.taskId).sort()).toEqual(ids.sort());
  });
});

describe('an agent that comes and goes', () => {
  it('says unreachable when a node is silent, and goes on when it returns with its attempt', async () => {
    const supervisor = await start({ deadAfterMs: 300 });
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor);
    const [id = ''] = await create(supervisor, draft('web-1'));
    await eventually(() => agent.starts().length === 1, 'it starts');
    agent.tell(agent.started(id));
    await reaches(supervisor, id, 'running.executing');
    agent.disconnect();
    await reaches(supervisor, id, 'running.unreachable');
    await agent.connect(supervisor, { held: [{ taskId: id, attempt: 1, phase: 'executing' }] });
    await reaches(supervisor, id, 'running.executing');
    agent.tell(agent.exited(id, 0));
    await reaches(supervisor, id, 'completed');
    expect((await supervisor.tasks.verify(id)).differences).toEqual([]);
  });

  it('sends a start again that the agent has never seen, under the same number (I2)', async () => {
    const supervisor = await start();
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor);
    const [id = ''] = await create(supervisor, draft('web-1'));
    await eventually(() => agent.starts().length === 1, 'it is sent');
    agent.disconnect();
    await agent.connect(supervisor);
    await eventually(() => agent.starts().length === 2, 'it is sent again');
    expect(agent.starts().map((command) => command.attempt)).toEqual([1, 1]);
  });

  it('counts an attempt as lost when the host has booted since (I2)', async () => {
    const supervisor = await start();
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor);
    const [id = ''] = await create(supervisor, draft('web-1'));
    await eventually(() => agent.starts().length === 1, 'it is sent');
    agent.disconnect();
    await agent.connect(supervisor, { bootId: 'boot-2' });
    await reaches(supervisor, id, 'failed');
    expect((await supervisor.tasks.get(id)).record.snapshot.context.reason).toBe('node_lost');
    expect(agent.starts()).toHaveLength(1);
  });

  it('stops an attempt that nobody waits for any more', async () => {
    const supervisor = await start();
    const agent = new ScriptedAgent('web-1');
    const taskId = randomUUID();
    await agent.connect(supervisor, { held: [{ taskId, attempt: 3, phase: 'executing' }] });
    expect(agent.commands).toContainEqual({ kind: 'stop', taskId, attempt: 3, cause: 'stale' });
    const seq = agent.tell(agent.exited(taskId, 143, 3, { stopCause: 'stale' }));
    await eventually(() => agent.acknowledged === seq, 'its end is acknowledged');
    expect(agent.commands).toContainEqual({ kind: 'forget', taskId, attempt: 3 });
  });

  it('lets the newer session of a node win and tells the older why (I6)', async () => {
    const supervisor = await start();
    const older = new ScriptedAgent('web-1');
    const newer = new ScriptedAgent('web-1');
    await older.connect(supervisor);
    await newer.connect(supervisor);
    expect(older.goodbye?.reason).toBe('replaced');
    expect(older.goodbye?.message).toContain('newer session of node web-1');
    expect(newer.epoch).toBe(older.epoch + 1);
  });
});

describe('output', () => {
  it('is stored before the exit behind it is applied, and tailed to its end (I5)', async () => {
    const supervisor = await start();
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor);
    const [id = ''] = await create(supervisor, draft('web-1'));
    await eventually(() => agent.starts().length === 1, 'it starts');
    const piece = (offset: number, text: string) => ({
      kind: 'output' as const,
      piece: { taskId: id, attempt: 1, stream: 'stdout' as const, offset, content: new TextEncoder().encode(text), at: 1 },
    });
    agent.tell(agent.started(id), piece(0, 'hello '));
    agent.tell(piece(0, 'hello wor'), piece(9, 'ld'), agent.exited(id, 0));
    const items = [];
    const signal = new AbortController().signal;
    const from = { attempt: 0, stdoutOffset: 0, stderrOffset: 0 };
    for await (const item of supervisor.tasks.tailOutput(id, from, false, signal)) items.push(item);
    const text = items.map((item) => (item.kind === 'chunk' ? new TextDecoder().decode(item.piece.content) : '')).join('');
    expect(text).toBe('hello world');
    expect(items.at(-1)).toMatchObject({ kind: 'task', record: { snapshot: { path: 'completed' } } });
  });
});

describe('several supervisors', () => {
  it('cancel through one what runs on an agent of the other', async () => {
    const one = await start();
    const other = await start();
    const agent = new ScriptedAgent('web-1');
    await agent.connect(one);
    const [id = ''] = await create(other, draft('web-1'));
    await eventually(() => agent.starts().length === 1, 'the other supervisor hears of it and starts it');
    agent.tell(agent.started(id));
    await reaches(one, id, 'running.executing');
    await other.tasks.cancel(id, '', caller);
    await eventually(() => agent.commands.some((command) => command.kind === 'stop'), 'the stop arrives');
    agent.tell(agent.exited(id, 143, 1, { stopCause: 'cancel', signal: 'SIGTERM' }));
    await reaches(other, id, 'cancelled');
    expect((await one.tasks.verify(id)).differences).toEqual([]);
  });

  it('adopt the tasks of a node that moves from one to the other', async () => {
    const one = await start();
    const other = await start();
    const agent = new ScriptedAgent('web-1');
    await agent.connect(one);
    const [id = ''] = await create(one, draft('web-1'));
    await eventually(() => agent.starts().length === 1, 'it starts');
    const moved = new ScriptedAgent('web-1');
    await moved.connect(other, { held: [{ taskId: id, attempt: 1, phase: 'executing' }] });
    await eventually(() => agent.goodbye?.reason === 'replaced', 'the former supervisor lets go');
    moved.tell(moved.exited(id, 0));
    await reaches(one, id, 'completed');
  });
});
