/**
 * Decides what an event does to a task: the one door to the task machine.
 *
 * `createTask` and `decideTask` are pure; the host commits what they return and only then acts on it, and replay.ts applies
 * the same functions to a stored history. Every outcome is stated: a transition, a late report, a refused command
 * with a sentence that helps, or nothing to do.
 */
import { MusterError } from './errors.ts';
import type { Effect } from './interpret.ts';
import { upgradeSnapshot } from './snapshot.ts';
import type { SnapshotVersions, StoredSnapshot } from './snapshot.ts';
import { createStepper } from './stepper.ts';
import type { Moved } from './stepper.ts';
import { DEFAULT_TASK_POLICY } from './task-context.ts';
import type { TaskContext, TaskInput } from './task-context.ts';
import { isCommand, isReport } from './task-events.ts';
import type { MachineUpgraded, ReportOrigin, TaskCommand, TaskEvent } from './task-events.ts';
import { isCurrentAttempt, isRepeated, isSessionOf } from './task-outcome.ts';
import { TASK_MACHINE_VERSION, taskMachine } from './task.ts';

export type TaskSnapshot = StoredSnapshot<TaskContext>;

/** What an event does to a task. */
export type Decision =
  | {
      readonly kind: 'transition';
      readonly snapshot: TaskSnapshot;
      readonly effects: readonly Effect[];
    }
  /** A report of a former attempt or session: to be written down, changing nothing. */
  | { readonly kind: 'late'; readonly why: string }
  /** A command that the state does not allow, or an upgrade that this program cannot make. */
  | { readonly kind: 'refused'; readonly error: MusterError }
  /** The event asks for what is already so. */
  | { readonly kind: 'ignored' };

export const TASK_SNAPSHOT_VERSIONS: SnapshotVersions = {
  machine: 'task',
  current: TASK_MACHINE_VERSION,
  steps: {},
};

const FINAL_PATHS: ReadonlySet<string> = new Set(['completed', 'failed', 'timeout', 'cancelled']);

const stepper = createStepper(taskMachine, {
  id: '',
  target: { kind: 'any' },
  policy: DEFAULT_TASK_POLICY,
  held: false,
  startAt: null,
  createdAt: 0,
});

/** Tells whether a task in this state will never change again. */
export function isFinalPath(path: string): boolean {
  return FINAL_PATHS.has(path);
}

/** Returns the first snapshot of a task and its effects. */
export function createTask(input: TaskInput): Moved<TaskContext> {
  return stepper.start(input);
}

/** Returns what `event` does to a task. Never throws for an event of any kind in any state. */
export function decideTask(before: TaskSnapshot, event: TaskEvent): Decision {
  if (event.type === 'machine.upgraded') {
    return decideUpgrade(TASK_SNAPSHOT_VERSIONS, before, event);
  }
  if (isReport(event)) {
    if (isRepeated(before.context, event)) return { kind: 'ignored' };
    const why = whyLate(before, event);
    if (why !== null) return { kind: 'late', why };
  }
  if (isFinalPath(before.path)) return refuseOrIgnore(before, event);
  if (
    event.type === 'cancel.requested' &&
    event.ifNotBegun === true &&
    before.context.attempt > 0
  ) {
    return { kind: 'ignored' };
  }
  const moved = stepper.step(before, event);
  return moved === null ? refuseOrIgnore(before, event) : { kind: 'transition', ...moved };
}

/** Returns the task in another version of its machine. Its state stays, also a final one: the context changes its shape. */
export function decideUpgrade(
  versions: SnapshotVersions,
  before: TaskSnapshot,
  event: MachineUpgraded,
): Decision {
  const { fromVersion, toVersion } = event;
  try {
    const snapshot = upgradeSnapshot<TaskContext>(versions, before, fromVersion, toVersion);
    if (fromVersion >= toVersion) return { kind: 'ignored' };
    return { kind: 'transition', snapshot, effects: [] };
  } catch (error) {
    if (error instanceof MusterError) return { kind: 'refused', error };
    throw error;
  }
}

/** The time at which the task needs a `timer.fired`, ms since 1970, or null. */
export function wakeAt(snapshot: TaskSnapshot): number | null {
  const { context, path } = snapshot;
  switch (path) {
    case 'pending.delayed':
      return context.delayedUntil;
    case 'pending.queued':
      // At once, and for as long as it is queued: whoever fires it looks whether its node is there.
      return context.policy.offline === undefined ? null : context.queuedAt;
    case 'running.executing':
      return context.current?.deadlineAt ?? null;
    case 'running.unreachable': {
      const lostAt = (context.unreachableAt ?? 0) + context.policy.lostAfterMs;
      const deadlineAt = context.stopCause === null ? context.current?.deadlineAt : null;
      return Math.min(lostAt, deadlineAt ?? Infinity);
    }
    default:
      return null;
  }
}

function whyLate({ context, path }: TaskSnapshot, report: ReportOrigin): string | null {
  const { attempt, current } = context;
  if (isFinalPath(path)) return `the task is ${path}`;
  if (isCurrentAttempt(context, report)) return null;
  if (report.attempt > attempt) return `the task has had no attempt ${report.attempt} yet`;
  if (current === null) return `the task is ${path}, and attempt ${report.attempt} is over`;
  if (report.attempt < attempt) return `attempt ${attempt} is under way`;
  if (!isSessionOf(current.nodeId, report)) {
    return `attempt ${attempt} is on node ${current.nodeId}`;
  }
  return `the node's session has epoch ${current.epoch}`;
}

function refuseOrIgnore(before: TaskSnapshot, event: TaskEvent): Decision {
  if (!isCommand(event)) return { kind: 'ignored' };
  // A second cancel asks for what is already under way.
  if (event.type === 'cancel.requested' && !isFinalPath(before.path)) return { kind: 'ignored' };
  return { kind: 'refused', error: new MusterError('illegal_transition', refusal(before, event)) };
}

const REFUSALS: Record<TaskCommand['type'], [verb: string, rule: string]> = {
  'execute.requested': ['execute', 'only a held task can be executed'],
  'cancel.requested': ['cancel', 'a final state never changes'],
  'resolve.requested': ['resolve', 'only a task on an unreachable node can be resolved'],
  'pause.requested': ['pause', 'only a fan-out can be paused'],
  'resume.requested': ['resume', 'only a paused fan-out can be resumed'],
};

function refusal(before: TaskSnapshot, event: TaskCommand): string {
  const [verb, rule] = REFUSALS[event.type];
  return `Cannot ${verb} task ${before.context.id}: it is ${before.path}; ${rule}`;
}
