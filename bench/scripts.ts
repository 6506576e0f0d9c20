/**
 * How many processes per second one real agent runs for tasks, end to end, beside `xargs -P 8` on the same machine.
 *
 * Each task is `sh -c true`, without a shell around it: journal, process group, output files, report, three commits. The clock
 * runs from the first CreateTasks to the last task that is completed in the database.
 */
import { spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { BenchMuster } from './muster.ts';
import { readTreeCpuSeconds } from './processes.ts';
import { median, Report } from './report.ts';
import { argvSpec } from './specs.ts';

const SLOTS = 8;
const BATCH = 500;
const WARM_UP_TASKS = 500;
const TASKS = 1_000;
const ROUNDS = 3;
const POLL_MS = 20;

export async function run(): Promise<void> {
  const muster = await BenchMuster.start();
  try {
    const report = new Report('scripts', muster.database.version);
    const agent = await muster.startAgent('real-1', '--slots', String(SLOTS));
    let done = WARM_UP_TASKS;
    await runTasks(muster, WARM_UP_TASKS, done);
    const rates: number[] = [];
    const floors: number[] = [];
    const agentMs: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      done += TASKS;
      const cpuBefore = await readTreeCpuSeconds(agent.pid);
      rates.push(TASKS / (await runTasks(muster, TASKS, done)));
      agentMs.push((((await readTreeCpuSeconds(agent.pid)) - cpuBefore) * 1000) / TASKS);
      floors.push(TASKS / (await runXargs(TASKS)));
    }
    report.note(`${ROUNDS} rounds of ${TASKS} tasks, ${SLOTS} at once`);
    report.figure('tasks through one agent', median(rates), 'per second');
    report.figure(`xargs -P ${SLOTS}`, median(floors), 'per second');
    report.figure('xargs to Muster', median(floors) / median(rates), 'times');
    report.figure('processor time of agent and scripts', median(agentMs), 'ms per task');
  } finally {
    await muster.stop();
  }
}

/** Returns the seconds until `total` tasks are completed. */
async function runTasks(
  { tasks, database }: BenchMuster,
  count: number,
  total: number,
): Promise<number> {
  const { sql } = database.database;
  const startedAt = performance.now();
  const specs = Array.from({ length: BATCH }, () => argvSpec('sh', '-c', 'true'));
  for (let created = 0; created < count; created += BATCH) await tasks.createTasks({ specs });
  for (;;) {
    const [row] = await sql<{ done: number; other: number }[]>`
      select count(*) filter (where state = 'completed')::integer as done,
             count(*) filter (where state not in ('completed', 'pending', 'running'))::integer as other
      from tasks`;
    if (row === undefined || row.other > 0)
      throw new Error(`${row?.other} tasks have not completed`);
    if (row.done === total) return (performance.now() - startedAt) / 1000;
    await wait(POLL_MS);
  }
}

/** Returns the seconds that xargs takes for as many processes. */
async function runXargs(count: number): Promise<number> {
  const startedAt = performance.now();
  const child = spawn('sh', ['-c', `seq ${count} | xargs -P ${SLOTS} -n 1 sh -c true`]);
  const code = await new Promise((resolve, reject) => {
    child.once('exit', resolve);
    child.once('error', reject);
  });
  if (code !== 0) throw new Error(`xargs ended with code ${String(code)}`);
  return (performance.now() - startedAt) / 1000;
}
