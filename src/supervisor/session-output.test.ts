/** Whose output a session takes: that of attempts of its node, and of no others (I5, I6). */
import { describe, expect, it } from 'vitest';
import { eventually } from '../../test/eventually.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import type { AgentEvent, Supervisor } from './supervisor.ts';
import {
  caller,
  create,
  draft,
  reaches,
  startsArrive,
  useBench,
  verified,
} from './testing/test-bench.ts';

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

describe('output that was acknowledged and is gone, after a restore of the database', () => {
  /** As a backup gives it back: what was stored of the attempt later is not there. */
  async function forgetOutput(id: string): Promise<void> {
    await bench.sql`delete from output_pieces where task_id = ${id}`;
    await bench.sql`delete from output_streams where task_id = ${id}`;
  }

  it('counts as missing and holds up nothing: neither the node nor what follows it (I5)', async () => {
    const supervisor = await bench.start();
    const [agent, id] = await startOn(supervisor, 'web-1');
    await acknowledged(agent, agent.tell(output(id, 0, 'one')));
    agent.disconnect();
    await forgetOutput(id);
    await agent.connect(supervisor, { held: [{ taskId: id, attempt: 1, phase: 'executing' }] });
    agent.tell(output(id, 3, 'two'), output(id, 6, 'three'));
    await acknowledged(agent, agent.tell(agent.exited(id, 0, 1, { stdoutBytes: 11 })));
    await reaches(supervisor, id, 'completed');
    expect(agent.goodbye).toBeNull();
    const range = await supervisor.tasks.readOutput(id, 1, 'stdout', 0, 1_000);
    expect(new TextDecoder().decode(range.content)).toBe('twothree');
    expect(range).toMatchObject({ nextOffset: 11, droppedBytes: 3 });
    expect((await supervisor.tasks.get(id)).attempts[0]?.droppedBytes).toBe(3);
    const items = await tailOf(supervisor, id);
    expect(items).toEqual(['3 two', '6 three', 'task']);
    await verified(supervisor, id);
  });

  it('is stored once where only a part of it is gone, however often it is sent (I5)', async () => {
    const supervisor = await bench.start();
    const [agent, id] = await startOn(supervisor, 'web-1');
    await acknowledged(agent, agent.tell(output(id, 0, 'one'), output(id, 3, 'two')));
    agent.disconnect();
    await bench.sql`delete from output_pieces where task_id = ${id} and start_offset = 3`;
    await bench.sql`update output_streams set end_offset = 3 where task_id = ${id}`;
    for (let session = 0; session < 2; session += 1) {
      await agent.connect(supervisor, { held: [{ taskId: id, attempt: 1, phase: 'executing' }] });
      await acknowledged(agent, agent.tell(output(id, 6, 'three')));
      if (session === 0) agent.disconnect();
    }
    await acknowledged(agent, agent.tell(agent.exited(id, 0, 1, { stdoutBytes: 11 })));
    await reaches(supervisor, id, 'completed');
    expect(await textOf(supervisor, id)).toBe('one');
    const { content } = await supervisor.tasks.readOutput(id, 1, 'stdout', 3, 1_000);
    expect(new TextDecoder().decode(content)).toBe('three');
    expect(await tailOf(supervisor, id)).toEqual(['0 one', '6 three', 'task']);
    expect((await supervisor.tasks.get(id)).attempts[0]?.droppedBytes).toBe(3);
  });

  it('is found although much more is missing than is read at once', async () => {
    const supervisor = await bench.start();
    const [agent, id] = await startOn(supervisor, 'web-1');
    const far = 50_000_000;
    await acknowledged(agent, agent.tell(output(id, far, 'far')));
    await acknowledged(agent, agent.tell(agent.exited(id, 0, 1, { stdoutBytes: far + 3 })));
    expect(await tailOf(supervisor, id)).toEqual([`${far} far`, 'task']);
    expect((await supervisor.tasks.get(id)).attempts[0]?.droppedBytes).toBe(far);
  });

  it('counts as missing also where nothing follows it', async () => {
    const supervisor = await bench.start();
    const [agent, id] = await startOn(supervisor, 'web-1');
    await acknowledged(agent, agent.tell(output(id, 0, 'one')));
    await forgetOutput(id);
    await acknowledged(agent, agent.tell(agent.exited(id, 0, 1, { stdoutBytes: 3 })));
    expect(await tailOf(supervisor, id)).toEqual(['3 dropped', 'task']);
    expect((await supervisor.tasks.get(id)).attempts[0]?.droppedBytes).toBe(3);
  });

  it('is refused where a session leaves out what it has not told before (I5)', async () => {
    const supervisor = await bench.start();
    const [agent, id] = await startOn(supervisor, 'web-1');
    await acknowledged(agent, agent.tell(output(id, 0, 'one')));
    agent.tell(output(id, 6, 'three'));
    await eventually(() => agent.goodbye !== null, 'the session ends');
    expect(agent.goodbye?.reason).toBe('protocol_error');
    expect(await textOf(supervisor, id)).toBe('one');
  });
});

/** What a tail of a final task gives, in words. */
async function tailOf(supervisor: Supervisor, id: string): Promise<string[]> {
  const items: string[] = [];
  const from = { attempt: 1, stdoutOffset: 0, stderrOffset: 0 };
  for await (const item of supervisor.tasks.tailOutput(
    id,
    from,
    false,
    new AbortController().signal,
  )) {
    if (item.kind === 'chunk') {
      items.push(`${item.piece.offset} ${new TextDecoder().decode(item.piece.content)}`);
    } else items.push(item.kind === 'dropped' ? `${item.bytes} dropped` : item.kind);
  }
  return items;
}
