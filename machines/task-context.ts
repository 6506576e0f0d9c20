/**
 * The context of the task machine: everything that a task knows about itself, as JSON values only.
 *
 * Times are ms since 1970 by the database's clock, unless the name ends in `HostAt`: those come from the host's clock.
 */

/** Where the task may run. */
export type TaskTarget =
  | { readonly kind: 'node'; readonly nodeId: string }
  /** Any one node; with a set, any one of that. */
  | { readonly kind: 'any'; readonly setId?: string };

/** Begins the names of the queues of sets. No node id does. */
export const SET_QUEUE_MARK = '#';

/** Names the queue in which a task waits for a worker: that of its node, of its set, or the empty one of tasks that any node may take. */
export function queueOf(target: TaskTarget): string {
  if (target.kind === 'node') return target.nodeId;
  return target.setId === undefined ? '' : SET_QUEUE_MARK + target.setId;
}

/** The bounds of a task, with the defaults filled in. */
export interface TaskPolicy {
  readonly timeoutMs: number;
  readonly maxAttempts: number;
  /** 0 to 100, higher first. */
  readonly priority: number;
  readonly retryInitialMs: number;
  readonly retryMaxMs: number;
  readonly stopGraceMs: number;
  readonly lostAfterMs: number;
  /** What to do while it is queued and its node is away; absent: wait. */
  readonly offline?: 'skip' | 'fail';
}

/** The defaults of ./muster, also written into the API documentation. */
export const DEFAULT_TASK_POLICY: TaskPolicy = {
  timeoutMs: 5 * 60_000,
  maxAttempts: 1,
  priority: 50,
  retryInitialMs: 1_000,
  retryMaxMs: 5 * 60_000,
  stopGraceMs: 10_000,
  lostAfterMs: 2 * 60_000,
};

/** What a task is created from. Stored as the first event of its history. */
export interface TaskInput {
  readonly id: string;
  readonly target: TaskTarget;
  readonly policy: TaskPolicy;
  readonly held: boolean;
  /** Not before this time; null for at once. */
  readonly startAt: number | null;
  readonly createdAt: number;
}

/** The attempt under way. */
export interface CurrentAttempt {
  readonly nodeId: string;
  readonly epoch: number;
  readonly bootId: string;
  readonly dispatchedAt: number;
  /** When the supervisor learned of the process; null before. */
  readonly startedAt: number | null;
  readonly acceptedHostAt: number | null;
  readonly startedHostAt: number | null;
  /** Null until the process has started. */
  readonly deadlineAt: number | null;
}

export type AttemptOutcome = 'exited' | 'stopped' | 'spawn_failed' | 'lost' | 'resolved';

/** An attempt that is over. The database keeps one row for each. */
export interface EndedAttempt {
  readonly number: number;
  readonly nodeId: string;
  readonly outcome: AttemptOutcome;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly message: string;
  readonly dispatchedAt: number;
  readonly endedAt: number;
  readonly acceptedHostAt: number | null;
  readonly startedHostAt: number | null;
  readonly exitedHostAt: number | null;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  readonly droppedBytes: number;
}

/** Why a task is in its state, in one word. */
export type Reason =
  | 'exit_code'
  | 'signal'
  | 'spawn_failed'
  | 'handler_failed'
  | 'timeout'
  | 'node_lost'
  | 'cancelled'
  | 'resolved'
  // Its node was away, and its policy was not to wait.
  | 'node_offline'
  | 'skipped'
  // Of a fan-out.
  | 'children_failed'
  | 'max_failures';

export type StopCause = 'cancel' | 'timeout';

export interface TaskContext extends TaskInput {
  /** Number of the current or last attempt; 0 before the first. */
  readonly attempt: number;
  readonly current: CurrentAttempt | null;
  /** The attempt that ended last. */
  readonly ended: EndedAttempt | null;
  readonly stopCause: StopCause | null;
  readonly unreachableAt: number | null;
  readonly delayedUntil: number | null;
  /** Since when it waits for a worker; its age in the queue. */
  readonly queuedAt: number | null;
  readonly firstStartedAt: number | null;
  readonly finishedAt: number | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly reason: Reason | null;
  /** A sentence for people; empty when there is nothing to say. */
  readonly message: string;
}
