/**
 * What each kind of task actor does with an event: a fan-out by its machine, every other type by the task machine.
 *
 * The host, replay and the timers ask here and know no machine themselves.
 */
import { TASK_SNAPSHOT_VERSIONS, decideTask, wakeAt } from './decide.ts';
import type { Decision, TaskSnapshot } from './decide.ts';
import { FAN_OUT_SNAPSHOT_VERSIONS, decideFanOut, fanOutWakeAt } from './fan-out-decide.ts';
import type { SnapshotVersions } from './snapshot.ts';
import type { TaskEvent } from './task-events.ts';

/** The type of the tasks that are fan-outs. */
export const FAN_OUT = 'fan_out';

/** One kind of actor. */
export interface Behaviour {
  readonly versions: SnapshotVersions;
  readonly decide: (before: TaskSnapshot, event: TaskEvent) => Decision;
  /** When it needs a `timer.fired`, ms since 1970, or null. */
  readonly wakeAt: (snapshot: TaskSnapshot) => number | null;
}

const TASK: Behaviour = {
  versions: TASK_SNAPSHOT_VERSIONS,
  decide: decideTask,
  wakeAt,
};

const FAN_OUT_BEHAVIOUR: Behaviour = {
  versions: FAN_OUT_SNAPSHOT_VERSIONS,
  decide: decideFanOut,
  wakeAt: fanOutWakeAt,
};

/** @param type of the task, as stored */
export function behaviourOf(type: string): Behaviour {
  return type === FAN_OUT ? FAN_OUT_BEHAVIOUR : TASK;
}
