/**
 * How many tasks per second the control plane takes from CreateTasks to completed, and how that compares with graphile-worker.
 *
 * A real supervisor process, and agents that do nothing but speak the protocol; each task has its creation and three more
 * committed transitions, with their history. The clock runs from the first call to the last committed end. Then
 * graphile-worker as it comes, on the same PostgreSQL, by the same clock.
 */
import { measureGraphileWorker } from './graphile-worker.ts';
import { BenchMuster } from './muster.ts';
import { readTreeCpuSeconds } from './processes.ts';
import { median, Report } from './report.ts';
import { startSimulatedAgents } from './simulated-fleet.ts';
import { scriptSpec } from './specs.ts';

const FLEET = { agents: 4, slots: 128, workMs: 1 };
const BATCH = 500;
/** Calls of CreateTasks under way at once. */
const CALLS = 3;
const TASKS = 6_000;
const ROUNDS = 3;
const JOBS = 5_000;
/** As many as its pool has connections by default. */
const CONCURRENT_JOBS = 10;

export async function run(): Promise<void> {
  const muster = await BenchMuster.start();
  try {
    const report = new Report('control-plane', muster.database.version);
    const agents = await startSimulatedAgents(muster, FLEET);
    const rates: number[] = [];
    const supervisorUs: number[] = [];
    const databaseUs: number[] = [];
    // The first round is the warm-up.
    for (let round = 0; round <= ROUNDS; round += 1) {
      const before = await readUse(muster);
      const startedAt = performance.now();
      await Promise.all([createTasks(muster, TASKS), agents.reached((round + 1) * TASKS)]);
      const seconds = (performance.now() - startedAt) / 1000;
      const after = await readUse(muster);
      if (round === 0) continue;
      rates.push(TASKS / seconds);
      supervisorUs.push((after.supervisorUs - before.supervisorUs) / TASKS);
      databaseUs.push((after.databaseUs - before.databaseUs) / TASKS);
    }
    await checkAllCompleted(muster, (ROUNDS + 1) * TASKS);
    const rate = median(rates);
    report.note(
      `${ROUNDS} rounds of ${TASKS} tasks: ${rates.map(Math.round).join(', ')} per second`,
    );
    report.figure('tasks from created to completed', rate, 'per second', 'at least 3,000');
    report.figure('processor time of the supervisor', median(supervisorUs), 'µs per task');
    report.figure('processor time of PostgreSQL', median(databaseUs), 'µs per task');
    await agents.end();
    await compare(muster, report, rate);
  } finally {
    await muster.stop();
  }
}

async function compare(muster: BenchMuster, report: Report, rate: number): Promise<void> {
  const { url } = muster.database;
  const asItComes = await measureGraphileWorker(url, JOBS, BATCH, null);
  report.figure('graphile-worker, as it comes', asItComes, 'per second');
  report.figure('Muster to graphile-worker as it comes', rate / asItComes, 'times');
  const busy = await measureGraphileWorker(url, JOBS, BATCH, CONCURRENT_JOBS);
  report.figure(`graphile-worker, ${CONCURRENT_JOBS} concurrent jobs`, busy, 'per second');
  report.figure(`Muster to ${CONCURRENT_JOBS} concurrent jobs`, rate / busy, 'times');
}

async function createTasks({ tasks }: BenchMuster, count: number): Promise<void> {
  const specs = Array.from({ length: BATCH }, () => scriptSpec('true'));
  let left = count / BATCH;
  const call = async () => {
    while (left > 0) {
      left -= 1;
      await tasks.createTasks({ specs });
    }
  };
  await Promise.all(Array.from({ length: CALLS }, call));
}

async function readUse(muster: BenchMuster): Promise<{ supervisorUs: number; databaseUs: number }> {
  return {
    supervisorUs: (await readTreeCpuSeconds(muster.supervisorPid)) * 1_000_000,
    databaseUs: (await readTreeCpuSeconds(muster.database.pid)) * 1_000_000,
  };
}

/** A figure counts only if every task went the whole way. */
async function checkAllCompleted({ database }: BenchMuster, count: number): Promise<void> {
  const [row] = await database.database.sql<{ tasks: number; steps: number }[]>`
    select
      (select count(*) from tasks where state = 'completed')::integer as tasks,
      (select count(*) from transitions)::integer as steps`;
  if (row?.tasks !== count || row.steps !== count * 4) {
    throw new Error(
      `${row?.tasks} of ${count} tasks are completed, with ${row?.steps} transitions`,
    );
  }
}
