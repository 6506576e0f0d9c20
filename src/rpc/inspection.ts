/**
 * A task or a fan-out as it is to be inspected: its definition, then each of its steps with the snapshot after it, from the first on.
 *
 * Snapshots of the history come from its replay (machines/replay.ts), as in `task verify`; what is committed from then on follows.
 */
import { machineOf } from '../../machines/catalog.ts';
import { isFinalPath } from '../../machines/decide.ts';
import type { TaskSnapshot } from '../../machines/decide.ts';
import { replayTask, versionsOf } from '../../machines/replay.ts';
import type { TaskEvent } from '../../machines/task-events.ts';
import type { TaskRecord, Tasks, TransitionRecord } from '../supervisor/supervisor.ts';

/** Steps of a history that are read at once. */
const PAGE = 1_000;

/** An actor as it was created, or as far back as it is known. */
export interface InspectedActor {
  readonly kind: 'actor';
  readonly id: string;
  readonly name: string;
  /** The definition as XState has it, as JSON. */
  readonly definition: string;
  readonly snapshot: InspectedSnapshot;
  /** ms since 1970. */
  readonly at: number;
}

/** A committed step. */
export interface InspectedStep {
  readonly kind: 'step';
  readonly id: string;
  readonly version: number;
  readonly event: { readonly type: string };
  readonly snapshot: InspectedSnapshot;
  readonly at: number;
}

export interface InspectedSnapshot {
  /** Dotted path. */
  readonly path: string;
  readonly isFinal: boolean;
  readonly context: unknown;
}

/**
 * Yields the actor, its steps so far, and each further one, until it is final or deleted, or the signal fires.
 *
 * @throws MusterError `unknown_task`, and those of watching
 */
export async function* inspectTask(
  tasks: Tasks,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<InspectedActor | InspectedStep> {
  const { record } = await tasks.get(id);
  const steps = await stepsOf(tasks, record);
  const snapshots = replayed(steps, record);
  const [first, firstSnapshot] = [steps[0], snapshots[0] ?? record.snapshot];
  yield {
    kind: 'actor',
    id: record.id,
    name: record.name,
    definition: JSON.stringify(machineOf(record.type).config),
    snapshot: shown(firstSnapshot),
    at: first?.at ?? record.updatedAt,
  };
  for (const [index, step] of steps.entries()) {
    yield stepOf(step, snapshots[index] ?? standIn(step, record));
  }
  if (isFinalPath(record.snapshot.path)) return;
  yield* liveSteps(tasks, record, signal);
}

async function* liveSteps(
  tasks: Tasks,
  from: TaskRecord,
  signal: AbortSignal,
): AsyncGenerator<InspectedStep> {
  const { id } = from;
  let last = from.snapshot;
  const seen = new Map([[id, from.version]]);
  for await (const { record, transition, isDeleted } of tasks.watch({ ids: [id] }, seen, signal)) {
    if (isDeleted) return;
    // How far an attempt is, which is no step.
    if (transition === null) continue;
    last = after(last, transition, record);
    yield stepOf(transition, last);
    if (isFinalPath(last.path)) return;
  }
}

/** Lists the steps that led to the record; none where the history has expired. */
async function stepsOf(tasks: Tasks, { id, version }: TaskRecord): Promise<TransitionRecord[]> {
  const steps: TransitionRecord[] = [];
  for (;;) {
    const page = await tasks.history(id, steps.at(-1)?.version ?? 0, PAGE);
    steps.push(...page.transitions.filter((step) => step.version <= version));
    if (!page.hasMore || (steps.at(-1)?.version ?? 0) >= version) return steps;
  }
}

/** The snapshots after each step, as far as this program can replay them. */
function replayed(steps: readonly TransitionRecord[], record: TaskRecord): readonly TaskSnapshot[] {
  const [creation, ...rest] = steps;
  if (creation?.event.type !== 'task.created') return [];
  const events = rest.map((step) => step.event as TaskEvent);
  const { input } = creation.event;
  return replayTask(input, events, record.machineVersion, versionsOf(record.type)).snapshots;
}

/** The snapshot after a step. Several steps may have been committed at once: only the last of them has that of the record. */
function after(before: TaskSnapshot, step: TransitionRecord, record: TaskRecord): TaskSnapshot {
  if (step.version === record.version) return record.snapshot;
  const behaviour = versionsOf(record.type).behaviours[record.machineVersion];
  const decision = behaviour?.decide(before, step.event as TaskEvent);
  return decision?.kind === 'transition' ? decision.snapshot : standIn(step, record);
}

/** For a step that this program cannot replay: its state is stored, its context is not. */
function standIn({ version, toPath }: TransitionRecord, record: TaskRecord): TaskSnapshot {
  if (version === record.version) return record.snapshot;
  return { path: toPath, context: record.snapshot.context };
}

function stepOf(step: TransitionRecord, snapshot: TaskSnapshot): InspectedStep {
  const { taskId, version, event, at } = step;
  return { kind: 'step', id: taskId, version, event, at, snapshot: shown(snapshot) };
}

function shown({ path, context }: TaskSnapshot): InspectedSnapshot {
  return { path, context, isFinal: isFinalPath(path) };
}
