/**
 * Postgres goes away under a working supervisor and comes back: stopped in order, or killed.
 *
 * A server of its own that keeps what it has acknowledged, on the same port in all its lives.
 */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '../../db/migrate.ts';
import { startPostgresServer } from '../../db/server/server.ts';
import type { PostgresServer } from '../../db/server/server.ts';
import { eventually } from '../../test/eventually.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import type { Supervisor } from './supervisor.ts';
import {
  caller,
  create,
  draft,
  kindOf,
  pathsOf,
  reaches,
  useBench,
  verified,
} from './testing/test-bench.ts';
import { WorkingAgent } from './testing/working-agent.ts';

const bench = useBench();
let server: PostgresServer;

function startServer(folder: string): Promise<PostgresServer> {
  // Processes die here, never the machine: what has been written is there.
  return startPostgresServer({ folder, settings: { fsync: 'off', full_page_writes: 'off' } });
}

beforeEach(async () => {
  server = await startServer(join(tmpdir(), `muster-restart-${randomBytes(4).toString('hex')}`));
  const database = await bench.connect(server.url);
  await migrate(database.sql);
  await database.close();
  bench.defer(async () => {
    await server.stop('immediate');
    await rm(server.home, { recursive: true, force: true });
    await rm(server.folder, { recursive: true, force: true });
  });
});

async function kill(): Promise<void> {
  process.kill(server.pid, 'SIGKILL');
  await server.exited;
}

describe('a Postgres that is restarted', () => {
  it('loses nothing that was acknowledged, and work goes on by itself (I1, I2, I3)', async () => {
    const supervisor = await bench.start({ url: server.url });
    const agents = ['web-1', 'web-2'].map((nodeId) => new WorkingAgent(nodeId, 4));
    for (const agent of agents) await agent.connect(supervisor);
    const drafts = Array.from({ length: 900 }, (_, index) =>
      draft(index % 2 === 0 ? null : 'web-1'),
    );
    const records = await supervisor.tasks.create(drafts, caller, '');
    const countDone = () => agents.reduce((sum, agent) => sum + agent.done.length, 0);
    for (const [end, done] of [
      [() => server.stop('fast'), 100],
      [kill, 400],
    ] as const) {
      await eventually(() => countDone() >= done, `${done} tasks are done`);
      await end();
      server = await startServer(server.folder);
    }
    await eventually(async () => {
      const statistics = await supervisor.tasks.statistics(null, null);
      return statistics.byState.every(({ state }) => state === 'completed');
    }, 'all tasks are completed');
    for (const agent of agents) expect(agent.goodbye).toBeNull();
    const done = agents.flatMap((agent) => agent.done);
    expect(done).toHaveLength(900);
    for (const { id } of records.filter((_, index) => index % 30 === 0)) {
      await verified(supervisor, id);
      const { transitions, lateReports } = await supervisor.tasks.history(id, 0, 10);
      expect(lateReports).toEqual([]);
      expect(transitions.filter((step) => step.event.type === 'attempt.dispatched')).toHaveLength(
        1,
      );
    }
  });

  it('was away for longer than a node may be silent, and no task says unreachable for it', async () => {
    const deadAfterMs = 900;
    // The sweep comes before the beat that writes the signs of life.
    const supervisor = await bench.start({
      url: server.url,
      deadAfterMs,
      heartbeatIntervalMs: 300,
      sweepIntervalMs: 20,
    });
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor);
    const [id = '', other = ''] = await create(supervisor, draft('web-1'), draft('web-1'));
    await eventually(
      () => new Set(agent.starts().map((start) => start.taskId)).size === 2,
      'both are started',
    );
    const started = agent.tell(agent.started(id), agent.started(other));
    await eventually(() => agent.acknowledged === started, 'it runs');
    await server.stop('fast');
    const awaySince = performance.now();
    const seq = agent.tell(agent.exited(id, 0));
    await eventually(() => !supervisor.isServing(), 'the loss is noticed');
    expect(await kindOf(supervisor.tasks.get(id))).toBe('unavailable');
    await eventually(() => performance.now() - awaySince > deadAfterMs * 2, 'it has been away');
    expect(agent.acknowledged).toBe(started);
    server = await startServer(server.folder);
    await eventually(() => agent.acknowledged === seq, 'the exit is acknowledged');
    await reaches(supervisor, id, 'completed');
    expect(await pathsAfterAll(supervisor, id)).not.toContain('running.unreachable');
    expect(agent.goodbye).toBeNull();
    // Sweeps, news and timers go on as before, and the other task is where it was.
    const [next = ''] = await create(
      supervisor,
      draft('web-1', {}, { startAt: Date.now() + deadAfterMs }),
    );
    await reaches(supervisor, next, 'running.dispatched');
    agent.tell(agent.exited(next, 0), agent.exited(other, 0));
    for (const task of [next, other]) await reaches(supervisor, task, 'completed');
    expect(await pathsAfterAll(supervisor, other)).not.toContain('running.unreachable');
  });
});

/** A connection of before the restart may break only now, and the call that has it is told to come again. */
async function pathsAfterAll(supervisor: Supervisor, id: string): Promise<string[]> {
  let paths: string[] = [];
  await eventually(async () => {
    paths = await pathsOf(supervisor, id);
    return true;
  }, 'its history is read');
  return paths;
}
