/**
 * How a fan-out over thousands of nodes goes: created, rolled out and counted by a supervisor in this process, on a real PostgreSQL, with
 * agents that finish what they are sent at once. No wire and no processes: what is measured is the fan-out itself.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { DEFAULT_TASK_POLICY } from '../machines/task-context.ts';
import { systemClock } from '../src/process/clock.ts';
import { silentLogger } from '../src/process/log.ts';
import { startSupervisor } from '../src/supervisor/start.ts';
import type { Supervisor } from '../src/supervisor/supervisor.ts';
import { WorkingAgent } from '../src/supervisor/testing/working-agent.ts';
import { startDatabase } from './database.ts';
import { Report } from './report.ts';

const NODES = 5_000;
/** Children at work at once, as a share. */
const PARALLEL_PERCENT = 10;
const CONNECTING = 100;

export async function run(): Promise<void> {
  const server = await startDatabase();
  const supervisor = await startSupervisor({
    database: server.database,
    clock: systemClock,
    random: Math.random,
    randomBytes: (count) => randomBytes(count),
    log: silentLogger,
    supervisorId: randomUUID(),
  });
  try {
    const report = new Report('fan-out', server.version);
    await connectAll(supervisor);
    const startedAt = performance.now();
    const id = await create(supervisor);
    const createdMs = performance.now() - startedAt;
    for (;;) {
      const record = await supervisor.tasks.wait(id, 60_000, new AbortController().signal);
      if (record.snapshot.path === 'completed') break;
      if (record.snapshot.path !== 'running.rolling') throw new Error(record.snapshot.path);
    }
    const seconds = (performance.now() - startedAt) / 1000;
    const { transitions } = await supervisor.tasks.verify(id);
    report.note(`${NODES} nodes, ${PARALLEL_PERCENT} % at once`);
    report.figure('created with all its children', createdMs, 'ms');
    report.figure('until all have completed', seconds, 's');
    report.figure('nodes', NODES / seconds, 'per second');
    report.figure('transitions of the fan-out itself', transitions, '');
  } finally {
    await supervisor.stop();
    await server.stop();
  }
}

async function connectAll(supervisor: Supervisor): Promise<void> {
  for (let from = 0; from < NODES; from += CONNECTING) {
    const agents = Array.from(
      { length: CONNECTING },
      (_, index) => new WorkingAgent(`node-${String(from + index).padStart(5, '0')}`, 4),
    );
    await Promise.all(agents.map((agent) => agent.connect(supervisor)));
  }
}

async function create(supervisor: Supervisor): Promise<string> {
  const selection = { nodes: [], selector: '', groups: [], all: true, exclude: [] };
  const maxParallel = { kind: 'percent', value: PARALLEL_PERCENT } as const;
  const draft = {
    name: 'true',
    type: 'script',
    labels: {},
    target: { kind: 'any' },
    policy: DEFAULT_TASK_POLICY,
    held: false,
    startAt: null,
    spec: { script: { body: 'true' } },
    fanOut: { selection, maxParallel, maxFailures: null, deadlineMs: null, order: 'given' },
  } as const;
  const [record] = await supervisor.tasks.create([draft], { name: 'bench' }, '');
  return record?.id ?? '';
}
