/** The progress of running attempts, and the results of handlers: who sees them, here and at another supervisor. */
import { describe, expect, it } from 'vitest';
import { eventually } from '../../test/eventually.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import type { AgentEvent, OutputItem, Supervisor, TaskChange } from './supervisor.ts';
import { create, draft, reaches, startsArrive, useBench } from './testing/test-bench.ts';

const bench = useBench();

function told(taskId: string, fraction: number, attempt = 1): AgentEvent {
  const progress = { attempt, fraction, message: `at ${fraction}` };
  return { kind: 'progress', taskId, progress };
}

async function executing(supervisor: Supervisor, more = {}) {
  const agent = new ScriptedAgent('web-1');
  await agent.connect(supervisor);
  const [id = ''] = await create(supervisor, draft('web-1', { maxAttempts: 2 }, more));
  await startsArrive(agent, 1);
  agent.tell(agent.started(id));
  await reaches(supervisor, id, 'running.executing');
  return { agent, id };
}

const progressOf = async (supervisor: Supervisor, id: string) =>
  (await supervisor.tasks.get(id)).progress;

/** Watches and tails a task until the end of the test. */
function follow(supervisor: Supervisor, id: string) {
  const end = new AbortController();
  const changes: TaskChange[] = [];
  const items: OutputItem[] = [];
  const collect = async <T>(from: AsyncIterable<T>, into: T[]) => {
    for await (const one of from) into.push(one);
  };
  const start = { attempt: 1, stdoutOffset: 0, stderrOffset: 0 };
  const over = Promise.all([
    collect(supervisor.tasks.watch({ ids: [id] }, new Map(), end.signal), changes),
    collect(supervisor.tasks.tailOutput(id, start, false, end.signal), items),
  ]);
  bench.defer(() => over.then(() => {}));
  const sees = async (fraction: number) => {
    await eventually(
      () =>
        changes.some(({ progress }) => progress?.fraction === fraction) &&
        items.some((item) => item.kind === 'progress' && item.progress.fraction === fraction),
      `${fraction} is told`,
    );
  };
  return { changes, sees, end: () => end.abort() };
}

describe('progress', () => {
  it('is told to who watches and who tails, and is no transition', async () => {
    const supervisor = await bench.start();
    const { agent, id } = await executing(supervisor);
    const { version } = (await supervisor.tasks.get(id)).record;
    const reader = follow(supervisor, id);
    await eventually(() => reader.changes.length > 0, 'it watches');
    agent.tell(told(id, 0.25));
    await reader.sees(0.25);
    agent.tell(told(id, 0.5));
    await reader.sees(0.5);
    const details = await supervisor.tasks.get(id);
    expect(details.record.version).toBe(version);
    expect(details.progress).toEqual({ attempt: 1, fraction: 0.5, message: 'at 0.5' });
    reader.end();
  });

  it('is seen at another supervisor', async () => {
    const supervisor = await bench.start();
    const other = await bench.start();
    const { agent, id } = await executing(supervisor);
    const reader = follow(other, id);
    await eventually(() => reader.changes.length > 0, 'it watches');
    agent.tell(told(id, 0.75));
    await reader.sees(0.75);
    await eventually(async () => (await progressOf(other, id))?.fraction === 0.75, 'it is read');
    reader.end();
  });

  it('ends with its attempt, and goes with its task', async () => {
    const supervisor = await bench.start();
    const { agent, id } = await executing(supervisor);
    const rows = async () => (await bench.sql`select task_id, fraction from task_progress`).length;
    agent.tell(told(id, 0.9));
    await eventually(async () => (await rows()) === 1, 'it is written');
    agent.tell(agent.exited(id, 1));
    // Not by their number: the start of the first may have come twice.
    await eventually(() => agent.starts().some(({ attempt }) => attempt === 2), 'the second');
    agent.tell(agent.started(id, 2));
    await reaches(supervisor, id, 'running.executing');
    expect(await progressOf(supervisor, id)).toBe(null);
    agent.tell(told(id, 0.1, 2));
    await eventually(async () => (await progressOf(supervisor, id))?.fraction === 0.1, 'the next');
    agent.tell(agent.exited(id, 0, 2));
    await reaches(supervisor, id, 'completed');
    expect(await progressOf(supervisor, id)).toBe(null);
    await supervisor.tasks.delete(id);
    expect(await rows()).toBe(0);
  });
});

describe('the result of a handler', () => {
  const result = (taskId: string, offset: number, text: string): AgentEvent => {
    const content = new TextEncoder().encode(text);
    const piece = { taskId, attempt: 1, stream: 'result', offset, content, at: 1 } as const;
    return { kind: 'output', piece };
  };

  it('is stored once and in order, and read with the task and as its output (I5)', async () => {
    const supervisor = await bench.start();
    const { agent, id } = await executing(supervisor, { type: 'handler' });
    const whole = agent.tell(result(id, 0, '{"a":'), result(id, 0, '{"a":1'), result(id, 5, '1}'));
    await eventually(() => agent.acknowledged === whole, 'it is stored');
    expect((await supervisor.tasks.get(id)).resultJson).toBe(undefined);
    agent.tell(agent.exited(id, 0));
    await reaches(supervisor, id, 'completed');
    expect((await supervisor.tasks.get(id)).resultJson).toBe('{"a":1}');
    const range = await supervisor.tasks.readOutput(id, 1, 'result', 0, 100);
    expect([Buffer.from(range.content).toString(), range.nextOffset]).toEqual(['{"a":1}', 7]);
  });

  it('is null where nothing is stored, and a failure has its sentence', async () => {
    const supervisor = await bench.start();
    const { agent, id } = await executing(supervisor, { type: 'handler' });
    agent.tell(agent.exited(id, 1, 1, { failure: 'no disk' }));
    await startsArrive(agent, 2);
    const [attempt] = (await supervisor.tasks.get(id)).attempts;
    expect(attempt).toMatchObject({ outcome: 'exited', exitCode: 1, message: 'no disk' });
    agent.tell(agent.started(id, 2), agent.exited(id, 0, 2));
    await reaches(supervisor, id, 'completed');
    expect((await supervisor.tasks.get(id)).resultJson).toBe('null');
  });
});
