/** A committed transition of any actor, as `muster events` shows it: the same lines that the console exports. Pure. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { ActorKind } from '../../../proto/gen/muster/v1/live_service_pb.ts';
import type { ActorTransition } from '../../../proto/gen/muster/v1/live_service_pb.ts';
import { TaskType } from '../../../proto/gen/muster/v1/task_pb.ts';
import type { Task, Transition } from '../../../proto/gen/muster/v1/task_pb.ts';
import { enumName } from '../enums.ts';
import { UsageFault } from '../fault.ts';

const KINDS = ['task', 'fan-out', 'schedule', 'node'] as const;
export type Kind = (typeof KINDS)[number];

export interface Entry {
  /** In ISO form. */
  readonly at: string;
  readonly kind: Kind;
  readonly id: string;
  readonly name: string;
  /** Of a task; else empty. */
  readonly type: string;
  readonly nodeId: string;
  readonly version: number;
  /** 0 for none. */
  readonly attempt: number;
  readonly event: string;
  /** Empty for the first. */
  readonly from: string;
  readonly to: string;
}

/** Reads the values of `--kind`; none are all. @throws UsageFault for an unknown one */
export function kindsOf(texts: readonly string[]): ReadonlySet<Kind> {
  const words = texts.flatMap((text) => text.split(',')).map((text) => text.trim());
  const kinds = words.map((text) => {
    const kind = KINDS.find((one) => one === text.replace('_', '-'));
    if (kind !== undefined) return kind;
    throw new UsageFault(`--kind: '${text}' is none of ${KINDS.join(', ')}`);
  });
  return new Set(kinds.length === 0 ? KINDS : kinds);
}

export function entryOfTask(task: Task, transition: Transition): Entry {
  return {
    ...start(transition),
    kind: task.type === TaskType.FAN_OUT ? 'fan-out' : 'task',
    id: task.id,
    name: task.name,
    type: enumName(TaskType, task.type),
    nodeId: nodeOf(task, transition),
    ...step(transition),
  };
}

/** Null for a kind that only a newer supervisor knows. */
export function entryOfActor({ kind, id, name, transition }: ActorTransition): Entry | null {
  if (transition === undefined) return null;
  if (kind !== ActorKind.SCHEDULE && kind !== ActorKind.NODE) return null;
  const isNode = kind === ActorKind.NODE;
  return {
    ...start(transition),
    kind: isNode ? 'node' : 'schedule',
    id,
    name,
    type: '',
    nodeId: isNode ? id : '',
    ...step(transition),
  };
}

/** The node that an event is about, else the one of the task if it is still at this attempt. */
function nodeOf({ nodeId, attempt }: Task, { event, attempt: then }: Transition): string {
  const told = event?.['nodeId'];
  if (typeof told === 'string') return told;
  return attempt === then ? nodeId : '';
}

function start({ at }: Transition): Pick<Entry, 'at'> {
  return { at: new Date(at === undefined ? 0 : timestampMs(at)).toISOString() };
}

function step({ version, attempt, eventType, fromState, toState }: Transition) {
  return { version, attempt, event: eventType, from: fromState, to: toState };
}
