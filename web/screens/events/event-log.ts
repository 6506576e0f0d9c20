/**
 * The transitions of all tasks as they come, newest first, in a ring of fixed size.
 *
 * While it is held, what comes is collected all the same and shown once it goes on; so nothing moves while one reads.
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { type Task, TaskType, type Transition } from '../../../proto/gen/muster/v1/task_pb.ts';

export interface Entry {
  /** One of a kind: the task and its version. */
  readonly key: string;
  /** Ms since 1970. */
  readonly at: number;
  readonly taskId: string;
  readonly name: string;
  readonly type: string;
  readonly nodeId: string;
  readonly version: number;
  readonly attempt: number;
  readonly event: string;
  readonly from: string;
  readonly to: string;
}

export const MAX_ENTRIES = 5_000;

export function entryOf(task: Task, transition: Transition): Entry {
  const { version, attempt, eventType, fromState, toState, at } = transition;
  const [typeName = ''] = Object.entries(TaskType).find(([, value]) => value === task.type) ?? [];
  return {
    key: `${task.id} ${version}`,
    at: at === undefined ? 0 : timestampMs(at),
    taskId: task.id,
    name: task.name,
    type: typeName.toLowerCase(),
    nodeId: nodeOf(task, transition),
    version,
    attempt,
    event: eventType,
    from: fromState,
    to: toState,
  };
}

/** The node that an event is about, else the one of the task if it is still at this attempt. */
function nodeOf({ nodeId, attempt }: Task, { event, attempt: then }: Transition): string {
  const told = event?.['nodeId'];
  if (typeof told === 'string') return told;
  return attempt === then ? nodeId : '';
}

export interface EventFilter {
  /** Conditions that are empty hold for all. */
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
  const { event, from, to, type, node, text } = filter;
  const isState = (wanted: string, state: string) =>
    wanted === '' || state === wanted || state.startsWith(`${wanted}.`);
  if (event !== '' && entry.event !== event) return false;
  if (!isState(from, entry.from) || !isState(to, entry.to)) return false;
  if (type !== '' && entry.type !== type) return false;
  if (node !== '' && entry.nodeId !== node) return false;
  if (text === '') return true;
  const all = `${entry.name} ${entry.taskId} ${entry.event} ${entry.from} ${entry.to} ${entry.nodeId}`;
  return all.toLowerCase().includes(text.toLowerCase());
}

export class EventLog {
  /** Newest last. */
  #entries: Entry[] = [];
  readonly #keys = new Set<string>();
  #held: number | null = null;
  /** How many there were ever, for what came while it is held. */
  #total = 0;
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
    return this.#held !== null;
  }

  /** Entries that came since it is held, as far as they are kept. */
  get #newCount(): number {
    if (this.#held === null) return 0;
    return Math.min(this.#total - this.#held, this.#entries.length);
  }

  /** How many of those that came since it is held match. */
  newCount(filter: EventFilter): number {
    const fresh = this.#newCount === 0 ? [] : this.#entries.slice(-this.#newCount);
    return fresh.filter((entry) => isMatching(filter, entry)).length;
  }

  /** Adds what has come; one that is there already changes nothing. */
  add(entry: Entry): void {
    if (this.#keys.has(entry.key)) return;
    this.#keys.add(entry.key);
    this.#entries.push(entry);
    this.#total += 1;
    // Cut now and then, not for each.
    if (this.#entries.length >= MAX_ENTRIES * 1.2) {
      const cut = this.#entries.length - MAX_ENTRIES;
      for (const { key } of this.#entries.splice(0, cut)) this.#keys.delete(key);
    }
    this.#notify();
  }

  /** Puts what happened before the page was opened below all others, by its time. */
  addFormer(entries: readonly Entry[]): void {
    const fresh = entries.filter(({ key }) => !this.#keys.has(key)).sort((a, b) => a.at - b.at);
    for (const { key } of fresh) this.#keys.add(key);
    this.#entries = [...fresh, ...this.#entries];
    this.#notify();
  }

  hold(): void {
    this.#held ??= this.#total;
    this.#notify();
  }

  goOn(): void {
    this.#held = null;
    this.#notify();
  }

  /** What is shown: the entries that match, newest first, without those that came since it is held. */
  shown(filter: EventFilter): Entry[] {
    const end = this.#entries.length - this.#newCount;
    const entries: Entry[] = [];
    for (let index = Math.max(end, 0) - 1; index >= 0; index -= 1) {
      const entry = this.#entries[index];
      if (entry !== undefined && isMatching(filter, entry)) entries.push(entry);
      if (entries.length >= MAX_ENTRIES) break;
    }
    return entries;
  }

  /** The last version of each of the tasks that changed last, for a subscription that goes on. */
  lastVersions(limit: number): { id: string; version: number }[] {
    const last = new Map<string, number>();
    for (let index = this.#entries.length - 1; index >= 0 && last.size < limit; index -= 1) {
      const { taskId, version } = this.#entries[index] as Entry;
      last.set(taskId, Math.max(version, last.get(taskId) ?? 0));
    }
    return [...last].map(([id, version]) => ({ id, version }));
  }

  /** The values that occur, for choices. */
  values(of: 'event' | 'nodeId'): string[] {
    return [...new Set(this.#entries.map((entry) => entry[of]))].filter((v) => v !== '').sort();
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
