/**
 * Sessions of agents: who is believed, who is fenced, and what becomes of the tasks of an agent that says nothing.
 */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../test/eventually.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import type { AgentEvent, AgentLink, Supervisor } from './supervisor.ts';
import {
  caller,
  create,
  draft,
  pathOf,
  pathsOf,
  reaches,
  startsArrive,
  useBench,
  verified,
} from './testing/test-bench.ts';

const bench = useBench();

async function startOn(supervisor: Supervisor, policy = {}): Promise<[ScriptedAgent, string]> {
  const agent = new ScriptedAgent('web-1');
  await agent.connect(supervisor);
  const [id = ''] = await create(supervisor, draft('web-1', policy));
  await startsArrive(agent, 1);
  agent.tell(agent.started(id));
  await reaches(supervisor, id, 'running.executing');
  return [agent, id];
}

function output(taskId: string, offset: number, text: string): AgentEvent {
  const content = new TextEncoder().encode(text);
  return {
    kind: 'output',
    piece: { taskId, attempt: 1, stream: 'stdout', offset, content, at: 1 },
  };
}

describe('an agent that stays connected and says nothing', () => {
  it('is closed, its task says unreachable, and fails as lost without a second attempt (I2, I9)', async () => {
    const supervisor = await bench.start({ deadAfterMs: 300 });
    const [agent, id] = await startOn(supervisor, { lostAfterMs: 500, maxAttempts: 1 });
    agent.heartbeat = () => {};
    await eventually(() => agent.goodbye !== null, 'its session is closed');
    expect(agent.goodbye?.message).toBe('nothing heard for 0.3 s');
    await reaches(supervisor, id, 'failed');
    expect(await pathsOf(supervisor, id)).toEqual([
      'pending.queued',
      'running.dispatched',
      'running.executing',
      'running.unreachable',
      'failed',
    ]);
    const { record, attempts } = await supervisor.tasks.get(id);
    expect(record.snapshot.context.reason).toBe('node_lost');
    expect(attempts.map((attempt) => attempt.outcome)).toEqual(['lost']);
    await verified(supervisor, id);
  });

  it('loses its attempt, and the next one is started elsewhere, if the policy allows it (I2)', async () => {
    const supervisor = await bench.start({ deadAfterMs: 300 });
    const silent = new ScriptedAgent('web-1');
    await silent.connect(supervisor);
    const policy = { lostAfterMs: 300, maxAttempts: 2, retryInitialMs: 10 };
    const [id = ''] = await create(supervisor, draft(null, policy));
    await startsArrive(silent, 1);
    silent.heartbeat = () => {};
    const other = new ScriptedAgent('web-2');
    await other.connect(supervisor);
    await startsArrive(other, 1);
    expect(other.starts()[0]).toMatchObject({ taskId: id, attempt: 2 });
    other.tell(other.exited(id, 0, 2));
    await reaches(supervisor, id, 'completed');
    await verified(supervisor, id);
  });
});

describe('an agent that comes back', () => {
  it('goes on with the attempt it holds (I2)', async () => {
    const supervisor = await bench.start({ deadAfterMs: 300 });
    const [agent, id] = await startOn(supervisor);
    agent.disconnect();
    await reaches(supervisor, id, 'running.unreachable');
    await agent.connect(supervisor, { held: [{ taskId: id, attempt: 1, phase: 'executing' }] });
    await reaches(supervisor, id, 'running.executing');
    agent.tell(agent.exited(id, 0));
    await reaches(supervisor, id, 'completed');
    expect(agent.starts()).toHaveLength(1);
    await verified(supervisor, id);
  });

  it('is sent a start again that it has never seen, under the same number (I2)', async () => {
    const supervisor = await bench.start({ sweepIntervalMs: 600_000 });
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor);
    await create(supervisor, draft('web-1'));
    await startsArrive(agent, 1);
    agent.disconnect();
    await agent.connect(supervisor);
    await startsArrive(agent, 2);
    expect(agent.starts().map((command) => command.attempt)).toEqual([1, 1]);
  });

  it('has lost its attempts when the host has booted since (I2)', async () => {
    const supervisor = await bench.start({ sweepIntervalMs: 600_000 });
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor);
    const [id = ''] = await create(supervisor, draft('web-1'));
    await startsArrive(agent, 1);
    agent.disconnect();
    await agent.connect(supervisor, { bootId: 'boot-2' });
    await reaches(supervisor, id, 'failed');
    expect((await supervisor.tasks.get(id)).record.snapshot.context.reason).toBe('node_lost');
    expect(agent.starts()).toHaveLength(1);
  });

  it('is told to stop what nobody waits for any more, and to forget its end', async () => {
    const supervisor = await bench.start();
    const agent = new ScriptedAgent('web-1');
    const taskId = randomUUID();
    await agent.connect(supervisor, { held: [{ taskId, attempt: 3, phase: 'executing' }] });
    expect(agent.commands).toContainEqual({ kind: 'stop', taskId, attempt: 3, cause: 'stale' });
    const seq = agent.tell(agent.exited(taskId, 143, 3, { stopCause: 'stale' }));
    await eventually(() => agent.acknowledged === seq, 'its end is acknowledged');
    expect(agent.commands).toContainEqual({ kind: 'forget', taskId, attempt: 3 });
  });
});

describe('the older of two sessions of a node', () => {
  it('is told why it ends (I6)', async () => {
    const supervisor = await bench.start();
    const [older, newer] = [new ScriptedAgent('web-1'), new ScriptedAgent('web-1')];
    await older.connect(supervisor);
    await newer.connect(supervisor);
    expect(older.goodbye?.reason).toBe('replaced');
    expect(older.goodbye?.message).toContain('newer session of node web-1');
    expect(newer.epoch).toBe(older.epoch + 1);
  });

  it('changes nothing by its reports and its output, here or on another supervisor (I5, I6)', async () => {
    const one = await bench.start({ heartbeatIntervalMs: 600_000 });
    const other = await bench.start();
    const [older, id] = await startOn(one);
    const newer = new ScriptedAgent('web-1');
    // The former supervisor hears nothing of it in time: its session still stands.
    await newer.connect(other, { held: [{ taskId: id, attempt: 1, phase: 'executing' }] });
    older.tell(older.exited(id, 0));
    await eventually(
      async () => (await other.tasks.history(id, 0, 10)).lateReports.length === 1,
      'the report is written down as late',
    );
    older.tell(output(id, 0, 'from the past'));
    await eventually(() => older.goodbye !== null, 'the older session is closed');
    expect(older.goodbye?.reason).toBe('replaced');
    expect(await pathOf(other, id)).toBe('running.executing');
    newer.tell(output(id, 0, 'from the present'), newer.exited(id, 3));
    await reaches(other, id, 'failed');
    const range = await other.tasks.readOutput(id, 1, 'stdout', 0, 100);
    expect(new TextDecoder().decode(range.content)).toBe('from the present');
    await verified(other, id);
  });

  it('is the one with the lower number, whichever of two openings is answered first (I6)', async () => {
    const supervisor = await bench.start();
    const agents = Array.from({ length: 8 }, () => new ScriptedAgent('web-1'));
    await Promise.all(agents.map((agent) => agent.connect(supervisor)));
    const open = agents.filter((agent) => agent.goodbye === null);
    expect(open.map((agent) => agent.epoch)).toEqual([8]);
    await create(supervisor, draft('web-1'));
    await startsArrive(open[0] as ScriptedAgent, 1);
  });

  it('does not end the newer one by late news of itself (I6)', async () => {
    const [one, other] = [await bench.start(), await bench.start()];
    const agents = Array.from({ length: 6 }, () => new ScriptedAgent('web-1'));
    for (const [index, agent] of agents.entries())
      await agent.connect(index % 2 === 0 ? other : one);
    const [id = ''] = await create(one, draft('web-1'));
    const last = agents.at(-1) as ScriptedAgent;
    await startsArrive(last, 1);
    last.tell(last.exited(id, 0));
    await reaches(one, id, 'completed');
    expect(last.goodbye).toBeNull();
  });
});

describe('a report about a task of another node', () => {
  it('changes nothing and is not written down, and its agent is told to let go (I6)', async () => {
    const supervisor = await bench.start();
    const [, id] = await startOn(supervisor);
    const liar = new ScriptedAgent('web-2');
    await liar.connect(supervisor);
    const seq = liar.tell(liar.exited(id, 0), liar.exited(id, 0, 7));
    await eventually(() => liar.acknowledged === seq, 'it is acknowledged');
    expect(await pathOf(supervisor, id)).toBe('running.executing');
    expect((await supervisor.tasks.history(id, 0, 10)).lateReports).toEqual([]);
    expect(liar.commands).toContainEqual({ kind: 'forget', taskId: id, attempt: 1 });
    await verified(supervisor, id);
  });
});

describe('a stop', () => {
  it('is never overtaken by the start of the same attempt (I2)', async () => {
    const supervisor = await bench.start({ sweepIntervalMs: 20 });
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor, { slots: 64 });
    // Too large to be kept in memory: between the dispatch and the start lies a read.
    const spec = { script: { body: '#'.repeat(100_000) } };
    const ids = await create(
      supervisor,
      ...Array.from({ length: 40 }, () => draft('web-1', {}, { spec })),
    );
    await Promise.all(ids.map((id) => supervisor.tasks.cancel(id, '', caller)));
    const isStopped = new Set<string>();
    const faults: string[] = [];
    for (const command of agent.commands) {
      if (command.kind === 'stop') isStopped.add(command.taskId);
      if (command.kind === 'start' && isStopped.has(command.taskId)) faults.push(command.taskId);
    }
    expect(faults).toEqual([]);
    // An agent that has never seen the attempt says so, and that is the end of it.
    for (const id of ids) {
      if ((await pathOf(supervisor, id)) !== 'running.stopping') continue;
      const why = 'this agent does not hold it';
      agent.tell({ kind: 'report', taskId: id, report: { type: 'attempt.lost', attempt: 1, why } });
    }
    for (const id of ids) await reaches(supervisor, id, 'cancelled');
  });
});

describe('a supervisor that is stopping', () => {
  it('tells its agents to connect again, takes no session and dispatches nothing', async () => {
    const supervisor = await bench.start();
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor);
    const opening = new ScriptedAgent('web-2').connect(supervisor).catch(() => 'refused');
    await supervisor.stop();
    await opening;
    expect(agent.goodbye?.reason).toBe('shutdown');
    await expect(new ScriptedAgent('web-3').connect(supervisor)).rejects.toMatchObject({
      kind: 'unavailable',
    });
    const before = agent.commands.length;
    const [id = ''] = await create(supervisor, draft('web-1'));
    expect(await pathOf(supervisor, id)).toBe('pending.queued');
    expect(agent.commands).toHaveLength(before);
  });

  it('closes a session that was being opened at that moment', async () => {
    const supervisor = await bench.start();
    const reasons: string[] = [];
    const link: AgentLink = {
      send() {},
      acknowledge() {},
      heartbeat() {},
      close: (reason) => void reasons.push(reason),
    };
    const hello = {
      nodeId: 'web-1',
      bootId: 'b',
      facts: {},
      labels: {},
      slots: 1,
      held: [],
      workers: [],
    };
    const opening = supervisor.sessions.open(hello, link).catch(() => reasons.push('refused'));
    await supervisor.stop();
    await opening;
    expect(reasons).toHaveLength(1);
  });
});
