/** What is known of one task: how it stands, every step that it took, and how both grow with what the stream says. */
import { create } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type FanOutProgress,
  FanOutProgressSchema,
} from '../../../proto/gen/muster/v1/fan_out_pb.ts';
import { type Task, TaskSchema, type Transition } from '../../../proto/gen/muster/v1/task_pb.ts';
import { TaskState } from '../../../proto/gen/muster/v1/task_pb.ts';

export interface Feed {
  readonly task: Task;
  /** Oldest first, without gaps, unless the history has expired. */
  readonly steps: readonly Transition[];
  /** The history has been deleted because of its age. */
  readonly isExpired: boolean;
  readonly isDeleted: boolean;
}

/** What the stream says of a task, or a newer answer of GetTask. */
export interface Change {
  readonly task?: Task | undefined;
  readonly transition?: Transition | undefined;
  readonly deleted?: boolean;
}

/** Returns the feed after a change. A change that is older than what is known changes nothing. */
export function applyChange(feed: Feed, { task, transition, deleted = false }: Change): Feed {
  if (deleted) return { ...feed, isDeleted: true };
  const steps = transition === undefined ? feed.steps : mergeSteps(feed.steps, [transition]);
  if (task === undefined || task.version < feed.task.version) return { ...feed, steps };
  return { ...feed, steps, task: withDetails(task, feed.task) };
}

/** The version after which steps are missing: the first gap, else the last step. */
export function knownVersion({ steps }: Pick<Feed, 'steps'>): number {
  let known = 0;
  for (const { version } of steps) {
    if (version !== known + 1 && known > 0) return known;
    known = version;
  }
  return known;
}

/** Puts steps in order, each once. */
export function mergeSteps(
  known: readonly Transition[],
  more: readonly Transition[],
): readonly Transition[] {
  const byVersion = new Map(known.map((step) => [step.version, step]));
  const size = byVersion.size;
  for (const step of more) byVersion.set(step.version, step);
  if (byVersion.size === size) return known;
  return [...byVersion.values()].sort((a, b) => a.version - b.version);
}

/** The stream sends no spec and no attempts: they stay until GetTask is asked again. */
function withDetails(task: Task, known: Task): Task {
  if (task.spec !== undefined) return task;
  const merged = create(TaskSchema, { ...task });
  merged.spec = known.spec;
  merged.attempts = known.attempts;
  merged.candidateNodeIds = known.candidateNodeIds;
  if (known.resultJson !== undefined) merged.resultJson = known.resultJson;
  if (task.message === '' && task.state === TaskState.PENDING && task.version === known.version) {
    merged.reason = known.reason;
    merged.message = known.message;
  }
  return merged;
}

function stateOf(name: string): TaskState {
  const [, state] = Object.entries(TaskState).find(([key]) => key === name.toUpperCase()) ?? [];
  return state ?? TaskState.UNSPECIFIED;
}

/**
 * Returns the task as it was after the last of these steps, as far as the history tells: its state, its attempts, and nothing that
 * came later.
 */
export function taskAt(task: Task, steps: readonly Transition[]): Task {
  const step = steps.at(-1);
  if (step === undefined) return task;
  const [state = 'pending', ...substates] = step.toState.split('.');
  const at = step.at === undefined ? Infinity : timestampMs(step.at);
  const past = create(TaskSchema, { ...task });
  past.state = stateOf(state);
  past.substate = substates.join('.');
  past.version = step.version;
  past.attempt = step.attempt;
  past.nodeId = nodeAt(task, step.attempt);
  past.updatedAt = step.at;
  past.progress = undefined;
  if (step.version < task.version) {
    past.reason = '';
    past.message = '';
    past.exitCode = undefined;
    past.signal = '';
    past.deadlineAt = undefined;
    past.delayedUntil = undefined;
    past.finishedAt = undefined;
    past.resultJson = undefined;
  }
  if (task.startedAt !== undefined && timestampMs(task.startedAt) > at) past.startedAt = undefined;
  if (task.fanOut !== undefined) past.fanOut = progressAt(task.fanOut, steps);
  past.attempts = task.attempts
    .filter(({ number }) => number <= step.attempt)
    .map((attempt) =>
      attempt.endedAt === undefined || timestampMs(attempt.endedAt) <= at
        ? attempt
        : {
            ...attempt,
            outcome: '',
            message: '',
            signal: '',
            exitCode: undefined,
            endedAt: undefined,
            exitedAt: undefined,
          },
    );
  return past;
}

/** The node of an attempt; before the first, the one that the task is bound to. */
function nodeAt({ attempts, nodeId, spec }: Task, attempt: number): string {
  if (attempt > 0) return attempts.find(({ number }) => number === attempt)?.nodeId ?? nodeId;
  return spec?.target?.kind.case === 'nodeId' ? spec.target.kind.value : '';
}

/** The children as they were counted last. */
function progressAt(now: FanOutProgress, steps: readonly Transition[]): FanOutProgress {
  const counted = steps.findLast(({ eventType }) => eventType === 'children.counted');
  const counts = (counted?.event?.['counts'] ?? {}) as Record<string, number | undefined>;
  const { total, maxParallel, maxFailures } = now;
  return create(FanOutProgressSchema, {
    total,
    maxParallel,
    maxFailures,
    held: counts['held'] ?? (counted === undefined ? total : 0),
    active: counts['active'] ?? 0,
    completed: counts['completed'] ?? 0,
    failed: counts['failed'] ?? 0,
    timedOut: counts['timeout'] ?? 0,
    cancelled: counts['cancelled'] ?? 0,
    skipped: counts['skipped'] ?? 0,
  });
}
