/**
 * Decides what an event does to a fan-out: the one door to the fan-out machine, with the outcomes that decide.ts states.
 */
import { isFinalPath } from './decide.ts';
import type { Decision, TaskSnapshot } from './decide.ts';
import { decideUpgrade } from './decide.ts';
import { MusterError } from './errors.ts';
import { FAN_OUT_MACHINE_VERSION, fanOutMachine } from './fan-out.ts';
import type { FanOutContext, FanOutInput } from './fan-out-context.ts';
import type { SnapshotVersions, StoredSnapshot } from './snapshot.ts';
import { createStepper } from './stepper.ts';
import type { Moved } from './stepper.ts';
import { DEFAULT_TASK_POLICY } from './task-context.ts';
import type { TaskContext } from './task-context.ts';
import { isCommand, isReport } from './task-events.ts';
import type { TaskCommand, TaskEvent } from './task-events.ts';

export const FAN_OUT_SNAPSHOT_VERSIONS: SnapshotVersions = {
  machine: 'fan-out',
  current: FAN_OUT_MACHINE_VERSION,
  steps: {},
};

const stepper = createStepper(fanOutMachine, {
  id: '',
  target: { kind: 'any' },
  policy: DEFAULT_TASK_POLICY,
  held: false,
  startAt: null,
  createdAt: 0,
  fanOut: { maxParallel: 1, maxFailures: null, deadlineMs: null, seed: null },
  total: 1,
});

type FanOutSnapshot = StoredSnapshot<FanOutContext>;

/** Returns the first snapshot of a fan-out and its effects. */
export function createFanOut(input: FanOutInput): Moved<TaskContext> {
  return stepper.start(input);
}

/** Returns what `event` does to a fan-out. Never throws for an event of any kind in any state. */
export function decideFanOut(before: TaskSnapshot, event: TaskEvent): Decision {
  if (event.type === 'machine.upgraded') {
    return decideUpgrade(FAN_OUT_SNAPSHOT_VERSIONS, before, event);
  }
  if (isReport(event)) return { kind: 'late', why: 'a fan-out has no attempts of its own' };
  if (isFinalPath(before.path)) return refuseOrIgnore(before, event);
  const moved = stepper.step(before as FanOutSnapshot, event);
  return moved === null ? refuseOrIgnore(before, event) : { kind: 'transition', ...moved };
}

/** The time at which the fan-out needs a `timer.fired`, ms since 1970, or null. */
export function fanOutWakeAt({ path, context }: TaskSnapshot): number | null {
  if (path === 'pending.delayed') return context.delayedUntil;
  return path.startsWith('running.') ? (context as FanOutContext).deadlineAt : null;
}

const RULES: Record<TaskCommand['type'], [verb: string, rule: string]> = {
  'execute.requested': ['execute', 'only a held one can be executed'],
  'cancel.requested': ['cancel', 'a final state never changes'],
  'resolve.requested': ['resolve', 'resolve its children on unreachable nodes instead'],
  'pause.requested': ['pause', 'only a rolling one can be paused'],
  'resume.requested': ['resume', 'only a paused one can be resumed'],
};

function refuseOrIgnore(before: TaskSnapshot, event: TaskEvent): Decision {
  if (!isCommand(event)) return { kind: 'ignored' };
  // A second cancel asks for what is already under way.
  if (event.type === 'cancel.requested' && !isFinalPath(before.path)) return { kind: 'ignored' };
  const [verb, rule] = RULES[event.type];
  const message = `Cannot ${verb} fan-out ${before.context.id}: it is ${before.path}; ${rule}`;
  return { kind: 'refused', error: new MusterError('illegal_transition', message) };
}
