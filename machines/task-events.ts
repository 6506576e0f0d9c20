/**
 * Everything that can happen to a task: the events of the task machine.
 *
 * Commands come from users, timers and sessions from the supervisor, reports from agents. Every event carries the time and
 * a random number, stamped by the host when it is applied, so that the machine itself needs neither clock nor dice. Events
 * are stored as JSON in the history and replayed by `task verify`: renaming a field is a change of the machine version.
 */

import type { ChildCounts } from './fan-out-context.ts';

/** What the host adds to every event. */
export interface Stamp {
  /** Time by the database's clock, ms since 1970. */
  readonly at: number;
  /** In [0, 1). */
  readonly random: number;
}

/** Which execution of the task a report is about, and through which session it came. */
export interface ReportOrigin {
  readonly attempt: number;
  /** Where the session is from. Epochs are counted per node, so that the epoch alone names no session. */
  readonly nodeId?: string;
  readonly epoch: number;
}

/** Releases a held task. */
export interface ExecuteRequested {
  readonly type: 'execute.requested';
  readonly by: string;
}

export interface CancelRequested {
  readonly type: 'cancel.requested';
  readonly by: string;
  readonly note: string;
  /** Only if no attempt has been dispatched yet; one that has begun goes on as if nothing had been asked. */
  readonly ifNotBegun?: true;
}

/** An operator decides what became of an attempt on an unreachable node. */
export interface ResolveRequested {
  readonly type: 'resolve.requested';
  readonly by: string;
  readonly note: string;
  readonly resolution: 'lost' | 'completed' | 'failed' | 'cancelled';
}

/** Starts no more children of a fan-out until it is resumed. */
export interface PauseRequested {
  readonly type: 'pause.requested';
  readonly by: string;
  readonly note: string;
}

export interface ResumeRequested {
  readonly type: 'resume.requested';
  readonly by: string;
}

/** The children of a fan-out, as their rows stood at one moment. */
export interface ChildrenCounted {
  readonly type: 'children.counted';
  readonly counts: ChildCounts;
  /** There is room for the held children up to this id; null for none. */
  readonly releaseUntil: string | null;
}

/** The node that a queued task is bound to, or each that it may run on, is away. */
export interface TargetOffline {
  readonly type: 'target.offline';
  /** Who is away, for people. */
  readonly who: string;
}

/** The time in `wakeAt` has come. */
export interface TimerFired {
  readonly type: 'timer.fired';
}

/** The scheduler assigns the next attempt to a node. */
export interface AttemptDispatched {
  readonly type: 'attempt.dispatched';
  readonly nodeId: string;
  readonly epoch: number;
  readonly bootId: string;
}

/** The agent has started the process. Times by the clock of the host, ms since 1970. */
export interface AttemptStarted extends ReportOrigin {
  readonly type: 'attempt.started';
  readonly acceptedAt: number | null;
  readonly startedAt: number | null;
}

/** The process group is gone, or could not be started. Times by the clock of the host. */
export interface AttemptExited extends ReportOrigin {
  readonly type: 'attempt.exited';
  /** Null when there was no process. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Why the agent stopped it; null when it ended by itself. */
  readonly stopCause: 'cancel' | 'timeout' | 'lease' | 'stale' | null;
  /** Why it could not be started. */
  readonly spawnError: string | null;
  /** Why a handler failed. */
  readonly failure?: string;
  readonly acceptedAt: number | null;
  readonly startedAt: number | null;
  readonly exitedAt: number | null;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  readonly droppedBytes: number;
}

/** The agent knows nothing of a process of this attempt. */
export interface AttemptLost extends ReportOrigin {
  readonly type: 'attempt.lost';
  readonly why: string;
}

/** How far a held attempt is, as the agent says in its Hello. */
export type HeldPhase = 'accepted' | 'executing' | 'stopping' | 'ended';

/** A new session of the node that the current attempt is assigned to. */
export interface SessionOpened {
  readonly type: 'session.opened';
  readonly nodeId: string;
  readonly epoch: number;
  readonly bootId: string;
  /** Null when the agent does not hold the attempt. */
  readonly held: HeldPhase | null;
}

/** The node has been silent for too long. */
export interface SessionLost {
  readonly type: 'session.lost';
  readonly nodeId?: string;
  readonly epoch: number;
}

/** A newer program has taken the task over: its snapshot goes through the steps from one version to the other. */
export interface MachineUpgraded {
  readonly type: 'machine.upgraded';
  readonly fromVersion: number;
  readonly toVersion: number;
}

export type TaskCommand =
  | ExecuteRequested
  | CancelRequested
  | ResolveRequested
  | PauseRequested
  | ResumeRequested;
export type TaskReport = AttemptStarted | AttemptExited | AttemptLost;

/** An event before the host has stamped it. */
export type TaskEventBody =
  | TaskCommand
  | TaskReport
  | ChildrenCounted
  | TimerFired
  | TargetOffline
  | AttemptDispatched
  | SessionOpened
  | SessionLost
  | MachineUpgraded;

/** An event as the machine receives it and the history keeps it. */
export type TaskEvent = TaskEventBody & Stamp;

/** Tells whether an event is a user's command: an illegal one is answered with an error. */
export function isCommand(event: TaskEventBody): event is TaskCommand {
  return (
    event.type === 'execute.requested' ||
    event.type === 'cancel.requested' ||
    event.type === 'resolve.requested' ||
    event.type === 'pause.requested' ||
    event.type === 'resume.requested'
  );
}

/** Tells whether an event is an agent's report: one that changes nothing is written down as late. */
export function isReport(event: TaskEventBody): event is TaskReport {
  return (
    event.type === 'attempt.started' ||
    event.type === 'attempt.exited' ||
    event.type === 'attempt.lost'
  );
}
