/**
 * A database that is there and carries out nothing for a while: its disk is full, it is the primary no more, somebody cancels.
 */
import { describe, expect, it } from 'vitest';
import { eventually } from '../../test/eventually.ts';
import type { ScriptedAgent } from './scripted-agent.ts';
import type { Supervisor } from './supervisor.ts';
import { caller, kindOf, pathsOf, startRunning, useBench, verified } from './testing/test-bench.ts';

const bench = useBench();

/** Has every change of a task and every piece of output refused, until the returned function is called. */
async function refuseWith(
  code: string,
): Promise<{ refusals(): Promise<number>; end(): Promise<void> }> {
  const { sql } = bench;
  await sql`create sequence refusals`;
  await sql.unsafe(`
    create function refuse() returns trigger language plpgsql as $$
    begin
      perform nextval('refusals');
      raise exception 'refused' using errcode = '${code}';
    end $$`);
  await sql`create trigger refuse before update on tasks for each row execute function refuse()`;
  await sql`create trigger refuse before insert on output_streams for each row execute function refuse()`;
  return {
    async refusals() {
      const [row] = await sql`select last_value * is_called::integer as count from refusals`;
      return Number(row?.['count']);
    },
    end: async () => void (await sql`drop function refuse() cascade`),
  };
}

/** Output and an exit behind it; returns the number of the last message. */
function tellEnd(agent: ScriptedAgent, id: string): number {
  const content = new TextEncoder().encode('out');
  const piece = { taskId: id, attempt: 1, stream: 'stdout', offset: 0, content, at: 1 } as const;
  return agent.tell({ kind: 'output', piece }, agent.exited(id, 0, 1, { stdoutBytes: 3 }));
}

async function endsOnce(supervisor: Supervisor, agent: ScriptedAgent, id: string, seq: number) {
  await eventually(() => agent.acknowledged === seq, 'everything is acknowledged');
  expect(agent.goodbye).toBeNull();
  expect((await pathsOf(supervisor, id)).filter((path) => path === 'completed')).toHaveLength(1);
  await verified(supervisor, id);
}

describe('a database that refuses to store anything', () => {
  it.each([
    ['53100', 'its disk is full'],
    ['53200', 'it has no memory'],
    ['53300', 'it has no connection'],
    ['25006', 'it is read-only'],
    ['57014', 'statements are cancelled'],
    ['57P01', 'it is shut down'],
    ['57P03', 'it is starting'],
    ['57P05', 'connections were idle for too long'],
    ['58030', 'its disk fails'],
  ])('is waited for: %s, %s (I1, I5)', async (code) => {
    const { supervisor, agent, id } = await startRunning(bench, { sweepIntervalMs: 60_000 });
    const refusing = await refuseWith(code);
    const seq = tellEnd(agent, id);
    await eventually(async () => (await refusing.refusals()) > 0, 'something has been refused');
    expect(await kindOf(supervisor.tasks.cancel(id, 'by hand', caller))).toBe('unavailable');
    expect(agent.acknowledged).toBeLessThan(seq);
    await refusing.end();
    await endsOnce(supervisor, agent, id, seq);
  });
});

describe('a database that is the primary no more', () => {
  it('is not used until it can be written to again', async () => {
    const { supervisor, agent, id } = await startRunning(bench, { sweepIntervalMs: 60_000 });
    const { sql } = bench;
    await sql.unsafe(
      `alter database "${sql.options.database}" set default_transaction_read_only = on`,
    );
    await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and application_name = 'muster'
        and query not like '%pg_terminate_backend%'`;
    const seq = tellEnd(agent, id);
    await eventually(() => !supervisor.isServing(), 'it is noticed');
    expect(await kindOf(supervisor.tasks.get(id))).toBe('unavailable');
    await sql.unsafe(
      `alter database "${sql.options.database}" reset default_transaction_read_only`,
    );
    await eventually(() => supervisor.isServing(), 'it is used again');
    await endsOnce(supervisor, agent, id, seq);
  });
});

describe('a statement that somebody cancels', () => {
  it.each(['insert_output', 'update tasks as t'])(
    'is sent again when an agent waits for it, and nobody else notices: %s',
    async (text) => {
      const { supervisor, agent, id } = await startRunning(bench, { sweepIntervalMs: 60_000 });
      const holder = await bench.sql.reserve();
      await holder`begin`;
      await holder`select 1 from tasks where id = ${id} for update`;
      const seq = text === 'insert_output' ? tellEnd(agent, id) : agent.tell(agent.exited(id, 0));
      let cancelled = 0;
      await eventually(async () => {
        const rows = await bench.sql`
          select pg_cancel_backend(pid) from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' and query like ${`%${text}%`}`;
        cancelled += rows.length;
        return cancelled > 1;
      }, 'it is cancelled twice');
      expect(supervisor.isServing()).toBe(true);
      await holder`commit`;
      holder.release();
      await endsOnce(supervisor, agent, id, seq);
    },
  );
});
