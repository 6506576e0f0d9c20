/**
 * How much memory an idle agent takes, and what an idle session costs the supervisor.
 *
 * Resident memory as the system counts it: of a real agent that is connected and has nothing to do, and of the supervisor before
 * and with a thousand sessions of simulated agents, each on a connection of its own, after a few heartbeats.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { BenchMuster } from './muster.ts';
import { readMemoryMiB, readTreeCpuSeconds } from './processes.ts';
import { median, Report } from './report.ts';
import { startSimulatedAgents } from './simulated-fleet.ts';

const SESSIONS = 1_000;
const SETTLE_MS = 8_000;
const SAMPLES = 5;
const SAMPLE_EVERY_MS = 1_000;

export async function run(): Promise<void> {
  const muster = await BenchMuster.start();
  try {
    const report = new Report('memory', muster.database.version);
    const agent = await muster.startAgent('real-1');
    await wait(SETTLE_MS);
    report.figure('idle agent', (await sample(agent.pid)).memoryMiB, 'MiB');
    const before = await sample(muster.supervisorPid);
    report.figure('supervisor with one session', before.memoryMiB, 'MiB');
    await startSimulatedAgents(muster, { agents: SESSIONS, slots: 4, workMs: 1 });
    await muster.online(SESSIONS + 1);
    await wait(SETTLE_MS);
    const after = await sample(muster.supervisorPid);
    report.figure(`supervisor with ${SESSIONS} more sessions`, after.memoryMiB, 'MiB');
    const perSessionKiB = ((after.memoryMiB - before.memoryMiB) / SESSIONS) * 1024;
    report.figure('each idle session', perSessionKiB, 'KiB');
    report.figure(`processor with ${SESSIONS} idle sessions`, after.cpuShare * 100, '% of a core');
  } finally {
    await muster.stop();
  }
}

/** The median of a few looks at a process, a second apart. */
async function sample(pid: number): Promise<{ memoryMiB: number; cpuShare: number }> {
  const cpuBefore = await readTreeCpuSeconds(pid);
  const startedAt = performance.now();
  const values: number[] = [];
  for (let taken = 0; taken < SAMPLES; taken += 1) {
    await wait(SAMPLE_EVERY_MS);
    values.push(await readMemoryMiB(pid));
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const cpuShare = ((await readTreeCpuSeconds(pid)) - cpuBefore) / seconds;
  return { memoryMiB: median(values), cpuShare };
}
