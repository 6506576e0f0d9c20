/**
 * The shapes that cross the border of the database layer: what the supervisor writes and reads.
 *
 * Times are ms since 1970 by the database's clock; ids are lower-case UUIDs. Specs are opaque JSON here.
 */
import type { NodeSnapshot } from '../machines/node-decide.ts';
import type { NodeMetrics } from './node-metrics.ts';
import type { PendingAge } from './pending-ages.ts';
import type { EndedAttempt, TaskContext, TaskInput } from '../machines/task-context.ts';
import type { TaskEvent } from '../machines/task-events.ts';
import type { StoredSnapshot } from '../machines/snapshot.ts';

export type TaskType = 'script' | 'file' | 'service' | 'handler' | 'fan_out';
export type TaskState = 'pending' | 'running' | 'completed' | 'failed' | 'timeout' | 'cancelled';
/** What a process writes. */
export type LogStreamName = 'stdout' | 'stderr';
export type OutputStreamName = LogStreamName | 'result';

/** A task as stored: its snapshot and what never changes about it. */
export interface TaskRecord {
  readonly id: string;
  readonly version: number;
  readonly machineVersion: number;
  readonly snapshot: StoredSnapshot<TaskContext>;
  readonly name: string;
  readonly type: TaskType;
  readonly labels: Readonly<Record<string, string>>;
  readonly creator: string;
  readonly parentId: string | null;
  readonly scheduleId: string | null;
  /** Where its spec is; the id of the first task that was created with it. */
  readonly specId: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** One committed step, as stored. The first event of a task is its creation. */
export interface TransitionRecord {
  readonly taskId: string;
  readonly version: number;
  readonly event: TaskEvent | TaskCreated;
  /** Empty for the first. */
  readonly fromPath: string;
  readonly toPath: string;
  readonly at: number;
  readonly attempt: number;
  readonly supervisorId: string;
}

/** The first event of every task. Its input is what the machine starts from. */
export interface TaskCreated {
  readonly type: 'task.created';
  readonly at: number;
  readonly input: TaskInput;
}

/** One actor's part of a group commit: the new snapshot and the one or more steps that led to it. */
export interface TaskUpdate {
  readonly taskId: string;
  /** The version that the row must have. */
  readonly expectedVersion: number;
  readonly machineVersion: number;
  readonly snapshot: StoredSnapshot<TaskContext>;
  readonly wakeAt: number | null;
  /** Versions expectedVersion + 1, + 2, … */
  readonly transitions: readonly TransitionRecord[];
  readonly endedAttempts: readonly EndedAttempt[];
}

/** Tasks to be created together, all or none. */
export interface TaskCreation {
  /** Null for no protection against repetition. `digest` tells another content under the same id. */
  readonly request: {
    readonly creator: string;
    readonly requestId: string;
    readonly digest: string;
  } | null;
  readonly tasks: readonly {
    readonly record: TaskRecord;
    readonly spec: unknown;
    readonly wakeAt: number | null;
    readonly transition: TransitionRecord;
  }[];
}

/** What became of a creation. */
export type CreationResult =
  | { readonly kind: 'created' }
  /** The request id was used before; these tasks were created then. */
  | { readonly kind: 'repeated'; readonly digest: string; readonly taskIds: readonly string[] };

export interface LateReportRecord {
  readonly taskId: string;
  readonly attempt: number;
  readonly event: TaskEvent;
  readonly why: string;
  readonly at: number;
}

/** A piece of output as an agent sent it. */
export interface OutputPiece {
  readonly taskId: string;
  readonly attempt: number;
  readonly stream: OutputStreamName;
  readonly offset: number;
  readonly content: Uint8Array;
  /** By the clock of the host. */
  readonly at: number;
}

/** How far an attempt says it is. */
export interface TaskProgress {
  readonly attempt: number;
  /** From 0 to 1. */
  readonly fraction: number;
  readonly message: string;
}

export interface NodeRecord {
  readonly id: string;
  readonly epoch: number;
  readonly bootId: string;
  /** Those of the agent and of the server; the server's win. */
  readonly labels: Readonly<Record<string, string>>;
  /** Those that the server gives. */
  readonly serverLabels: Readonly<Record<string, string>>;
  /** NodeFacts as JSON; opaque here. */
  readonly facts: unknown;
  readonly slots: number;
  /** Holder of the last session. */
  readonly supervisorId: string | null;
  readonly createdAt: number;
  readonly connectedAt: number | null;
  readonly seenAt: number | null;
  /** When its agent said goodbye; null while connected or silent. */
  readonly leftAt: number | null;
  /** By the database's clock: seen within the last `dead after`. */
  readonly isAlive: boolean;
  /** Attempts in running.*. */
  readonly active: number;
  /** What operators have asked of it; null for one that has never been drained. */
  readonly actor: NodeSnapshot | null;
  /** The newest measurement that is known; null from the statements in nodes.ts, which do not look for it. */
  readonly metrics: NodeMetrics | null;
}

export interface TaskFilter {
  readonly states?: readonly TaskState[];
  readonly types?: readonly TaskType[];
  readonly nodeIds?: readonly string[];
  readonly creators?: readonly string[];
  readonly parentId?: string;
  /** Without children of fan-outs. */
  readonly isTopLevel?: boolean;
  readonly scheduleId?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly createdFrom?: number;
  readonly createdUntil?: number;
  readonly idPrefix?: string;
  readonly ids?: readonly string[];
  /** Part of the name, in capitals or not. */
  readonly text?: string;
}

export interface Statistics {
  /** What was counted: from, until, in whole hours; null for no bound. */
  readonly from: number | null;
  readonly until: number | null;
  readonly total: number;
  readonly byState: readonly { state: TaskState; substate: string; count: number }[];
  readonly byType: readonly { name: string; count: number }[];
  readonly byNode: readonly { name: string; count: number }[];
  readonly byHour: readonly HourCount[];
  readonly waiting: DurationSummary;
  readonly running: DurationSummary;
  /** By ten minutes of the last 24 h of the range, those in which a supervisor ran. */
  readonly oldestPending: readonly PendingAge[];
}

/** The tasks that were created in an hour, which begins at `hour`. */
export interface HourCount {
  readonly hour: number;
  readonly created: number;
  readonly completed: number;
  readonly failed: number;
  readonly waiting: DurationSummary;
  readonly running: DurationSummary;
}

/** In ms. */
export interface DurationSummary {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}
