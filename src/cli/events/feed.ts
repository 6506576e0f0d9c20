/**
 * The transitions of tasks, schedules and nodes over one stream, the former ones first.
 *
 * It remembers the versions that it has seen, so that a call after a lost connection goes on from there; what comes twice is told once.
 */
import { Code, ConnectError } from '@connectrpc/connect';
import type {
  ActorsMoved,
  OpenStreamResponse,
} from '../../../proto/gen/muster/v1/live_service_pb.ts';
import { TaskType } from '../../../proto/gen/muster/v1/task_pb.ts';
import type { WatchTasksResponse } from '../../../proto/gen/muster/v1/task_service_pb.ts';
import type { Connection } from '../connection.ts';
import { unary } from '../connection.ts';
import { type Entry, entryOfActor, entryOfTask, type Kind } from './entry.ts';

/** Tasks whose transitions are read at the beginning, and how many of each. */
const FIRST_TASKS = 20;
const FIRST_STEPS = 50;
/** Steps of schedules, and of nodes, at the beginning. */
const FORMER = 300;
/** As many as a request may name. */
const MAX_SEEN_TASKS = 1_000;
const MAX_SEEN_ACTORS = 20_000;
/** As many as are remembered to tell what comes twice. */
const MAX_REMEMBERED = 100_000;

export class EventFeed {
  readonly #kinds: ReadonlySet<Kind>;
  readonly #print: (entries: readonly Entry[]) => Promise<void>;
  /** Tasks by id, the one that changed last at the end. */
  readonly #tasks = new Map<string, number>();
  /** Schedules and nodes by key; null before the first message. */
  #actors: Map<string, number> | null = null;
  readonly #told = new Set<string>();
  /** What is to be shown by time before all else; null once that is done. */
  #former: Entry[] | null = [];

  /** @param print called with the former transitions together, then with what comes */
  constructor(kinds: ReadonlySet<Kind>, print: (entries: readonly Entry[]) => Promise<void>) {
    this.#kinds = kinds;
    this.#print = print;
  }

  /**
   * Tells the former transitions, unless that is done, and what comes; returns after the former ones if it is not to go on.
   *
   * @throws ConnectError `unavailable` when the stream ends
   */
  async follow(connection: Connection, isEndless: boolean, progressed: () => void): Promise<void> {
    for await (const { message } of connection.live.openStream({})) {
      progressed();
      if (message.case === 'opened') {
        await this.#begin(connection, message.value.streamId, isEndless);
      } else await this.#take(message);
      if (!isEndless && this.#former === null) return;
    }
    throw new ConnectError('the stream of events has ended', Code.Unavailable);
  }

  get #hasTasks(): boolean {
    return this.#kinds.has('task') || this.#kinds.has('fan-out');
  }

  get #hasActors(): boolean {
    return this.#kinds.has('schedule') || this.#kinds.has('node');
  }

  async #begin(connection: Connection, streamId: string, isEndless: boolean): Promise<void> {
    const { live } = connection;
    if (this.#hasTasks && isEndless) {
      const seen = [...this.#tasks]
        .slice(-MAX_SEEN_TASKS)
        .map(([id, version]) => ({ id, version }));
      const topic = { case: 'tasks', value: { seen } } as const;
      await live.subscribe({ streamId, subscriptionId: 'tasks', topic }, unary);
    }
    if (this.#hasTasks && this.#former !== null) await this.#readTasks(connection);
    if (!this.#hasActors) return await this.#tellFormer();
    if ((this.#actors?.size ?? 0) > MAX_SEEN_ACTORS) this.#actors = null;
    const actors = [...(this.#actors ?? [])].map(([key, version]) => ({ key, version }));
    const value = this.#actors === null ? { former: FORMER } : { seen: { actors } };
    const topic = { case: 'actors', value } as const;
    await live.subscribe({ streamId, subscriptionId: 'actors', topic }, unary);
  }

  async #readTasks({ tasks }: Connection): Promise<void> {
    const filter = this.#kinds.has('task') ? {} : { types: [TaskType.FAN_OUT] };
    const { tasks: newest } = await tasks.listTasks({ filter, pageSize: FIRST_TASKS }, unary);
    for (const task of newest) {
      const { id } = task;
      const { transitions } = await tasks.getTaskHistory({ id, pageSize: FIRST_STEPS }, unary);
      for (const transition of transitions) {
        await this.#tell(`${id} ${transition.version}`, entryOfTask(task, transition));
      }
    }
  }

  async #take(message: OpenStreamResponse['message']): Promise<void> {
    if (message.case === 'task') await this.#takeTask(message.value);
    else if (message.case === 'actors') await this.#takeActors(message.value);
    else if (message.case === 'ended') throw new ConnectError(message.value.why, Code.Unavailable);
  }

  async #takeTask({ task, transition }: WatchTasksResponse): Promise<void> {
    if (task === undefined || transition === undefined) return;
    this.#tasks.delete(task.id);
    this.#tasks.set(task.id, transition.version);
    const [oldest] = this.#tasks.keys();
    if (this.#tasks.size > MAX_SEEN_TASKS && oldest !== undefined) this.#tasks.delete(oldest);
    await this.#tell(`${task.id} ${transition.version}`, entryOfTask(task, transition));
  }

  async #takeActors({ transitions, versions }: ActorsMoved): Promise<void> {
    const known = (this.#actors ??= new Map());
    for (const { key, version } of versions) known.set(key, version);
    for (const one of transitions) {
      const version = one.transition?.version ?? 0;
      known.set(one.key, Math.max(version, known.get(one.key) ?? 0));
      await this.#tell(`${one.key} ${version}`, entryOfActor(one));
    }
    await this.#tellFormer();
  }

  /** Shows an entry, or keeps it for later where the former ones are not shown yet. */
  async #tell(key: string, entry: Entry | null): Promise<void> {
    if (entry === null || !this.#kinds.has(entry.kind) || this.#told.has(key)) return;
    this.#told.add(key);
    const [oldest] = this.#told;
    if (this.#told.size > MAX_REMEMBERED && oldest !== undefined) this.#told.delete(oldest);
    if (this.#former === null) await this.#print([entry]);
    else this.#former.push(entry);
  }

  async #tellFormer(): Promise<void> {
    const former = this.#former;
    if (former === null) return;
    this.#former = null;
    await this.#print(
      former.sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0)),
    );
  }
}
