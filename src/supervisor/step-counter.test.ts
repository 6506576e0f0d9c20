// Steps are counted as they are committed: each once, of every machine, by all supervisors together.

import { expect, it } from 'vitest';
import { type MinuteCount, readStepCounts, type StepCount } from '../../db/step-counts.ts';
import { MusterError } from '../../machines/errors.ts';
import { eventually } from '../../test/eventually.ts';
import { SimulatedClock } from '../process/clock.ts';
import { silentLogger } from '../process/log.ts';
import { COUNTED_MACHINES } from './machines.ts';
import { StepCounter } from './step-counter.ts';
import type { ScheduleDraft, Supervisor } from './supervisor.ts';
import { caller, create, draft, reaches, useBench } from './testing/test-bench.ts';
import { WorkingAgent } from './testing/working-agent.ts';

const bench = useBench();

const HOUR = 3_600_000;

/** The histories, counted. */
async function committedSteps(): Promise<StepCount[]> {
  return await bench.sql<StepCount[]>`
    select machine, from_path as from, event, to_path as to, count(*)::integer as steps
    from (
      select case type when 'fan_out' then 'fan_out' else 'task' end as machine, from_path, event ->> 'type' as event, to_path
      from transitions join tasks on id = task_id
      union all
      select 'schedule', from_path, event ->> 'type', to_path from schedule_transitions
      union all
      select 'node', from_path, event ->> 'type', to_path from node_transitions
    ) as step
    group by machine, from_path, event, to_path
    order by machine, from_path, event, to_path`;
}

const schedule: ScheduleDraft = {
  name: 'nightly',
  timing: { kind: 'every', everyMs: HOUR },
  startAt: null,
  endAt: null,
  jitterMs: 0,
  overlap: 'allow',
  missed: 'latest',
  missedWindowMs: HOUR,
  task: draft('web-1'),
  spec: {},
};

/** Something of everything: tasks that end in different ways, a fan-out, a schedule, a drain. */
async function live(supervisor: Supervisor, agent: WorkingAgent): Promise<void> {
  const failing = draft('web-1', { maxAttempts: 2, retryInitialMs: 1 }, { held: true });
  const selection = { nodes: ['web-1'], selector: '', groups: [], all: false, exclude: [] };
  const fanOut = {
    selection,
    maxParallel: null,
    maxFailures: null,
    deadlineMs: null,
    order: 'given' as const,
  };
  const [id = '', bad = '', many = '', held = ''] = await create(
    supervisor,
    draft('web-1'),
    failing,
    draft(null, {}, { fanOut }),
    draft(null, {}, { held: true }),
  );
  agent.exitCodeOf = ({ taskId }) => (taskId === bad ? 1 : 0);
  await supervisor.tasks.execute(bad, caller);
  await supervisor.tasks.cancel(held, '', caller);
  for (const done of [id, many]) await reaches(supervisor, done, 'completed');
  await reaches(supervisor, bad, 'failed');
  await supervisor.schedules.create(schedule, caller);
  const { fire } = await supervisor.schedules.trigger('nightly', caller);
  await reaches(supervisor, fire.taskId ?? '', 'completed');
  await supervisor.schedules.pause('nightly', '', caller);
  const drain = { note: '', deadlineMs: null, onDeadline: 'stop' as const };
  await supervisor.nodes.drain('web-1', drain, caller);
  await eventually(
    async () => (await supervisor.nodes.get('web-1')).actor?.path === 'drained',
    'the node is drained',
  );
}

it('counts what is committed, all of it and nothing twice, at an orderly end at the latest', async () => {
  const supervisor = await bench.start();
  const agent = new WorkingAgent('web-1');
  await agent.connect(supervisor);
  await live(supervisor, agent);
  await supervisor.stop();
  const committed = await committedSteps();
  expect(new Set(committed.map(({ machine }) => machine))).toEqual(new Set(COUNTED_MACHINES));
  expect(await readStepCounts(bench.sql, COUNTED_MACHINES, HOUR)).toEqual(committed);
});

it('adds up what several supervisors have committed', async () => {
  const [one, other] = [await bench.start(), await bench.start()];
  for (const supervisor of [one, other, other]) {
    const [id = ''] = await create(supervisor, draft(null, {}, { held: true }));
    await supervisor.tasks.cancel(id, '', caller);
  }
  await one.stop();
  await other.stop();
  const counts = await readStepCounts(bench.sql, ['task'], HOUR);
  expect(counts.map(({ event, steps }) => [event, steps])).toEqual([
    ['task.created', 3],
    ['cancel.requested', 3],
  ]);
});

function counterOn(write: (rows: readonly MinuteCount[]) => Promise<void>) {
  const rows: MinuteCount[] = [];
  // Stands for the database: the statement is not looked at, only that there is one.
  const read = async () => {
    await write(rows);
    return undefined as never;
  };
  return new StepCounter({ store: { read }, clock: new SimulatedClock(), log: silentLogger });
}

const step = (at: number, toPath = 'b') => ({ fromPath: 'a', toPath, event: { type: 'GO' }, at });

it('writes a row for each minute and kind of step, and nothing where nothing happened', async () => {
  const counter = counterOn(async () => {});
  expect(await counter.writeOnce()).toBe(0);
  counter.count('task', [step(0), step(59_999), step(60_000), step(60_000, 'c')]);
  counter.count('node', [step(0)]);
  expect(await counter.writeOnce()).toBe(4);
  expect(await counter.writeOnce()).toBe(0);
});

it('does not write again what may be stored', async () => {
  let isAway = true;
  const counter = counterOn(async () => {
    if (isAway) throw new MusterError('unavailable', 'the connection is lost');
  });
  counter.count('task', [step(0)]);
  await expect(counter.writeOnce()).rejects.toThrow('the connection is lost');
  isAway = false;
  expect(await counter.writeOnce()).toBe(0);
});
