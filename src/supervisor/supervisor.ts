/**
 * The supervisor as the rest of the process sees it: what src/rpc may ask of it.
 *
 * Everything here speaks of the domain, never of protobuf. Each method rejects with a MusterError and nothing else.
 */
import type { ActorStep } from '../../db/actor-steps.ts';
import type { NodeMetrics } from '../../db/node-metrics.ts';
import type { MachineDefinition, MachineVersion } from '../../db/machine-versions.ts';
import type { NodeLabelChange } from '../../db/node-labels.ts';
import type { StepCount } from '../../db/step-counts.ts';
import type { DrainEnd } from '../../machines/node-context.ts';
import type { TaskInput } from '../../machines/task-context.ts';
import type {
  LateReportRecord,
  NodeRecord,
  OutputPiece,
  OutputStreamName,
  Statistics,
  TaskFilter,
  TaskProgress,
  TaskRecord,
  TaskType,
  TransitionRecord,
} from '../../db/records.ts';
import type { NodeTransition } from '../../db/node-actors.ts';
import type { NodeFilter } from '../../db/nodes.ts';
import type { NodeGroupDraft, NodeGroupRecord } from '../../db/node-groups.ts';
import type { FireRecord, ScheduleRecord, ScheduleTransition } from '../../db/schedules.ts';
import type { Missed, Overlap, Timing } from '../../machines/schedule-context.ts';
import type { EndedAttempt } from '../../machines/task-context.ts';
import type { Sessions } from './agent-link.ts';
import type { Files, NeededContent } from './files.ts';
import type { Waiting } from './waiting.ts';
import type { Workers } from './workers.ts';

export type * from './agent-link.ts';
export type { ActorStep } from '../../db/actor-steps.ts';
export type { NodeTransition } from '../../db/node-actors.ts';
export type { CallingAttempt, Chunk, Files, UploadProgress } from './files.ts';

export type { NodeGroupRecord } from '../../db/node-groups.ts';
export type { FireRecord, ScheduleRecord, ScheduleTransition } from '../../db/schedules.ts';
export type * from '../../db/workers.ts';

export type { MachineDefinition, MachineVersion } from '../../db/machine-versions.ts';
export type { StepCount } from '../../db/step-counts.ts';
export type { HostMetrics, NodeMetrics } from '../../db/node-metrics.ts';
export type { NodeFilter } from '../../db/nodes.ts';
export type { NodeLabelChange } from '../../db/node-labels.ts';
export type {
  DurationSummary,
  LateReportRecord,
  NodeRecord,
  OutputPiece,
  OutputStreamName,
  Statistics,
  TaskFilter,
  TaskProgress,
  TaskRecord,
  TaskState,
  TaskType,
  TransitionRecord,
} from '../../db/records.ts';

/** A checked wish for one task. `spec` is the TaskSpec as protobuf JSON, opaque to the supervisor. */
export interface TaskDraft {
  readonly name: string;
  readonly type: TaskType;
  readonly labels: Readonly<Record<string, string>>;
  readonly target: TaskInput['target'];
  /** For a task on any one of these nodes; `target` is any then. Resolved when the task is created. */
  readonly anyOf?: NodeSelection;
  readonly policy: TaskInput['policy'];
  readonly held: boolean;
  readonly startAt: number | null;
  readonly spec: unknown;
  /** What it puts on hosts; it must be stored. */
  readonly content?: NeededContent;
  /** For one task on each of many nodes; `target` is any then. */
  readonly fanOut?: FanOutDraft;
}

/** Which nodes, as a user names them. Resolved once, when the fan-out is created. */
export interface NodeSelection {
  /** Node ids or patterns such as web[01-20]. */
  readonly nodes: readonly string[];
  /** In Kubernetes syntax; empty for none. */
  readonly selector: string;
  /** With all groups below them. */
  readonly groups: readonly string[];
  readonly all: boolean;
  readonly exclude: readonly string[];
}

/** A number of nodes, or a share of all that are chosen. */
export type Amount =
  | { readonly kind: 'count'; readonly value: number }
  | { readonly kind: 'percent'; readonly value: number };

export interface FanOutDraft {
  readonly selection: NodeSelection;
  /** Null for all at once. */
  readonly maxParallel: Amount | null;
  /** Null for no bound. */
  readonly maxFailures: Amount | null;
  readonly deadlineMs: number | null;
  readonly order: 'given' | 'random';
}

/** Who asks. */
export interface Caller {
  /** The name of the token. */
  readonly name: string;
}

export interface TaskDetails {
  readonly record: TaskRecord;
  readonly spec: unknown;
  readonly attempts: readonly EndedAttempt[];
  /** Of a task for any one of several nodes: which, sorted; else empty. */
  readonly candidates: readonly string[];
  /** Why it does not run yet; null where there is nothing to wait for. */
  readonly waiting: Waiting | null;
  /** How far the attempt under way says it is. */
  readonly progress?: TaskProgress | null;
  /** What a completed handler has returned, as JSON. */
  readonly resultJson?: string;
}

/** One step that a watcher is told of, or the task as it stands. */
export interface TaskChange {
  readonly record: TaskRecord;
  readonly transition: TransitionRecord | null;
  readonly isDeleted: boolean;
  readonly progress?: TaskProgress | null;
}

export type OutputItem =
  | { readonly kind: 'chunk'; readonly piece: OutputPiece }
  | { readonly kind: 'dropped'; readonly attempt: number; readonly bytes: number }
  | { readonly kind: 'expired'; readonly attempt: number; readonly bytes: number }
  | { readonly kind: 'progress'; readonly progress: TaskProgress }
  | { readonly kind: 'task'; readonly record: TaskRecord };

export interface OutputRange {
  readonly attempt: number;
  readonly content: Uint8Array;
  readonly nextOffset: number;
  readonly isEnd: boolean;
  readonly droppedBytes: number;
  /** It was stored, and has been deleted since. */
  readonly isExpired: boolean;
}

export interface Tasks {
  /**
   * Creates tasks, all or none. Returns when they are committed.
   *
   * @param requestId empty for none; the same one again returns the tasks of the first call
   * @throws MusterError `unknown_node` (naming all), `request_id_conflict`, `invalid_argument`, `unavailable`
   */
  create(drafts: readonly TaskDraft[], caller: Caller, requestId: string): Promise<TaskRecord[]>;
  /** @throws MusterError `unknown_task` */
  get(id: string): Promise<TaskDetails>;
  /** Newest first. `before`: only tasks with a smaller id. */
  list(filter: TaskFilter, limit: number, before: string | null): Promise<TaskRecord[]>;
  /** @throws MusterError `unknown_task`, `illegal_transition` */
  execute(id: string, caller: Caller): Promise<TaskRecord>;
  cancel(id: string, note: string, caller: Caller): Promise<TaskRecord>;
  resolve(
    id: string,
    resolution: 'lost' | 'completed' | 'failed' | 'cancelled',
    note: string,
    caller: Caller,
  ): Promise<TaskRecord>;
  /** Only for fan-outs. */
  pause(id: string, note: string, caller: Caller): Promise<TaskRecord>;
  resume(id: string, caller: Caller): Promise<TaskRecord>;
  /**
   * Creates a new task from the spec of a final one. Of a fan-out on the same nodes, or with `isUnfinishedOnly` on those whose
   * children have not completed.
   *
   * @param requestId empty for none; the same one again returns the task of the first call, also when the final one is gone
   */
  retry(
    id: string,
    isUnfinishedOnly: boolean,
    caller: Caller,
    requestId: string,
  ): Promise<TaskRecord>;
  /** Deletes a final task; a fan-out with its children. */
  delete(id: string): Promise<void>;
  /** Resolves when the task is final, the time has run out or the signal has fired. */
  wait(id: string, timeoutMs: number, signal: AbortSignal): Promise<TaskRecord>;
  /** `seen`: versions the watcher has; for other tasks it begins with each match as it stands. */
  watch(
    filter: TaskFilter,
    seen: ReadonlyMap<string, number>,
    signal: AbortSignal,
  ): AsyncIterable<TaskChange>;
  history(
    id: string,
    afterVersion: number,
    limit: number,
  ): Promise<{
    transitions: readonly TransitionRecord[];
    lateReports: readonly LateReportRecord[];
    hasMore: boolean;
    isExpired: boolean;
  }>;
  /** Replays the history, unless it has expired, and compares with what is stored. */
  verify(
    id: string,
  ): Promise<{ transitions: number; differences: readonly string[]; isExpired: boolean }>;
  /** `attempt` 0 means the last one. */
  readOutput(
    id: string,
    attempt: number,
    stream: OutputStreamName,
    offset: number,
    limitBytes: number,
  ): Promise<OutputRange>;
  tailOutput(
    id: string,
    from: { attempt: number; stdoutOffset: number; stderrOffset: number },
    isStoredOnly: boolean,
    signal: AbortSignal,
  ): AsyncIterable<OutputItem>;
  statistics(createdFrom: number | null, createdUntil: number | null): Promise<Statistics>;
}

export interface Nodes {
  /**
   * Returns the nodes that a selection names now, by id, and how many of them are online.
   *
   * @throws MusterError `unknown_node`, `invalid_argument`
   */
  resolve(selection: NodeSelection): Promise<{ ids: readonly string[]; online: number }>;
  list(filter: NodeFilter, limit: number, after: string | null): Promise<NodeRecord[]>;
  /** @throws MusterError `unknown_node` */
  get(id: string): Promise<NodeRecord>;
  /** Changes the labels that the server gives. @throws MusterError `unknown_node`, `resource_exhausted` for too many of them */
  updateLabels(id: string, change: NodeLabelChange): Promise<NodeRecord>;
  /** Gives it no new task, and waits for those at work. @throws MusterError `unknown_node`, `illegal_transition` */
  drain(id: string, drain: DrainDraft, caller: Caller): Promise<NodeRecord>;
  /** Gives it tasks again. @throws MusterError `unknown_node` */
  resume(id: string, caller: Caller): Promise<NodeRecord>;
  /** Forgets a node that is gone. @throws MusterError `unknown_node`, `illegal_transition` */
  delete(id: string): Promise<void>;
  /** Its steps as an actor after a version, in order. @throws MusterError `unknown_node` */
  history(id: string, afterVersion: number, limit: number): Promise<NodeTransition[]>;
  /** Replays its history and compares: one sentence for each difference (I4). @throws MusterError `unknown_node` */
  verify(id: string): Promise<readonly string[]>;
  /** Measurements of a node, one a minute, oldest first; null for the last hour. @throws MusterError `unknown_node` */
  metrics(id: string, since: number | null, until: number | null): Promise<readonly NodeMetrics[]>;
}

/** How a node is to be emptied. */
export interface DrainDraft {
  readonly note: string;
  /** Null for as long as it takes. */
  readonly deadlineMs: number | null;
  readonly onDeadline: DrainEnd;
}

export type NodeState = NonNullable<NodeFilter['states']>[number];

/** A checked wish for a schedule. */
export interface ScheduleDraft {
  readonly name: string;
  readonly timing: Timing;
  readonly startAt: number | null;
  readonly endAt: number | null;
  readonly jitterMs: number;
  readonly overlap: Overlap;
  readonly missed: Missed;
  readonly missedWindowMs: number;
  /** The task that it makes. */
  readonly task: TaskDraft;
  /** TaskSpec as protobuf JSON. */
  readonly spec: unknown;
}

/** Each method takes the id of a schedule or its name. */
export interface Schedules {
  /** @throws MusterError `invalid_argument` for a name that is taken, or a timing that cannot be read or is never due */
  create(draft: ScheduleDraft, caller: Caller): Promise<ScheduleRecord>;
  /**
   * Replaces what it is made of; see schedules/update.ts. `revise` makes the new draft of the stored spec.
   *
   * @throws MusterError `unknown_schedule`, `conflict` for another version, `invalid_argument`
   */
  update(
    key: string,
    expectedVersion: number | null,
    revise: (spec: unknown) => ScheduleDraft,
    caller: Caller,
  ): Promise<ScheduleRecord>;
  /** @throws MusterError `unknown_schedule` */
  get(key: string): Promise<ScheduleRecord>;
  /** By name. `after`: only later names. */
  list(limit: number, after: string | null): Promise<ScheduleRecord[]>;
  /** @throws MusterError `unknown_schedule`, `illegal_transition` */
  pause(key: string, note: string, caller: Caller): Promise<ScheduleRecord>;
  resume(key: string, caller: Caller): Promise<ScheduleRecord>;
  /** Fires it now, if the former task allows it. */
  trigger(key: string, caller: Caller): Promise<{ record: ScheduleRecord; fire: FireRecord }>;
  /** Its tasks stay. */
  delete(key: string): Promise<void>;
  /** The next due times, at most `count`, after now. */
  preview(timing: Timing, startAt: number | null, endAt: number | null, count: number): number[];
  /** What became of due times, the latest first. */
  fires(key: string, limit: number, beforeDueAt: number | null): Promise<FireRecord[]>;
  /** Its committed steps after a version, in order; those that have expired are not there. @throws MusterError `unknown_schedule` */
  history(key: string, afterVersion: number, limit: number): Promise<ScheduleTransition[]>;
  /** Replays its history and compares (I4). `fromVersion`: later than 1 when older steps have expired. */
  verify(key: string): Promise<{ differences: readonly string[]; fromVersion: number }>;
}

export interface Groups {
  /** @throws MusterError `group_refused`, `unknown_group`, `resource_exhausted` */
  create(draft: NodeGroupDraft): Promise<NodeGroupRecord>;
  /** @throws MusterError `group_refused`, `unknown_group` */
  update(draft: NodeGroupDraft): Promise<NodeGroupRecord>;
  /** @throws MusterError `group_refused`, `unknown_group` */
  delete(name: string): Promise<void>;
  /** @throws MusterError `unknown_group` */
  get(name: string): Promise<NodeGroupRecord>;
  list(): Promise<NodeGroupRecord[]>;
  /** Returns how many nodes are new in it. @throws MusterError `unknown_group` and those of resolveTargets */
  add(name: string, selection: NodeSelection): Promise<number>;
  /** Returns how many nodes were in it. @throws MusterError `unknown_group` and those of resolveTargets */
  remove(name: string, selection: NodeSelection): Promise<number>;
}

export interface Machines {
  /** How often each step of these machines was made in the last `windowMs`, whichever supervisor committed it. */
  stepCounts(machines: readonly string[], windowMs: number): Promise<readonly StepCount[]>;
  /** Every definition that ever ran, of one machine or of all (null): by name, the one that was seen last first. */
  versions(machine: string | null): Promise<readonly MachineVersion[]>;
  /**
   * Returns a definition by its version or the beginning of its hash; empty for the one that runs here.
   *
   * @throws MusterError `unknown_machine`, `invalid_argument` where it means several
   */
  definition(machine: string, version: string): Promise<MachineDefinition>;
}

/** What schedules and nodes have done, those of each in the order of their versions. */
export interface ActorsMoved {
  readonly steps: readonly ActorStep[];
  /** At the beginning: the version of every actor that the follower goes on from, by key. Else null. */
  readonly versions: ReadonlyMap<string, number> | null;
}

/** Schedules and nodes together. */
export interface Actors {
  /**
   * Yields their committed steps, each once, until the signal fires.
   *
   * @param seen the versions to go on from, by key; 0 for actors that it does not have. Null to begin now
   * @param former how many of the newest steps of each kind come first where it begins now
   */
  follow(
    seen: ReadonlyMap<string, number> | null,
    former: number,
    signal: AbortSignal,
  ): AsyncIterable<ActorsMoved>;
}

/** The running supervisor. */
export interface Supervisor {
  readonly id: string;
  readonly tasks: Tasks;
  readonly nodes: Nodes;
  readonly workers: Workers;
  readonly groups: Groups;
  readonly files: Files;
  readonly machines: Machines;
  readonly schedules: Schedules;
  readonly actors: Actors;
  readonly sessions: Sessions;
  /** Tells whether calls can be served: the database answers and no stop is under way. */
  isServing(): boolean;
  /** No new dispatch, open commits finished, agents told to reconnect. */
  stop(): Promise<void>;
}
