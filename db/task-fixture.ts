/**
 * Tasks for the tests of db/, made by the real task machine, so that what is stored is what a supervisor would store.
 */
import { randomBytes } from 'node:crypto';
import { createTask, decideTask, wakeAt } from '../machines/decide.ts';
import { DEFAULT_TASK_POLICY } from '../machines/task-context.ts';
import type { TaskInput } from '../machines/task-context.ts';
import type { TaskEventBody } from '../machines/task-events.ts';
import type { Sql } from './connect.ts';
import type { TaskCreation, TaskRecord, TaskUpdate } from './records.ts';
import { insertTasks, updateTasks } from './tasks.ts';

/** 2026-11-23T12:00:00Z: the tests' own time, whole hours. */
export const NOON = Date.UTC(2026, 10, 23, 12);

/** A UUIDv7 of this time. */
export function idAt(at: number): string {
  const time = Math.floor(at).toString(16).padStart(12, '0');
  const rest = randomBytes(10).toString('hex');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${rest.slice(0, 3)}-8${rest.slice(3, 6)}-${rest.slice(6, 18)}`;
}

export interface TaskWish {
  readonly at?: number;
  readonly id?: string;
  /** Null for any node. Default n1. */
  readonly nodeId?: string | null;
  readonly priority?: number;
  readonly maxAttempts?: number;
  readonly startAt?: number | null;
  readonly held?: boolean;
  readonly name?: string;
  readonly labels?: Record<string, string>;
  readonly creator?: string;
  readonly parentId?: string | null;
  readonly scheduleId?: string | null;
  readonly specId?: string;
  readonly spec?: unknown;
  readonly request?: TaskCreation['request'];
}

/** A creation of one task. */
export function creationOf(wish: TaskWish = {}): TaskCreation {
  const at = wish.at ?? NOON;
  const id = wish.id ?? idAt(at);
  const nodeId = wish.nodeId === undefined ? 'n1' : wish.nodeId;
  const input: TaskInput = {
    id,
    target: nodeId === null ? { kind: 'any' } : { kind: 'node', nodeId },
    policy: {
      ...DEFAULT_TASK_POLICY,
      priority: wish.priority ?? 50,
      maxAttempts: wish.maxAttempts ?? 1,
    },
    held: wish.held ?? false,
    startAt: wish.startAt ?? null,
    createdAt: at,
  };
  const { snapshot } = createTask(input);
  const record: TaskRecord = {
    id,
    version: 1,
    machineVersion: 1,
    snapshot,
    name: wish.name ?? 'test',
    type: 'script',
    labels: wish.labels ?? {},
    creator: wish.creator ?? 'admin',
    parentId: wish.parentId ?? null,
    scheduleId: wish.scheduleId ?? null,
    specId: wish.specId ?? id,
    createdAt: at,
    updatedAt: at,
  };
  return {
    request: wish.request ?? null,
    tasks: [
      {
        record,
        spec: wish.spec === undefined ? { script: { body: 'echo hello' } } : wish.spec,
        wakeAt: wakeAt(snapshot),
        transition: {
          taskId: id,
          version: 1,
          event: { type: 'task.created', at, input },
          fromPath: '',
          toPath: snapshot.path,
          at,
          attempt: 0,
          supervisorId: 'sup-1',
        },
      },
    ],
  };
}

/** The only task of a creation. */
export function recordOf(creation: TaskCreation): TaskRecord {
  const [task] = creation.tasks;
  if (task === undefined) throw new Error('a creation without a task');
  return task.record;
}

/** The update that takes a task through these events, one after the other, a second apart. */
export function updateOf(
  record: TaskRecord,
  ...bodies: readonly TaskEventBody[]
): TaskUpdate & { readonly after: TaskRecord } {
  let { snapshot, version, updatedAt: at } = record;
  const transitions: TaskUpdate['transitions'][number][] = [];
  const endedAttempts: TaskUpdate['endedAttempts'][number][] = [];
  for (const body of bodies) {
    at += 1_000;
    version += 1;
    const event = { ...body, at, random: 0.25 };
    const decision = decideTask(snapshot, event);
    if (decision.kind !== 'transition') throw new Error(`${body.type} in ${snapshot.path}`);
    const { context, path } = decision.snapshot;
    transitions.push({
      taskId: record.id,
      version,
      event,
      fromPath: snapshot.path,
      toPath: path,
      at,
      attempt: context.attempt,
      supervisorId: 'sup-1',
    });
    if (context.ended !== null && context.ended !== snapshot.context.ended) {
      endedAttempts.push(context.ended);
    }
    snapshot = decision.snapshot;
  }
  return {
    taskId: record.id,
    expectedVersion: record.version,
    machineVersion: 1,
    snapshot,
    wakeAt: wakeAt(snapshot),
    transitions,
    endedAttempts,
    after: { ...record, snapshot, version, updatedAt: at },
  };
}

export const dispatch = (nodeId = 'n1', epoch = 1): TaskEventBody => ({
  type: 'attempt.dispatched',
  nodeId,
  epoch,
  bootId: 'boot-1',
});

export const start = (attempt = 1, epoch = 1): TaskEventBody => ({
  type: 'attempt.started',
  attempt,
  epoch,
  acceptedAt: NOON + 0.125,
  startedAt: NOON + 1.5,
});

export const exit = (exitCode = 0, attempt = 1, epoch = 1): TaskEventBody => ({
  type: 'attempt.exited',
  attempt,
  epoch,
  exitCode,
  signal: null,
  stopCause: null,
  spawnError: null,
  acceptedAt: NOON + 0.125,
  startedAt: NOON + 1.5,
  exitedAt: NOON + 20.25,
  stdoutBytes: 5_000_000_000,
  stderrBytes: 0,
  droppedBytes: 3,
});

/** Creates a task and takes it through these events; returns it as it must stand in the database. */
export async function storeTask(
  sql: Sql,
  wish: TaskWish,
  ...bodies: readonly TaskEventBody[]
): Promise<TaskRecord> {
  const creation = creationOf(wish);
  await insertTasks(sql, [creation], '');
  const record = recordOf(creation);
  if (bodies.length === 0) return record;
  const { after, ...update } = updateOf(record, ...bodies);
  await updateTasks(sql, [update], '');
  return after;
}
