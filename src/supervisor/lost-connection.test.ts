/**
 * A connection that is lost during a commit: before the request has arrived, after it was carried out, and while the server is
 * still at work on it.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../test/eventually.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import { DatabaseProxy } from './testing/database-proxy.ts';
import type { CutMoment } from './testing/database-proxy.ts';
import {
  caller,
  draft,
  kindOf,
  pathsOf,
  reaches,
  startRunning,
  startsArrive,
  useBench,
  verified,
} from './testing/test-bench.ts';

const bench = useBench();
let proxy: DatabaseProxy;

beforeEach(async () => {
  proxy = await DatabaseProxy.open(bench.url);
  bench.defer(() => proxy.close());
});

/** Holds the row of a task, so that a commit of it waits in the server. */
async function holdRow(id: string): Promise<() => Promise<void>> {
  const connection = await bench.sql.reserve();
  await connection`begin`;
  await connection`select 1 from tasks where id = ${id} for update`;
  return async () => {
    await connection`commit`;
    connection.release();
  };
}

/** Waits until as many statements of supervisors wait for a row. */
async function waitersFor(count: number): Promise<void> {
  await eventually(async () => {
    const rows = await bench.sql`
      select 1 from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like '%update tasks as t%'`;
    return rows.length >= count;
  }, `${count} updates wait for the row`);
}

describe('a patient event whose commit loses its connection', () => {
  it.each<CutMoment>(['before', 'after'])(
    'is applied exactly once, when the connection is lost %s it is carried out (I1, I4)',
    async (moment) => {
      const { supervisor, agent, id } = await startRunning(bench, { url: proxy.url });
      const cut = proxy.cutNext('987654321', moment);
      const seq = agent.tell(agent.exited(id, 0, 1, { stdoutBytes: 987654321 }));
      await cut;
      await eventually(() => agent.acknowledged === seq, 'the report is acknowledged');
      expect(await pathsOf(supervisor, id)).toEqual([
        'pending.queued',
        'running.dispatched',
        'running.executing',
        'completed',
      ]);
      expect((await supervisor.tasks.history(id, 0, 10)).lateReports).toEqual([]);
      await verified(supervisor, id);
      expect(agent.goodbye).toBeNull();
      await eventually(
        () => agent.commands.filter((command) => command.kind === 'forget').length === 1,
        'the agent is told to forget, once',
      );
    },
  );

  it('is applied exactly once when the server commits it after it was asked for it (I3, I4)', async () => {
    const { supervisor, agent, id } = await startRunning(bench, { url: proxy.url });
    const release = await holdRow(id);
    const cut = proxy.cutNext('987654321', 'during');
    const seq = agent.tell(agent.exited(id, 0, 1, { stdoutBytes: 987654321 }));
    await cut;
    // The first commit lives on in the server; the second one is behind it.
    await waitersFor(2);
    expect(agent.acknowledged).toBeLessThan(seq);
    await release();
    await eventually(() => agent.acknowledged === seq, 'the report is acknowledged');
    const steps = await pathsOf(supervisor, id);
    expect(steps.filter((path) => path === 'completed')).toHaveLength(1);
    expect((await supervisor.tasks.history(id, 0, 10)).lateReports).toEqual([]);
    await verified(supervisor, id);
    expect(agent.commands.filter((command) => command.kind === 'forget')).toHaveLength(1);
  });
});

describe('a command whose commit loses its connection', () => {
  it('is answered with unavailable and takes effect when it was carried out', async () => {
    const { supervisor, agent, id } = await startRunning(bench, { url: proxy.url });
    const cut = proxy.cutNext('lost on the way back', 'after');
    const answer = kindOf(supervisor.tasks.cancel(id, 'lost on the way back', caller));
    await cut;
    expect(await answer).toBe('unavailable');
    await eventually(
      () => agent.commands.some((command) => command.kind === 'stop'),
      'the agent is told to stop',
    );
    await reaches(supervisor, id, 'running.stopping');
    agent.tell(agent.exited(id, 143, 1, { stopCause: 'cancel', signal: 'SIGTERM' }));
    await reaches(supervisor, id, 'cancelled');
    await verified(supervisor, id);
  });

  it('is answered with unavailable and changes nothing when it was not', async () => {
    const { supervisor, agent, id } = await startRunning(bench, { url: proxy.url });
    const cut = proxy.cutNext('lost on the way', 'before');
    const answer = kindOf(supervisor.tasks.cancel(id, 'lost on the way', caller));
    await cut;
    expect(await answer).toBe('unavailable');
    agent.tell(agent.exited(id, 0));
    await reaches(supervisor, id, 'completed');
    expect(await pathsOf(supervisor, id)).not.toContain('running.stopping');
    await verified(supervisor, id);
  });
});

describe('a creation whose commit loses its connection', () => {
  it.each<CutMoment>(['before', 'after'])(
    'creates its tasks once under one request id, when the connection is lost %s it is carried out',
    async (moment) => {
      const supervisor = await bench.start({ url: proxy.url });
      const wish = draft(null, {}, { name: 'a wish of its own' });
      const cut = proxy.cutNext('a wish of its own', moment);
      const first = kindOf(supervisor.tasks.create([wish], caller, 'request-1'));
      await cut;
      expect(await first).toBe('unavailable');
      await eventually(() => supervisor.isServing(), 'the database answers again');
      const [record] = await supervisor.tasks.create([wish], caller, 'request-1');
      const stored = await bench.sql`select id from tasks`;
      expect(stored.map((row) => row['id'])).toEqual([record?.id]);
      // Whoever created it, it is brought to a worker.
      const agent = new ScriptedAgent('web-1');
      await agent.connect(supervisor);
      await startsArrive(agent, 1);
    },
  );
});

describe('output whose commit loses its connection', () => {
  it('is stored once and in order, and its session lives on (I5)', async () => {
    const { supervisor, agent, id } = await startRunning(bench, { url: proxy.url });
    const piece = (offset: number, text: string) =>
      ({
        kind: 'output',
        piece: {
          taskId: id,
          attempt: 1,
          stream: 'stdout',
          offset,
          content: new TextEncoder().encode(text),
          at: 1,
        },
      }) as const;
    const marker = Buffer.from('one ').toString('hex');
    const cut = proxy.cutNext(marker, 'after');
    agent.tell(piece(0, 'one '));
    await cut;
    agent.tell(piece(4, 'two '));
    const seq = agent.tell(piece(8, 'three'), agent.exited(id, 0, 1, { stdoutBytes: 13 }));
    await eventually(() => agent.acknowledged === seq, 'everything is acknowledged');
    const range = await supervisor.tasks.readOutput(id, 1, 'stdout', 0, 100);
    expect(new TextDecoder().decode(range.content)).toBe('one two three');
    expect(agent.goodbye).toBeNull();
    await verified(supervisor, id);
  });
});

describe('a supervisor whose database is away', () => {
  it('refuses calls at once, acknowledges nothing, and stops in order', async () => {
    const { supervisor, agent, id } = await startRunning(bench, { url: proxy.url });
    proxy.refuse();
    const seq = agent.tell(agent.exited(id, 0));
    await eventually(() => !supervisor.isServing(), 'the loss is noticed');
    expect(await kindOf(supervisor.tasks.get(id))).toBe('unavailable');
    expect(await kindOf(supervisor.tasks.cancel(id, '', caller))).toBe('unavailable');
    expect(await kindOf(supervisor.tasks.create([draft(null)], caller, ''))).toBe('unavailable');
    expect(agent.acknowledged).toBeLessThan(seq);
    expect(agent.goodbye).toBeNull();
    await supervisor.stop();
    expect(agent.goodbye?.reason).toBe('shutdown');
    expect(agent.acknowledged).toBeLessThan(seq);
    proxy.allow();
  });

  it('stops also when the database goes away during the stop', async () => {
    const { supervisor, agent, id } = await startRunning(bench, { url: proxy.url });
    const release = await holdRow(id);
    agent.tell(agent.exited(id, 0));
    await waitersFor(1);
    const stopped = supervisor.stop();
    proxy.refuse();
    await stopped;
    proxy.allow();
    await release();
  });
});
