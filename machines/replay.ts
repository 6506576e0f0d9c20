/**
 * Replays the history of a task or a fan-out: the proof that its snapshot follows from its committed events (I4).
 *
 * Every event is applied by the machine version of its time, and `machine.upgraded` by the steps between two versions. Called by
 * `task verify` and by tests; pure, like all that it calls.
 */
import { TASK_SNAPSHOT_VERSIONS, createTask, decideTask, decideUpgrade } from './decide.ts';
import type { Decision, TaskSnapshot } from './decide.ts';
import { FAN_OUT } from './behaviour.ts';
import { FAN_OUT_MACHINE_VERSION } from './fan-out.ts';
import type { FanOutInput } from './fan-out-context.ts';
import { FAN_OUT_SNAPSHOT_VERSIONS, createFanOut, decideFanOut } from './fan-out-decide.ts';
import type { SnapshotVersions } from './snapshot.ts';
import type { TaskInput } from './task-context.ts';
import type { TaskEvent } from './task-events.ts';
import { TASK_MACHINE_VERSION } from './task.ts';

/** How one version of the task machine behaves. */
interface TaskBehaviour {
  readonly create: (input: TaskInput) => TaskSnapshot;
  readonly decide: (before: TaskSnapshot, event: TaskEvent) => Decision;
}

/** The task machine through its versions. */
export interface TaskVersions extends SnapshotVersions {
  /** Former versions stay here as long as histories of theirs are to be replayed: only they lead to the snapshots of their time. */
  readonly behaviours: Readonly<Record<number, TaskBehaviour>>;
}

const TASK_VERSIONS: TaskVersions = {
  ...TASK_SNAPSHOT_VERSIONS,
  behaviours: {
    [TASK_MACHINE_VERSION]: { create: (input) => createTask(input).snapshot, decide: decideTask },
  },
};

const FAN_OUT_VERSIONS: TaskVersions = {
  ...FAN_OUT_SNAPSHOT_VERSIONS,
  behaviours: {
    [FAN_OUT_MACHINE_VERSION]: {
      create: (input) => createFanOut(input as FanOutInput).snapshot,
      decide: decideFanOut,
    },
  },
};

/** Returns the machine of a type of task, through its versions. */
export function versionsOf(type: string): TaskVersions {
  return type === FAN_OUT ? FAN_OUT_VERSIONS : TASK_VERSIONS;
}

/** What a replay came to. */
export interface Replay {
  /** After the creation and after each event, as far as it went. */
  readonly snapshots: readonly TaskSnapshot[];
  /** Where and why it stopped, or null. */
  readonly problem: string | null;
}

/**
 * Replays a history: the first snapshot from `input`, then every event in turn.
 *
 * @param storedVersion version of the machine under which the task is stored
 */
export function replayTask(
  input: TaskInput,
  events: readonly TaskEvent[],
  storedVersion = TASK_MACHINE_VERSION,
  versions = TASK_VERSIONS,
): Replay {
  const firstUpgrade = events.find((event) => event.type === 'machine.upgraded');
  let version = firstUpgrade?.fromVersion ?? storedVersion;
  const snapshots: TaskSnapshot[] = [];
  const stop = (why: string): Replay => ({
    snapshots,
    problem: `version ${snapshots.length + 1}: ${why}`,
  });
  const first = versions.behaviours[version];
  if (first === undefined) return stop(unknownBehaviour(version));
  let before = first.create(input);
  snapshots.push(before);
  for (const event of events) {
    const decision = replayEvent(versions, version, before, event);
    if (typeof decision === 'string') return stop(decision);
    if (decision.kind === 'refused') return stop(decision.error.message);
    if (decision.kind !== 'transition')
      return stop(`${event.type} is no transition of ${before.path}`);
    if (event.type === 'machine.upgraded') version = event.toVersion;
    before = decision.snapshot;
    snapshots.push(before);
  }
  if (version === storedVersion) return { snapshots, problem: null };
  return stop(`the history ends with machine version ${version}, stored is ${storedVersion}`);
}

function replayEvent(
  versions: TaskVersions,
  version: number,
  before: TaskSnapshot,
  event: TaskEvent,
): Decision | string {
  if (event.type !== 'machine.upgraded') {
    return versions.behaviours[version]?.decide(before, event) ?? unknownBehaviour(version);
  }
  if (event.fromVersion === version) return decideUpgrade(versions, before, event);
  return `the upgrade begins at machine version ${event.fromVersion}, the task has ${version}`;
}

function unknownBehaviour(version: number): string {
  return `this program cannot replay version ${version} of the task machine`;
}
