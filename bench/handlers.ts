/**
 * How many calls of a handler per second one real agent carries out, end to end.
 *
 * The handler returns its input, so each task has an input and a result: journal, a thread of the agent, report, result and
 * transitions in the database. The clock runs from the first CreateTasks to the last task that is completed there.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BenchMuster } from './muster.ts';
import { readTreeCpuSeconds } from './processes.ts';
import { median, Report } from './report.ts';
import { handlerSpec } from './specs.ts';

const HANDLERS = fileURLToPath(new URL('./handlers-module.ts', import.meta.url));
const SLOTS = 128;
const BATCH = 500;
const WARM_UP_TASKS = 3_000;
const TASKS = 5_000;
const ROUNDS = 5;
const POLL_MS = 20;

export async function run(): Promise<void> {
  const muster = await BenchMuster.start();
  try {
    const report = new Report('handlers', muster.database.version);
    const flags = ['--slots', String(SLOTS), '--handlers', HANDLERS];
    const agent = await muster.startAgent('real-1', ...flags);
    report.note(`${ROUNDS} rounds of ${TASKS} tasks, ${SLOTS} at once`);
    let done = 0;
    for (const [handler, what] of [
      ['echo', 'calls with a result through one agent'],
      ['nothing', 'calls without a result'],
    ] as const) {
      done += WARM_UP_TASKS;
      await runTasks(muster, handler, WARM_UP_TASKS, done);
      const rounds: Round[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        done += TASKS;
        const before = await readCpuUs(muster, agent.pid);
        const seconds = await runTasks(muster, handler, TASKS, done);
        const after = await readCpuUs(muster, agent.pid);
        const [agentUs = 0, supervisorUs = 0, databaseUs = 0] = after.map(
          (us, index) => (us - (before[index] ?? 0)) / TASKS,
        );
        rounds.push({ rate: TASKS / seconds, agentUs, supervisorUs, databaseUs });
      }
      const middle = (name: keyof Round) => median(rounds.map((round) => round[name]));
      report.figure(what, middle('rate'), 'per second');
      report.figure('… processor time of the agent', middle('agentUs'), 'µs per task');
      report.figure('… of the supervisor', middle('supervisorUs'), 'µs per task');
      report.figure('… of PostgreSQL', middle('databaseUs'), 'µs per task');
    }
  } finally {
    await muster.stop();
  }
}

interface Round {
  readonly rate: number;
  readonly agentUs: number;
  readonly supervisorUs: number;
  readonly databaseUs: number;
}

/** Processor time so far: of the agent with its threads, the supervisor, the database. */
async function readCpuUs(muster: BenchMuster, agentPid: number): Promise<number[]> {
  const pids = [agentPid, muster.supervisorPid, muster.database.pid];
  const seconds = await Promise.all(pids.map((pid) => readTreeCpuSeconds(pid)));
  return seconds.map((value) => value * 1_000_000);
}

/** Returns the seconds until `total` tasks are completed. */
async function runTasks(
  { tasks, database }: BenchMuster,
  handler: string,
  count: number,
  total: number,
): Promise<number> {
  const { sql } = database.database;
  const startedAt = performance.now();
  for (let created = 0; created < count; created += BATCH) {
    const specs = Array.from({ length: BATCH }, (_, index) => handlerSpec(handler, { index }));
    await tasks.createTasks({ specs });
  }
  for (;;) {
    const [row] = await sql<{ done: number; other: number }[]>`
      select count(*) filter (where state = 'completed')::integer as done,
             count(*) filter (where state not in ('completed', 'pending', 'running'))::integer as other
      from tasks`;
    if (row === undefined || row.other > 0) {
      throw new Error(`${row?.other} tasks have not completed`);
    }
    if (row.done === total) return (performance.now() - startedAt) / 1000;
    await wait(POLL_MS);
  }
}
