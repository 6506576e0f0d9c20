/**
 * Tasks as messages: what the supervisor stores, in the words of the API.
 *
 * Everything shown comes from the record and its snapshot; nothing is computed that the machine does not know.
 */
import { create, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { isFanOut } from '../../machines/fan-out-context.ts';
import type { FanOutContext } from '../../machines/fan-out-context.ts';
import type { EndedAttempt, TaskContext } from '../../machines/task-context.ts';
import { type FanOutProgress, FanOutProgressSchema } from '../../proto/gen/muster/v1/fan_out_pb.ts';
import {
  type Attempt,
  AttemptSchema,
  type Progress,
  ProgressSchema,
  StartMode,
  TargetSchema,
  type Task,
  TaskSchema,
  type TaskSpec,
  TaskSpecSchema,
  TaskState,
  TaskType,
} from '../../proto/gen/muster/v1/task_pb.ts';
import type {
  TaskDetails,
  TaskProgress,
  TaskRecord,
  TaskState as StateName,
  TaskType as TypeName,
} from '../supervisor/supervisor.ts';
import { timestampOf } from './times.ts';

export const STATES: Readonly<Record<StateName, TaskState>> = {
  pending: TaskState.PENDING,
  running: TaskState.RUNNING,
  completed: TaskState.COMPLETED,
  failed: TaskState.FAILED,
  timeout: TaskState.TIMEOUT,
  cancelled: TaskState.CANCELLED,
};

export const TYPES: Readonly<Record<TypeName, TaskType>> = {
  script: TaskType.SCRIPT,
  file: TaskType.FILE,
  fan_out: TaskType.FAN_OUT,
  service: TaskType.SERVICE,
  handler: TaskType.HANDLER,
};

/** Shows a task without its spec and attempts. */
export function taskOf(record: TaskRecord): Task {
  const { path, context } = record.snapshot;
  const [state, ...substates] = path.split('.');
  return create(TaskSchema, {
    id: record.id,
    name: record.name,
    type: TYPES[record.type],
    state: STATES[state as StateName],
    substate: substates.join('.'),
    reason: context.reason ?? '',
    message: context.message,
    nodeId: nodeIdOf(context),
    attempt: context.attempt,
    maxAttempts: context.policy.maxAttempts,
    exitCode: context.exitCode ?? undefined,
    signal: context.signal ?? '',
    priority: context.policy.priority,
    labels: { ...record.labels },
    creator: record.creator,
    parentId: record.parentId ?? '',
    scheduleId: record.scheduleId ?? '',
    version: record.version,
    stopCause: context.stopCause ?? '',
    createdAt: timestampOf(record.createdAt),
    updatedAt: timestampOf(record.updatedAt),
    startedAt: timestampOf(context.firstStartedAt),
    finishedAt: timestampOf(context.finishedAt),
    deadlineAt: timestampOf(
      (isFanOut(context) ? context.deadlineAt : context.current?.deadlineAt) ?? null,
    ),
    delayedUntil: timestampOf(context.delayedUntil),
    ...(isFanOut(context) ? { fanOut: progressOf(context) } : {}),
  });
}

/** Shows a task with what its attempt under way says of its progress. */
export function taskInProgress(record: TaskRecord, progress?: TaskProgress | null): Task {
  const task = taskOf(record);
  if (progress != null) task.progress = shownProgress(progress);
  return task;
}

/** How far an attempt says it is. */
export function shownProgress({ fraction, message }: TaskProgress): Progress {
  return create(ProgressSchema, { fraction, message });
}

function progressOf({ counts, total, fanOut }: FanOutContext): FanOutProgress {
  const { held, active, completed, failed, timeout, cancelled, skipped = 0 } = counts;
  return create(FanOutProgressSchema, {
    total,
    held,
    active,
    completed,
    failed,
    timedOut: timeout,
    cancelled,
    skipped,
    maxParallel: fanOut.maxParallel,
    maxFailures: fanOut.maxFailures ?? 0,
  });
}

/** Shows a task with its spec and every attempt, the one under way included. */
export function taskOfDetails(details: TaskDetails): Task {
  const task = taskInProgress(details.record, details.progress);
  if (details.resultJson !== undefined) task.resultJson = details.resultJson;
  if (details.waiting !== null) {
    task.reason = details.waiting.reason;
    task.message = details.waiting.message;
  }
  task.candidateNodeIds = [...details.candidates];
  const { current, attempt } = details.record.snapshot.context;
  task.spec = specOf(details.spec);
  if (details.record.parentId !== null) bindSpec(task.spec, details.record);
  task.attempts = details.attempts.map(attemptOf);
  if (current !== null) {
    const underWay = create(AttemptSchema, {
      number: attempt,
      nodeId: current.nodeId,
      dispatchedAt: timestampOf(current.dispatchedAt),
      acceptedAt: timestampOf(current.acceptedHostAt),
      startedAt: timestampOf(current.startedHostAt),
    });
    task.attempts.push(underWay);
  }
  return task;
}

/** Reads a stored spec. Fields that a newer program wrote are left out. */
export function specOf(stored: unknown): TaskSpec {
  return fromJson(TaskSpecSchema, stored as JsonValue, { ignoreUnknownFields: true });
}

/** A child shares the spec of its fan-out, and has one node of it. */
function bindSpec(spec: TaskSpec, { snapshot: { context } }: TaskRecord): void {
  if (context.target.kind !== 'node') return;
  spec.target = create(TargetSchema, { kind: { case: 'nodeId', value: context.target.nodeId } });
  spec.fanOut = undefined;
  spec.start = StartMode.UNSPECIFIED;
  spec.startAt = undefined;
}

function attemptOf(ended: EndedAttempt): Attempt {
  return create(AttemptSchema, {
    number: ended.number,
    nodeId: ended.nodeId,
    outcome: ended.outcome,
    exitCode: ended.exitCode ?? undefined,
    signal: ended.signal ?? '',
    message: ended.message,
    dispatchedAt: timestampOf(ended.dispatchedAt),
    endedAt: timestampOf(ended.endedAt),
    acceptedAt: timestampOf(ended.acceptedHostAt),
    startedAt: timestampOf(ended.startedHostAt),
    exitedAt: timestampOf(ended.exitedHostAt),
    stdoutBytes: BigInt(ended.stdoutBytes),
    stderrBytes: BigInt(ended.stderrBytes),
    droppedBytes: BigInt(ended.droppedBytes),
  });
}

/** The node of the current or last attempt, or the one it is bound to. */
function nodeIdOf({ current, ended, target }: TaskContext): string {
  return current?.nodeId ?? ended?.nodeId ?? (target.kind === 'node' ? target.nodeId : '');
}
