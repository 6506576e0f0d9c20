/**
 * The transitions of all tasks, schedules and nodes as they come, newest first, in a ring of fixed size.
 *
 * While it is held, what comes is collected all the same and shown once it goes on; so nothing moves while one reads.
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { ActorKind, type ActorTransition } from '../../../proto/gen/muster/v1/live_service_pb.ts';
import { type Task, TaskType, type Transition } from '../../../proto/gen/muster/v1/task_pb.ts';

export const KINDS = ['task', 'fan-out', 'schedule', 'node'] as const;
export type Kind = (typeof KINDS)[number];

/** A committed transition of any actor. */
export interface Entry {
  /** One of a kind: the actor and its version. */
  readonly key: string;
  /** Ms since 1970. */
  readonly at: number;
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
  readonly from: string;
  readonly to: string;
}

export const MAX_ENTRIES = 5_000;

export function entryOf(task: Task, transition: Transition): Entry {
  const [typeName = ''] = Object.entries(TaskType).find(([, value]) => value === task.type) ?? [];
  return {
    key: `${task.id} ${transition.version}`,
    kind: task.type === TaskType.FAN_OUT ? 'fan-out' : 'task',
    id: task.id,
    name: task.name,
    type: typeName.toLowerCase(),
    nodeId: nodeOf(task, transition),
    ...stepOf(transition),
  };
}

/** Null for what an older page does not know. */
export function entryOfActor({ kind, key, id, name, transition }: ActorTransition): Entry | null {
  if (transition === undefined || kind === ActorKind.UNSPECIFIED) return null;
  const isNode = kind === ActorKind.NODE;
  return {
    key: `${key} ${transition.version}`,
    kind: isNode ? 'node' : 'schedule',
    id,
    name,
    type: '',
    nodeId: isNode ? id : '',
    ...stepOf(transition),
  };
}

function stepOf({ version, attempt, eventType, fromState, toState, at }: Transition) {
  const ms = at === undefined ? 0 : timestampMs(at);
  return { at: ms, version, attempt, event: eventType, from: fromState, to: toState };
}

/** The node that an event is about, else the one of the task if it is still at this attempt. */
function nodeOf({ nodeId, attempt }: Task, { event, attempt: then }: Transition): string {
  const told = event?.['nodeId'];
  if (typeof told === 'string') return told;
  return attempt === then ? nodeId : '';
}

export interface EventFilter {
  /** Conditions that are empty hold for all. */
  readonly kind: string;
  readonly event: string;
  readonly from: string;
  readonly to: string;
  readonly type: string;
  readonly node: string;
  /** Found anywhere in name, id, event and states. */
  readonly text: string;
}

/** States match by their beginning: running is every running one. */
export function isMatching(filter: EventFilter, entry: Entry): boolean {
  const { kind, event, from, to, type, node, text } = filter;
  const isState = (wanted: string, state: string) =>
    wanted === '' || state === wanted || state.startsWith(`${wanted}.`);
  if (kind !== '' && entry.kind !== kind) return false;
  if (event !== '' && entry.event !== event) return false;
  if (!isState(from, entry.from) || !isState(to, entry.to)) return false;
  if (type !== '' && entry.type !== type) return false;
  if (node !== '' && entry.nodeId !== node) return false;
  if (text === '') return true;
  const all = `${entry.name} ${entry.id} ${entry.event} ${entry.from} ${entry.to} ${entry.nodeId}`;
  return all.toLowerCase().includes(text.toLowerCase());
}

export class EventLog {
  /** What is shown, by time, the newest last. */
  #entries: Entry[] = [];
  /** What came since it is held, in the same order. */
  #fresh: Entry[] = [];
  readonly #keys = new Set<string>();
  #isHeld = false;
  #revision = 0;
  readonly #listeners = new Set<() => void>();

  readonly onChange = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get revision(): number {
    return this.#revision;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** How many of those that came since it is held match. */
  newCount(filter: EventFilter): number {
    return this.#fresh.filter((entry) => isMatching(filter, entry)).length;
  }

  /** Adds what has come; one that is there already changes nothing. */
  add(entry: Entry): void {
    if (this.#keys.has(entry.key)) return;
    this.#keys.add(entry.key);
    const entries = this.#isHeld ? this.#fresh : this.#entries;
    // Nearly all belong at the end; what schedules and nodes do comes a second later than what tasks do.
    let place = entries.length;
    while (place > 0 && (entries[place - 1] as Entry).at > entry.at) place -= 1;
    entries.splice(place, 0, entry);
    this.#cut(entries);
    this.#notify();
  }

  /** Puts what happened before the page was opened among the others, by its time. */
  addFormer(entries: readonly Entry[]): void {
    const former = entries.filter(({ key }) => !this.#keys.has(key));
    for (const { key } of former) this.#keys.add(key);
    this.#entries = [...former, ...this.#entries].sort((a, b) => a.at - b.at);
    this.#notify();
  }

  hold(): void {
    this.#isHeld = true;
    this.#notify();
  }

  goOn(): void {
    this.#isHeld = false;
    this.#entries = [...this.#entries, ...this.#fresh].sort((a, b) => a.at - b.at);
    this.#fresh = [];
    this.#cut(this.#entries);
    this.#notify();
  }

  /** What is shown: the entries that match, newest first, without those that came since it is held. */
  shown(filter: EventFilter): Entry[] {
    const entries: Entry[] = [];
    for (let index = this.#entries.length - 1; index >= 0; index -= 1) {
      const entry = this.#entries[index];
      if (entry !== undefined && isMatching(filter, entry)) entries.push(entry);
      if (entries.length >= MAX_ENTRIES) break;
    }
    return entries;
  }

  /** The last version of each of the tasks that changed last, for a subscription that goes on. */
  lastVersions(limit: number): { id: string; version: number }[] {
    const last = new Map<string, number>();
    for (const { kind, id, version } of [...this.#entries, ...this.#fresh].reverse()) {
      if (last.size >= limit) break;
      if (kind === 'task' || kind === 'fan-out') last.set(id, Math.max(version, last.get(id) ?? 0));
    }
    return [...last].map(([id, version]) => ({ id, version }));
  }

  /** The values that occur, for choices. */
  values(of: 'event' | 'nodeId'): string[] {
    const all = [...this.#entries, ...this.#fresh].map((entry) => entry[of]);
    return [...new Set(all)].filter((value) => value !== '').sort();
  }

  /** Cut now and then, not for each. */
  #cut(entries: Entry[]): void {
    if (entries.length < MAX_ENTRIES * 1.2) return;
    for (const { key } of entries.splice(0, entries.length - MAX_ENTRIES)) this.#keys.delete(key);
  }

  #notify(): void {
    this.#revision += 1;
    for (const listener of this.#listeners) listener();
  }
}

/** Returns entries as JSON, one a line, with times in ISO form. */
export function jsonLines(entries: readonly Entry[]): string {
  return entries
    .map(({ key: _key, at, ...rest }) =>
      JSON.stringify({ at: new Date(at).toISOString(), ...rest }),
    )
    .map((line) => `${line}\n`)
    .join('');
}
