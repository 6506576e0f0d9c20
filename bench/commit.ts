/**
 * How many transitions per second the committer makes durable: Host and Store as in the supervisor, on a real PostgreSQL.
 *
 * 256 actors are in flight at any time; each takes a queued task through dispatched, executing and completed. The tasks are
 * created before the clock starts. Nothing acts on the commits: scheduler, sessions and the wire are in control-plane.ts.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { TaskRecord } from '../db/records.ts';
import { DEFAULT_TASK_POLICY } from '../machines/task-context.ts';
import type { TaskEventBody } from '../machines/task-events.ts';
import { classifyFailure } from '../db/failures.ts';
import { systemClock } from '../src/process/clock.ts';
import { silentLogger } from '../src/process/log.ts';
import { Availability } from '../src/supervisor/availability.ts';
import { createTasks } from '../src/supervisor/creation.ts';
import { Host } from '../src/supervisor/host.ts';
import { createIdSource } from '../src/supervisor/ids.ts';
import { SpecCache } from '../src/supervisor/spec-cache.ts';
import { createStore } from '../src/supervisor/store.ts';
import type { TaskDraft } from '../src/supervisor/supervisor.ts';
import { type BenchDatabase, readWalBytes, startDatabase } from './database.ts';
import { readTreeCpuSeconds } from './processes.ts';
import { median, Report } from './report.ts';

const ACTORS = 256;
const TASKS = 10_000;
const ROUNDS = 7;
const CREATE_BATCH = 500;
const NODES = 8;

const EVENTS: readonly ((nodeId: string) => TaskEventBody)[] = [
  (nodeId) => ({ type: 'attempt.dispatched', nodeId, epoch: 1, bootId: 'boot-1' }),
  () => ({ type: 'attempt.started', attempt: 1, epoch: 1, acceptedAt: 1, startedAt: 2 }),
  () => ({
    type: 'attempt.exited',
    attempt: 1,
    epoch: 1,
    exitCode: 0,
    signal: null,
    stopCause: null,
    spawnError: null,
    acceptedAt: 1,
    startedAt: 2,
    exitedAt: 3,
    stdoutBytes: 0,
    stderrBytes: 0,
    droppedBytes: 0,
  }),
];

export async function run(): Promise<void> {
  const server = await startDatabase();
  try {
    const report = new Report('commit', server.version);
    const bench = startHost(server.database);
    const rounds: Round[] = [];
    // The first round is the warm-up.
    for (let round = 0; round <= ROUNDS; round += 1) {
      const records = await bench.create(TASKS);
      const before = await readUse(server);
      const startedAt = performance.now();
      await applyAll(bench.host, records);
      const seconds = (performance.now() - startedAt) / 1000;
      const after = await readUse(server);
      const each = (name: keyof Use) => (after[name] - before[name]) / (TASKS * EVENTS.length);
      const cost = {
        hostUs: each('hostUs'),
        databaseUs: each('databaseUs'),
        walBytes: each('walBytes'),
      };
      if (round > 0) rounds.push({ rate: (TASKS * EVENTS.length) / seconds, ...cost });
    }
    const middle = (name: keyof Round) => median(rounds.map((round) => round[name]));
    const rates = rounds.map(({ rate }) => Math.round(rate));
    report.note(`${ROUNDS} rounds of ${TASKS} tasks: ${rates.join(', ')} per second`);
    report.figure('transitions committed', middle('rate'), 'per second', 'at least 20,000');
    report.figure('processor time of the host', middle('hostUs'), 'µs per transition');
    report.figure('processor time of PostgreSQL', middle('databaseUs'), 'µs per transition');
    report.figure('write-ahead log', middle('walBytes'), 'bytes per transition');
  } finally {
    await server.stop();
  }
}

interface Use {
  readonly hostUs: number;
  readonly databaseUs: number;
  readonly walBytes: number;
}

interface Round extends Use {
  readonly rate: number;
}

/** What has been used so far. */
async function readUse(server: BenchDatabase): Promise<Use> {
  const { user, system } = process.cpuUsage();
  return {
    hostUs: user + system,
    databaseUs: (await readTreeCpuSeconds(server.pid)) * 1_000_000,
    walBytes: await readWalBytes(server.database),
  };
}

function startHost(database: Parameters<typeof createStore>[0]): {
  host: Host;
  create(count: number): Promise<TaskRecord[]>;
} {
  const supervisorId = randomUUID();
  const availability = new Availability(() => database.sql`select 1`, systemClock, silentLogger);
  const store = createStore(database, availability, supervisorId);
  const stamper = { now: () => Date.now(), random: Math.random };
  const onCommitted = () => {};
  const log = silentLogger;
  const host = new Host({ store, availability, stamper, supervisorId, onCommitted, log });
  const specs = new SpecCache(store, classifyFailure);
  const ids = createIdSource((count) => randomBytes(count));
  const creator = { store, specs, stamper, ids, supervisorId, onCommitted };
  return {
    host,
    async create(count) {
      const records: TaskRecord[] = [];
      while (records.length < count) {
        const drafts = Array.from({ length: CREATE_BATCH }, () => draft());
        records.push(...(await createTasks(creator, drafts, { name: 'bench' }, '')));
      }
      return records;
    },
  };
}

function draft(): TaskDraft {
  return {
    name: 'true',
    type: 'script',
    labels: {},
    target: { kind: 'any' },
    policy: DEFAULT_TASK_POLICY,
    held: false,
    startAt: null,
    spec: { script: { body: 'true' } },
  };
}

/** Takes every task through its life, 256 of them at any time. */
async function applyAll(host: Host, records: readonly TaskRecord[]): Promise<void> {
  let next = 0;
  const takeTurns = async () => {
    for (;;) {
      const place = next;
      const record = records[place];
      if (record === undefined) return;
      next += 1;
      host.prime(record);
      for (const event of EVENTS) await host.apply(record.id, event(`node-${place % NODES}`), true);
    }
  };
  await Promise.all(Array.from({ length: ACTORS }, takeTurns));
}
