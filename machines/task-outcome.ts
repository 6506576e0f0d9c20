/**
 * Judges how an attempt ended, and what that means for its task.
 *
 * One pure function looks at an event and says whether it ends the current attempt; the guards of the task machine pick
 * the target by its verdict, and its `endAttempt` action writes what it found into the context. Nothing else decides.
 *
 * The rules, in order:
 * - A process that ended by itself with code 0 is completed, whatever was asked for meanwhile.
 * - After a cancel there is no retry: the task is cancelled.
 * - Everything else is a failed, timed-out or lost attempt; it is tried again while the policy allows another.
 */
import { backoffMs } from './backoff.ts';
import type { AttemptOutcome, Reason, TaskContext } from './task-context.ts';
import type {
  AttemptExited,
  ReportOrigin,
  SessionOpened,
  TaskEvent,
  TaskReport,
} from './task-events.ts';

export type Verdict = 'completed' | 'cancelled' | 'retry' | 'timeout' | 'failed';

/** What an ending event says about the attempt. */
export interface Ending {
  readonly verdict: Verdict;
  readonly outcome: AttemptOutcome;
  readonly reason: Reason | null;
  readonly message: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
}

interface Finding {
  readonly outcome: AttemptOutcome;
  readonly reason: Reason;
  readonly message: string;
  readonly exitCode?: number | null;
  readonly signal?: string | null;
}

/** Returns how `event` ends the current attempt, or null if it does not end it. */
export function judgeAttempt(context: TaskContext, event: TaskEvent): Ending | null {
  if (context.current === null) return null;
  switch (event.type) {
    case 'attempt.exited':
      return isCurrentAttempt(context, event) ? judgeExit(context, event) : null;
    case 'attempt.lost':
      return isCurrentAttempt(context, event) ? lost(context, event.why) : null;
    case 'session.opened':
      return judgeSession(context, event);
    case 'timer.fired':
      return isLostTimeOver(context, event.at) ? lost(overdue(context), silence(context)) : null;
    case 'resolve.requested':
      return judgeResolution(context, event.resolution, event.note);
    default:
      return null;
  }
}

/** Tells whether a session is of this node, where the event says of which it is. */
export function isSessionOf(nodeId: string, session: { nodeId?: string }): boolean {
  return session.nodeId === undefined || session.nodeId === nodeId;
}

/**
 * Tells whether a report is about the attempt under way, through the session it is assigned to or a newer one of its node.
 * The newer one counts because its `session.opened` may have failed to reach the task, and the report comes only once.
 */
export function isCurrentAttempt(context: TaskContext, report: ReportOrigin): boolean {
  const { current, attempt } = context;
  return (
    current !== null &&
    report.attempt === attempt &&
    report.epoch >= current.epoch &&
    isSessionOf(current.nodeId, report)
  );
}

/**
 * Tells whether a report says of the last ended attempt what is committed already. An agent whose acknowledgement was lost says
 * it again in its next session; that is no late news.
 */
export function isRepeated({ ended }: TaskContext, report: TaskReport): boolean {
  if (ended === null || report.attempt !== ended.number) return false;
  if (!isSessionOf(ended.nodeId, report)) return false;
  if (report.type === 'attempt.exited') {
    return report.exitedAt !== null && report.exitedAt === ended.exitedHostAt;
  }
  return (
    report.type === 'attempt.started' &&
    report.startedAt !== null &&
    report.startedAt === ended.startedHostAt
  );
}

/** Tells whether a session is news for the current attempt. The same epoch is, when the node was thought lost. */
export function isNewSession(context: TaskContext, event: SessionOpened): boolean {
  const { current, unreachableAt } = context;
  if (current === null || event.nodeId !== current.nodeId) return false;
  return event.epoch > current.epoch || (event.epoch === current.epoch && unreachableAt !== null);
}

function isLostTimeOver(context: TaskContext, at: number): boolean {
  return context.unreachableAt !== null && at >= context.unreachableAt + context.policy.lostAfterMs;
}

/** A timer that comes late fires once for both: a deadline before the loss counts as if it had fired for itself. */
function overdue(context: TaskContext): TaskContext {
  const { current, policy, stopCause, unreachableAt } = context;
  const lostAt = (unreachableAt ?? 0) + policy.lostAfterMs;
  const isOverdue = stopCause === null && (current?.deadlineAt ?? Infinity) < lostAt;
  return isOverdue ? { ...context, stopCause: 'timeout' } : context;
}

function judgeExit(context: TaskContext, event: AttemptExited): Ending {
  const { exitCode, signal, spawnError, stopCause } = event;
  if (exitCode === 0 && stopCause === null) {
    return { verdict: 'completed', outcome: 'exited', reason: null, message: '', exitCode, signal };
  }
  if (stopCause === 'lease' || stopCause === 'stale') {
    const message = `node ${context.current?.nodeId} was out of reach, and its agent stopped the attempt`;
    return judge(context, { outcome: 'stopped', reason: 'node_lost', message, exitCode, signal });
  }
  if (stopCause === 'timeout') {
    const { reason, message } = timedOut(context);
    // There was nothing to stop: the start itself has not come to an end.
    const why = spawnError ?? message;
    return judge(context, { reason, message: why, outcome: 'stopped', exitCode, signal });
  }
  if (stopCause === 'cancel') {
    return judge(context, { ...cancelled(), outcome: 'stopped', exitCode, signal });
  }
  if (spawnError !== null) {
    return judge(context, { outcome: 'spawn_failed', reason: 'spawn_failed', message: spawnError });
  }
  if (signal !== null) {
    const message = `the process was ended by ${signal}`;
    return judge(context, { outcome: 'exited', reason: 'signal', message, exitCode, signal });
  }
  if (event.failure !== undefined) {
    const { failure: message } = event;
    return judge(context, { outcome: 'exited', reason: 'handler_failed', message, exitCode });
  }
  const message = `the process exited with code ${exitCode}`;
  return judge(context, { outcome: 'exited', reason: 'exit_code', message, exitCode, signal });
}

/** A session without the attempt: it is safe to send it again unless its process may have lived. */
function judgeSession(context: TaskContext, event: SessionOpened): Ending | null {
  const { current, stopCause } = context;
  if (current === null || event.held !== null || !isNewSession(context, event)) return null;
  if (event.bootId !== current.bootId) {
    return lost(context, `node ${current.nodeId} has started anew since the dispatch`);
  }
  if (current.startedAt !== null) {
    return lost(context, `the agent of node ${current.nodeId} does not know the attempt any more`);
  }
  return stopCause === null ? null : lost(context, 'the attempt never reached the agent');
}

function judgeResolution(
  context: TaskContext,
  resolution: 'lost' | 'completed' | 'failed' | 'cancelled',
  note: string,
): Ending {
  const ending = {
    outcome: 'resolved',
    reason: 'resolved',
    message: note === '' ? `resolved as ${resolution} by an operator` : note,
    exitCode: null,
    signal: null,
  } as const;
  return resolution === 'lost' ? lost(context, ending.message) : { ...ending, verdict: resolution };
}

function lost(context: TaskContext, message: string): Ending {
  return judge(context, { outcome: 'lost', reason: 'node_lost', message });
}

function timedOut(context: TaskContext): { reason: Reason; message: string } {
  return {
    reason: 'timeout',
    message: `stopped after its timeout of ${context.policy.timeoutMs / 1000} s`,
  };
}

function cancelled(): { reason: Reason; message: string } {
  return { reason: 'cancelled', message: 'cancelled while it was running' };
}

function silence(context: TaskContext): string {
  return `node ${context.current?.nodeId} has been out of reach for ${context.policy.lostAfterMs / 1000} s`;
}

/** The verdict on an attempt that did not do its work. */
function judge(context: TaskContext, finding: Finding): Ending {
  const ending = { exitCode: null, signal: null, ...finding };
  if (context.stopCause === 'cancel' || finding.reason === 'cancelled') {
    return { ...ending, verdict: 'cancelled', reason: 'cancelled' };
  }
  if (context.attempt < context.policy.maxAttempts) return { ...ending, verdict: 'retry' };
  // What ended by itself after the deadline says how; what nobody saw the end of has at least passed its deadline.
  const isTimeout =
    finding.reason === 'timeout' ||
    (finding.reason === 'node_lost' && context.stopCause === 'timeout');
  return { ...ending, verdict: isTimeout ? 'timeout' : 'failed' };
}

/** Returns the context after the current attempt has ended as judged. */
export function endAttempt(context: TaskContext, event: TaskEvent): Partial<TaskContext> {
  const ending = judgeAttempt(context, event);
  const { current } = context;
  if (ending === null || current === null) return {};
  const exit = event.type === 'attempt.exited' ? event : null;
  const isRetry = ending.verdict === 'retry';
  const policy = { initialMs: context.policy.retryInitialMs, maxMs: context.policy.retryMaxMs };
  return {
    ended: {
      number: context.attempt,
      nodeId: current.nodeId,
      outcome: ending.outcome,
      exitCode: ending.exitCode,
      signal: ending.signal,
      message: ending.message,
      dispatchedAt: current.dispatchedAt,
      endedAt: event.at,
      acceptedHostAt: exit?.acceptedAt ?? current.acceptedHostAt,
      startedHostAt: exit?.startedAt ?? current.startedHostAt,
      exitedHostAt: exit?.exitedAt ?? null,
      stdoutBytes: exit?.stdoutBytes ?? 0,
      stderrBytes: exit?.stderrBytes ?? 0,
      droppedBytes: exit?.droppedBytes ?? 0,
    },
    current: null,
    stopCause: null,
    unreachableAt: null,
    exitCode: ending.exitCode,
    signal: ending.signal,
    reason: ending.reason,
    message: ending.message,
    finishedAt: isRetry ? null : event.at,
    firstStartedAt: context.firstStartedAt ?? (exit?.startedAt == null ? null : event.at),
    delayedUntil: isRetry ? event.at + backoffMs(policy, context.attempt, event.random) : null,
  };
}
