/**
 * What 5,000 idle sessions cost one supervisor over a minute, and how long a fan-out over 1,000 of their nodes takes.
 *
 * Supervisor, database and agents are processes of their own; the agents are simulated, each on a connection of its own, and tell
 * with each heartbeat how their host is.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { TaskState } from '../proto/gen/muster/v1/task_pb.ts';
import { BenchMuster } from './muster.ts';
import { readMemoryMiB, readTreeCpuSeconds } from './processes.ts';
import { median, Report } from './report.ts';
import { startSimulatedAgents } from './simulated-fleet.ts';

const SESSIONS = 5_000;
const SETTLE_MS = 15_000;
const SAMPLES = 12;
const SAMPLE_EVERY_MS = 5_000;
const NODES = 1_000;
const ROUNDS = 5;

export async function run(): Promise<void> {
  const muster = await BenchMuster.start();
  try {
    const report = new Report('sessions', muster.database.version);
    await startSimulatedAgents(muster, { agents: SESSIONS, slots: 4, workMs: 1 });
    await wait(SETTLE_MS);
    await measureIdle(muster, report);
    await measureFanOut(muster, report);
  } finally {
    await muster.stop();
  }
}

/** A minute, in which every session tells twelve heartbeats and one point of its host is stored. */
async function measureIdle(muster: BenchMuster, report: Report): Promise<void> {
  const { supervisorPid: pid, database } = muster;
  const before = [await readTreeCpuSeconds(pid), await readTreeCpuSeconds(database.pid)] as const;
  const startedAt = performance.now();
  const memory: number[] = [];
  for (let taken = 0; taken < SAMPLES; taken += 1) {
    await wait(SAMPLE_EVERY_MS);
    memory.push(await readMemoryMiB(pid));
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const after = [await readTreeCpuSeconds(pid), await readTreeCpuSeconds(database.pid)] as const;
  const share = (index: 0 | 1) => ((after[index] - before[index]) / seconds) * 100;
  report.note(`${SESSIONS} idle sessions, ${Math.round(seconds)} s`);
  report.figure('memory of the supervisor', median(memory), 'MiB', 'at most 1,024');
  report.figure('processor of the supervisor', share(0), '% of a core', 'at most 15');
  report.figure('processor of PostgreSQL', share(1), '% of a core');
}

/** From the call that creates it until WaitTask says that it is final. */
async function measureFanOut({ tasks }: BenchMuster, report: Report): Promise<void> {
  const selection = { nodes: [`simulated-[1-${NODES}]`] };
  const spec = {
    target: { kind: { case: 'selection', value: selection } },
    action: { case: 'script', value: { program: { case: 'body', value: 'true' } } },
  } as const;
  const seconds: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedAt = performance.now();
    const { task } = await tasks.createTask({ spec });
    const id = task?.id ?? '';
    const ended = await tasks.waitTask({ id, timeout: { seconds: 60n } });
    if (ended.task?.state !== TaskState.COMPLETED) throw new Error('the fan-out has not completed');
    seconds.push((performance.now() - startedAt) / 1000);
  }
  report.note(
    `fan-out over ${NODES} nodes, ${ROUNDS} rounds: ${seconds.map((s) => s.toFixed(2)).join(', ')} s`,
  );
  report.figure('created until finished', median(seconds), 's', 'at most 2');
}
