/**
 * How long it takes until thousands of schedules that are due at the same moment have all fired: one supervisor in this process, on a
 * real PostgreSQL. No agent: what is measured ends when the tasks are there.
 *
 * The second figure is of schedules with overlap `queue` whose former tasks are not over: none fires, and one that is due beside
 * them must not wait for them.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { DEFAULT_TASK_POLICY } from '../machines/task-context.ts';
import { systemClock } from '../src/process/clock.ts';
import { silentLogger } from '../src/process/log.ts';
import { startSupervisor } from '../src/supervisor/start.ts';
import type { ScheduleDraft, Supervisor } from '../src/supervisor/supervisor.ts';
import { eventually } from '../test/eventually.ts';
import { type BenchDatabase, startDatabase } from './database.ts';
import { Report } from './report.ts';

const SCHEDULES = 10_000;
const CREATING = 50;
/** Creating them takes less. */
const LEAD_MS = 30_000;
const HOUR_MS = 3_600_000;
const PATIENCE_MS = 120_000;

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
    const report = new Report('schedules', server.version);
    const dueAt = Date.now() + LEAD_MS;
    const begunAt = performance.now();
    await createAll(supervisor, dueAt);
    const creatingMs = performance.now() - begunAt;
    report.figure('created', (SCHEDULES / creatingMs) * 1000, 'per second');
    if (Date.now() > dueAt) throw new Error('creating them took longer than until they are due');
    await firedBy(server, SCHEDULES);
    const [seen] = await server.database.sql<[Counts]>`
      select count(*)::integer as fires, count(distinct schedule_id)::integer as schedules,
        count(distinct task_id)::integer as tasks,
        (extract(epoch from max(at)) * 1000)::double precision as last_ms,
        (select count(*)::integer from tasks) as stored
      from schedule_fires`;
    const { fires, schedules, tasks, stored } = seen;
    if (new Set([fires, schedules, tasks, stored, SCHEDULES]).size > 1) {
      throw new Error(`lost or doubled: ${JSON.stringify(seen)}`);
    }
    report.note(`${SCHEDULES} schedules due at the same moment; none is lost or doubled`);
    report.figure('until all have fired', (seen.last_ms - dueAt) / 1000, 's');
    report.figure('fires', SCHEDULES / ((seen.last_ms - dueAt) / 1000), 'per second');
    await oneBesideWaiting(supervisor, server, report);
  } finally {
    await supervisor.stop();
    await server.stop();
  }
}

interface Counts {
  readonly fires: number;
  readonly schedules: number;
  readonly tasks: number;
  readonly stored: number;
  readonly last_ms: number;
}

async function createAll(supervisor: Supervisor, dueAt: number): Promise<void> {
  const numbers = Array.from({ length: SCHEDULES }, (_, index) => index);
  const create = async () => {
    for (let number = numbers.pop(); number !== undefined; number = numbers.pop()) {
      await supervisor.schedules.create(draftOf(`schedule-${number}`, dueAt), { name: 'bench' });
    }
  };
  await Promise.all(Array.from({ length: CREATING }, create));
}

/** All wait for the tasks of their former fires; another one becomes due. */
async function oneBesideWaiting(
  supervisor: Supervisor,
  { database }: BenchDatabase,
  report: Report,
): Promise<void> {
  await database.sql`
    update schedules
    set context = (context::jsonb || jsonb_build_object('nextAt', (context ->> 'nextAt')::bigint - ${HOUR_MS}))::json,
        wake_at = wake_at - interval '1 hour'`;
  const dueAt = Date.now() + 5_000;
  await supervisor.schedules.create(draftOf('one-more', dueAt), { name: 'bench' });
  await eventually(
    async () => (await supervisor.schedules.fires('one-more', 1, null)).length === 1,
    'it has fired',
    PATIENCE_MS,
  );
  const [fire] = await supervisor.schedules.fires('one-more', 1, null);
  report.figure(`late beside ${SCHEDULES} that wait`, (fire?.at ?? 0) - dueAt, 'ms');
}

async function firedBy({ database }: BenchDatabase, count: number): Promise<void> {
  const fired = async () => {
    const [row] = await database.sql<[{ fires: number }]>`
      select count(*)::integer as fires from schedule_fires`;
    return row.fires >= count;
  };
  await eventually(fired, `${count} have fired`, PATIENCE_MS);
}

function draftOf(name: string, dueAt: number): ScheduleDraft {
  return {
    name,
    timing: { kind: 'every', everyMs: HOUR_MS },
    startAt: dueAt - HOUR_MS,
    endAt: null,
    jitterMs: 0,
    overlap: 'queue',
    missed: 'all',
    missedWindowMs: 30 * 24 * HOUR_MS,
    task: {
      name,
      type: 'script',
      labels: {},
      target: { kind: 'any' },
      policy: DEFAULT_TASK_POLICY,
      held: false,
      startAt: null,
      spec: { script: { body: 'true' } },
    },
    spec: {},
  };
}
