/** Whose output a session takes: that of attempts of its node, and of no others (I5, I6). */
import { expect, it } from 'vitest';
import { eventually } from '../../test/eventually.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import type { AgentEvent, Supervisor } from './supervisor.ts';
import { caller, create, draft, reaches, startsArrive, useBench } from './testing/test-bench.ts';

const bench = useBench();

function output(taskId: string, offset: number, text: string, attempt = 1): AgentEvent {
  const content = new TextEncoder().encode(text);
  return { kind: 'output', piece: { taskId, attempt, stream: 'stdout', offset, content, at: 1 } };
}

async function startOn(
  supervisor: Supervisor,
  nodeId: string,
  policy = {},
): Promise<[ScriptedAgent, string]> {
  const agent = new ScriptedAgent(nodeId);
  await agent.connect(supervisor);
  const [id = ''] = await create(supervisor, draft(nodeId, policy));
  await startsArrive(agent, 1);
  agent.tell(agent.started(id));
  await reaches(supervisor, id, 'running.executing');
  return [agent, id];
}

async function acknowledged(agent: ScriptedAgent, seq: number): Promise<void> {
  await eventually(() => agent.acknowledged >= seq, `batch ${seq} is acknowledged`);
}

async function textOf(supervisor: Supervisor, id: string, attempt = 1): Promise<string> {
  const { content } = await supervisor.tasks.readOutput(id, attempt, 'stdout', 0, 1_000);
  return new TextDecoder().decode(content);
}

it('a host cannot write into the output of a task of another, nor tell its progress (I6)', async () => {
  const supervisor = await bench.start();
  const [owner, id] = await startOn(supervisor, 'web-1');
  const other = new ScriptedAgent('web-2');
  await other.connect(supervisor, { held: [{ taskId: id, attempt: 1, phase: 'executing' }] });
  const progress = { attempt: 1, fraction: 0.9, message: 'forged' };
  const forged = other.tell(
    output(id, 0, 'forged'),
    output(id, 6, ', again'),
    output(id, 0, 'forged', 2),
    { kind: 'progress', taskId: id, progress },
  );
  await acknowledged(other, forged);
  await acknowledged(owner, owner.tell(output(id, 0, 'true')));
  expect(await textOf(supervisor, id)).toBe('true');
  expect((await supervisor.tasks.get(id)).progress).toBeNull();
  expect(other.goodbye).toBeNull();
});

it('the output of an attempt that counts as lost is taken when its node is back, in its order (I5)', async () => {
  const supervisor = await bench.start();
  const [agent, id] = await startOn(supervisor, 'web-1', { maxAttempts: 2 });
  agent.disconnect();
  await bench.sql`update nodes set seen_at = now() - interval '1 hour'`;
  await reaches(supervisor, id, 'running.unreachable');
  await supervisor.tasks.resolve(id, 'lost', '', caller);
  await agent.connect(supervisor, { held: [{ taskId: id, attempt: 1, phase: 'ended' }] });
  const pieces = ['it ', 'lived ', 'on'];
  const offsets = [0, 3, 9];
  const last = pieces
    .map((text, index) => agent.tell(output(id, offsets[index] ?? 0, text)))
    .at(-1);
  await acknowledged(agent, last ?? 0);
  expect(await textOf(supervisor, id)).toBe('it lived on');
});
