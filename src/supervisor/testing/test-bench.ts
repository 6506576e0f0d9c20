/**
 * What the tests of the supervisor share: a database of their own, supervisors on it, wishes, and conditions to wait for.
 *
 * Intervals are short, so that what happens every few seconds in life happens at once. Everything is stopped and dropped after
 * each test.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, beforeEach } from 'vitest';
import { connectDatabase } from '../../../db/connect.ts';
import type { Database } from '../../../db/connect.ts';
import type { TransitionRecord } from '../../../db/records.ts';
import { DEFAULT_TASK_POLICY } from '../../../machines/task-context.ts';
import { createTestDatabase } from '../../../test/database.ts';
import type { TestDatabase } from '../../../test/database.ts';
import { eventually } from '../../../test/eventually.ts';
import { systemClock } from '../../process/clock.ts';
import { createLogger, silentLogger } from '../../process/log.ts';
import type { Logger } from '../../process/log.ts';
import { ScriptedAgent } from '../scripted-agent.ts';
import { startSupervisor } from '../start.ts';
import type { SupervisorOptions } from '../start.ts';
import type { Supervisor, TaskDraft } from '../supervisor.ts';

export const caller = { name: 'test' };

export type StartOptions = Partial<
  Pick<
    SupervisorOptions,
    | 'metricsIntervalMs'
    | 'deadAfterMs'
    | 'heartbeatIntervalMs'
    | 'sweepIntervalMs'
    | 'silenceIntervalMs'
    | 'listenIntervalMs'
  >
> & {
  readonly log?: Logger;
  /** Another way to the database than the straight one. */
  readonly url?: string;
  /** How long the database may take to answer when it is asked because of a silence. Default 10 s. */
  readonly answerTimeoutMs?: number;
};

export class TestBench {
  #testDatabase: TestDatabase | null = null;
  #open: { supervisor: Supervisor | null; database: Database }[] = [];
  #observer: Database | null = null;
  #afterwards: (() => Promise<void>)[] = [];

  get url(): string {
    return (this.#testDatabase as TestDatabase).url;
  }

  /** A connection of the test's own, which sees what is committed and nothing else. */
  get sql(): Database['sql'] {
    return (this.#observer as Database).sql;
  }

  /** To be done after the test, once the supervisors are stopped. */
  defer(work: () => Promise<void>): void {
    this.#afterwards.push(work);
  }

  async open(): Promise<void> {
    this.#testDatabase = await createTestDatabase();
    this.#observer = await connectDatabase({ url: this.url, maxConnections: 2 });
  }

  async close(): Promise<void> {
    for (const { supervisor, database } of this.#open) {
      await supervisor?.stop();
      // Not database.close(): it is patient with statements that never end on a connection that a test has cut.
      await database.sql.end({ timeout: 0 });
    }
    this.#open = [];
    for (const work of this.#afterwards.splice(0)) await work();
    await this.#observer?.close();
    await this.#testDatabase?.drop();
  }

  /** A database as a supervisor has it, closed after the test. */
  async connect(url = this.url): Promise<Database> {
    const database = await connectDatabase({ url });
    this.#open.push({ supervisor: null, database });
    return database;
  }

  async start(options: StartOptions = {}): Promise<Supervisor> {
    const { url = this.url, answerTimeoutMs = 10_000, ...intervals } = options;
    const database = await connectDatabase({ url, answerTimeoutMs });
    const entry = { supervisor: null as Supervisor | null, database };
    this.#open.push(entry);
    entry.supervisor = await startSupervisor({
      database,
      clock: systemClock,
      random: Math.random,
      randomBytes: (count) => randomBytes(count),
      log: process.env['MUSTER_TEST_LOG'] ? createLogger('test', 'debug') : silentLogger,
      supervisorId: randomUUID(),
      heartbeatIntervalMs: 100,
      deadAfterMs: 15_000,
      sweepIntervalMs: 100,
      followIntervalMs: 20,
      ...intervals,
    });
    return entry.supervisor;
  }
}

/** A bench that is opened before each test of the file and closed after it. */
export function useBench(): TestBench {
  const bench = new TestBench();
  beforeEach(() => bench.open());
  afterEach(() => bench.close());
  return bench;
}

/** A wish for a task: on a node, or on any (null). */
export function draft(
  nodeId: string | null,
  policy: Partial<TaskDraft['policy']> = {},
  more: Partial<TaskDraft> = {},
): TaskDraft {
  return {
    name: 'test',
    type: 'script',
    labels: {},
    target: nodeId === null ? { kind: 'any' } : { kind: 'node', nodeId },
    policy: { ...DEFAULT_TASK_POLICY, ...policy },
    held: false,
    startAt: null,
    spec: { script: { body: 'true' } },
    ...more,
  };
}

export async function create(supervisor: Supervisor, ...drafts: TaskDraft[]): Promise<string[]> {
  return (await supervisor.tasks.create(drafts, caller, '')).map((record) => record.id);
}

export async function pathOf(supervisor: Supervisor, id: string): Promise<string> {
  return (await supervisor.tasks.get(id)).record.snapshot.path;
}

export async function reaches(supervisor: Supervisor, id: string, path: string): Promise<void> {
  let last = '';
  await eventually(async () => {
    last = await pathOf(supervisor, id);
    return last === path;
  }, `task ${id} is ${path}`).catch((error: unknown) => {
    throw new Error(`${String(error)}; it is ${last}`);
  });
}

export async function stepsOf(
  supervisor: Supervisor,
  id: string,
): Promise<readonly TransitionRecord[]> {
  return (await supervisor.tasks.history(id, 0, 1_000)).transitions;
}

/** The paths that a task has gone through, first to last. */
export async function pathsOf(supervisor: Supervisor, id: string): Promise<string[]> {
  return (await stepsOf(supervisor, id)).map((step) => step.toPath);
}

/** Throws unless the versions are 1, 2, 3 … and the replay gives the snapshot (I4). */
export async function verified(supervisor: Supervisor, id: string): Promise<void> {
  const { differences } = await supervisor.tasks.verify(id);
  if (differences.length > 0) throw new Error(`task ${id}: ${differences.join('; ')}`);
}

/** Waits until the agent has been sent this many starts in all. */
export async function startsArrive(agent: ScriptedAgent, count: number): Promise<void> {
  await eventually(
    () => agent.starts().length >= count,
    `${agent.nodeId} is sent ${count} starts, of which ${agent.starts().length} came`,
  );
}

/** A supervisor with one agent, on which a script is running. */
export async function startRunning(
  bench: TestBench,
  options: StartOptions,
): Promise<{ supervisor: Supervisor; agent: ScriptedAgent; id: string }> {
  const supervisor = await bench.start(options);
  const agent = new ScriptedAgent('web-1');
  await agent.connect(supervisor);
  const [id = ''] = await create(supervisor, draft('web-1'));
  await startsArrive(agent, 1);
  agent.tell(agent.started(id));
  await reaches(supervisor, id, 'running.executing');
  return { supervisor, agent, id };
}

/** The kind of the MusterError that a promise rejects with. */
export async function kindOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return (error as { kind?: string }).kind ?? `not a MusterError: ${String(error)}`;
  }
}
