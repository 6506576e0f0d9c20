/**
 * A database that is gone without a word: connections stay open, and nothing comes any more. All of it, or only what was open.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { connectDatabase } from '../../db/connect.ts';
import { classifyFailure } from '../../db/failures.ts';
import { listen, notify } from '../../db/notify.ts';
import { eventually } from '../../test/eventually.ts';
import type { ScriptedAgent } from './scripted-agent.ts';
import type { Supervisor } from './supervisor.ts';
import { DatabaseProxy } from './testing/database-proxy.ts';
import { kindOf, pathsOf, startRunning, useBench, verified } from './testing/test-bench.ts';

const bench = useBench();
let proxy: DatabaseProxy;

beforeEach(async () => {
  proxy = await DatabaseProxy.open(bench.url);
  bench.defer(() => proxy.close());
});

/** Silence is noticed soon here. */
const QUICK = { silenceIntervalMs: 20, answerTimeoutMs: 2_000, listenIntervalMs: 2_000 };

async function endsOnce(supervisor: Supervisor, agent: ScriptedAgent, id: string, seq: number) {
  await eventually(() => agent.acknowledged === seq, 'the report is acknowledged');
  expect(await pathsOf(supervisor, id)).toEqual([
    'pending.queued',
    'running.dispatched',
    'running.executing',
    'completed',
  ]);
  expect((await supervisor.tasks.history(id, 0, 10)).lateReports).toEqual([]);
  expect(agent.goodbye).toBeNull();
  await verified(supervisor, id);
}

describe('a supervisor whose database is gone without a word', () => {
  it('answers what waits with unavailable, and goes on when the database is back (I1, I4)', async () => {
    const { supervisor, agent, id } = await startRunning(bench, { url: proxy.url, ...QUICK });
    proxy.silence({ isAll: true });
    const answer = kindOf(supervisor.tasks.get(id));
    const seq = agent.tell(agent.exited(id, 0));
    expect(await answer).toBe('unavailable');
    expect(supervisor.isServing()).toBe(false);
    expect(await kindOf(supervisor.tasks.get(id))).toBe('unavailable');
    expect(agent.acknowledged).toBeLessThan(seq);
    proxy.allow();
    await eventually(() => supervisor.isServing(), 'the database answers again');
    await endsOnce(supervisor, agent, id, seq);
  });

  it('notices when only the connections that were open are dead, and goes on over new ones', async () => {
    const { supervisor, agent, id } = await startRunning(bench, { url: proxy.url, ...QUICK });
    proxy.silence({ isAll: false });
    const seq = agent.tell(agent.exited(id, 0));
    await endsOnce(supervisor, agent, id, seq);
  });

  it('looks for a commit whose answer never came, and applies it exactly once (I1, I4)', async () => {
    const { supervisor, agent, id } = await startRunning(bench, { url: proxy.url, ...QUICK });
    const cut = proxy.cutNext('987654321', 'silently');
    const seq = agent.tell(agent.exited(id, 0, 1, { stdoutBytes: 987654321 }));
    await cut;
    await endsOnce(supervisor, agent, id, seq);
  });

  it('stops all the same', async () => {
    const { supervisor, agent, id } = await startRunning(bench, { url: proxy.url, ...QUICK });
    proxy.silence({ isAll: true });
    const seq = agent.tell(agent.exited(id, 0));
    await supervisor.stop();
    expect(agent.goodbye?.reason).toBe('shutdown');
    expect(agent.acknowledged).toBeLessThan(seq);
  });
});

describe('a statement of which the server has the first half', () => {
  it('is given up when the second one cannot reach it', async () => {
    const database = await bench.connect(proxy.url);
    const cut = proxy.cutNext('the first half', 'silently');
    const statement = database.sql`select ${1}::integer as "the first half"`;
    const failure = statement.then(() => 'no failure', classifyFailure);
    await cut;
    while (!(await database.loseSilent())) continue;
    expect(await failure).toBe('connection_lost');
  });
});

describe('a connection that listens for news and is dead', () => {
  it('is noticed and replaced, and the gap is told', async () => {
    const database = await connectDatabase({ url: proxy.url });
    bench.defer(() => database.close());
    const heard: string[] = [];
    const listening = await listen(database, {
      onNews: (payload) => heard.push(payload),
      onGap: () => heard.push('gap'),
      intervalMs: 500,
    });
    bench.defer(() => listening.stop());
    proxy.silence({ isAll: false });
    await notify(bench.sql, 'never heard');
    await eventually(() => heard.includes('gap'), 'it listens again');
    await notify(bench.sql, 'heard again');
    await eventually(() => heard.includes('heard again'), 'news are heard');
    expect(heard).not.toContain('never heard');
  });
});
