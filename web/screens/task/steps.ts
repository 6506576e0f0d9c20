/** What the steps of a task add up to: the way through its machine, the time in each state, and what changed when. */
import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { edgeOfStep } from '../../../machines/chart.ts';
import type { Machine } from '../../../proto/gen/muster/v1/machine_pb.ts';
import type { Transition } from '../../../proto/gen/muster/v1/task_pb.ts';

/** The way through a machine. */
export interface Way {
  /** How often each edge was taken, by its index. */
  readonly visits: ReadonlyMap<number, number>;
  /** At which versions each edge was taken, in short. */
  readonly marks: ReadonlyMap<number, string>;
  /** The edge of the last step, where it took one. */
  readonly last: number | undefined;
}

/** Returns the way that the steps have taken through their machine. */
export function wayOf(machine: Machine, steps: readonly Transition[]): Way {
  const versions = new Map<number, number[]>();
  let last: number | undefined;
  for (const { fromState: from, toState: to, eventType: event, version } of steps) {
    const edge = edgeOfStep(machine, { from, to, event });
    last = edge === null ? undefined : machine.edges.indexOf(edge);
    if (last === undefined) continue;
    versions.set(last, [...(versions.get(last) ?? []), version]);
  }
  return {
    visits: new Map([...versions].map(([index, taken]) => [index, taken.length])),
    marks: new Map([...versions].map(([index, taken]) => [index, markOf(taken)])),
    last,
  };
}

/** Up to three versions, and of more how many. */
function markOf(versions: readonly number[]): string {
  if (versions.length <= 3) return versions.join(', ');
  return `${versions[0]} … ${versions.at(-1)} (${versions.length}×)`;
}

/** The time that a task has spent in a state. */
export interface Stay {
  readonly path: string;
  readonly times: number;
  readonly ms: number;
  /** It is there still. */
  readonly isOpen: boolean;
}

/**
 * Returns the time in each state, in the order in which they were entered first.
 *
 * @param untilMs the end of the stay that is still open
 */
export function staysOf(steps: readonly Transition[], untilMs: number, isFinal: boolean): Stay[] {
  const stays = new Map<string, Stay>();
  steps.forEach((step, index) => {
    const next = steps[index + 1];
    const [from, to] = [msOf(step), next === undefined ? untilMs : msOf(next)];
    const isOpen = next === undefined && !isFinal;
    const { times, ms } = stays.get(step.toState) ?? { times: 0, ms: 0 };
    const isEntry = index === 0 || step.fromState !== step.toState;
    stays.set(step.toState, {
      path: step.toState,
      times: times + (isEntry ? 1 : 0),
      ms: ms + (next === undefined && isFinal ? 0 : Math.max(to - from, 0)),
      isOpen,
    });
  });
  return [...stays.values()];
}

function msOf({ at }: Transition): number {
  return at === undefined ? 0 : timestampMs(at);
}

/** What is known of a task by its events: names and values, for people. */
export type Facts = Readonly<Record<string, string>>;

/** Returns what the events up to the last of these steps say. */
export function factsOf(steps: readonly Transition[]): Facts {
  let facts: Facts = {};
  let timeoutMs: number | null = null;
  for (const step of steps) {
    const event = step.event ?? {};
    if (step.eventType === 'task.created') timeoutMs = timeoutOf(event);
    const next: Record<string, string | undefined> = {
      ...facts,
      ...changesOf(step, event, facts, timeoutMs),
      state: step.toState,
      attempt: String(step.attempt),
    };
    facts = Object.fromEntries(
      Object.entries(next).filter((pair): pair is [string, string] => pair[1] !== undefined),
    );
  }
  return facts;
}

type Changes = Record<string, string | undefined>;

function changesOf(
  step: Transition,
  event: JsonObject,
  facts: Facts,
  timeoutMs: number | null,
): Changes {
  const epoch = textOf(event['epoch']);
  switch (step.eventType) {
    case 'task.created':
      return createdFacts(event);
    case 'attempt.dispatched':
      return {
        node: textOf(event['nodeId']),
        epoch,
        'exit code': undefined,
        signal: undefined,
        started: undefined,
        deadline: undefined,
      };
    case 'attempt.started':
      return {
        epoch,
        ...startedFacts(msOf(step), facts, timeoutMs),
        'unreachable since': undefined,
      };
    case 'attempt.exited':
      return {
        'exit code': textOf(event['exitCode']),
        signal: textOf(event['signal']),
        deadline: undefined,
        'unreachable since': undefined,
      };
    case 'attempt.lost':
      return { deadline: undefined, 'unreachable since': undefined };
    case 'session.lost':
      return { 'unreachable since': timeText(msOf(step)) };
    case 'session.opened':
      return { epoch, 'unreachable since': undefined };
    case 'cancel.requested':
      return { 'stop cause': step.toState.startsWith('running') ? 'cancel' : undefined };
    case 'timer.fired':
      return step.toState === 'running.stopping' ? { 'stop cause': 'timeout' } : {};
    case 'children.counted':
      return childrenFacts(event);
    default:
      return {};
  }
}

function createdFacts(event: JsonObject): Changes {
  const input = objectOf(event['input']);
  const target = objectOf(input['target']);
  const policy = objectOf(input['policy']);
  return {
    node: textOf(target['nodeId']),
    'max attempts': textOf(policy['maxAttempts']),
    priority: textOf(policy['priority']),
    children: textOf(input['total']),
  };
}

function startedFacts(at: number, facts: Facts, timeoutMs: number | null): Changes {
  if (facts['started'] !== undefined) return {};
  return {
    started: timeText(at),
    deadline: timeoutMs === null ? undefined : timeText(at + timeoutMs),
  };
}

function childrenFacts(event: JsonObject): Changes {
  const counts = Object.entries(objectOf(event['counts']));
  return Object.fromEntries(counts.map(([name, count]) => [`children ${name}`, textOf(count)]));
}

function timeoutOf(event: JsonObject): number | null {
  const { timeoutMs } = objectOf(objectOf(event['input'])['policy']);
  return typeof timeoutMs === 'number' ? timeoutMs : null;
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

function textOf(value: JsonValue | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', ' UTC');
}

/** A fact that differs between two versions; a side that has none is null. */
export interface Difference {
  readonly name: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** Returns what differs between two versions. */
export function differencesOf(before: Facts, after: Facts): Difference[] {
  const names = [...new Set([...Object.keys(after), ...Object.keys(before)])];
  return names
    .filter((name) => before[name] !== after[name])
    .map((name) => ({ name, before: before[name] ?? null, after: after[name] ?? null }));
}

/** Returns who made a step happen, for people. */
export function whoOf({ eventType, event = {} }: Transition, creator: string): string {
  const by = textOf(event['by']);
  if (by !== undefined) return by;
  const node = textOf(event['nodeId']);
  if (eventType === 'task.created') return creator;
  if (eventType === 'attempt.dispatched') return 'scheduler';
  if (eventType === 'timer.fired') return 'timer';
  if (eventType === 'children.counted') return 'children';
  if (eventType === 'session.lost' || eventType === 'target.offline') return 'supervisor';
  return node === undefined ? 'supervisor' : `agent of ${node}`;
}
