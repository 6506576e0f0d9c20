/** Watching, waiting and tailing: what a client sees of tasks and of their output. */
import { describe, expect, it } from 'vitest';
import { readTasks } from '../../db/tasks.ts';
import { expireHistories, expireOutput } from '../../db/expiry.ts';
import { eventually } from '../../test/eventually.ts';
import { systemClock } from '../process/clock.ts';
import { silentLogger } from '../process/log.ts';
import { Availability } from './availability.ts';
import { Changes } from './changes.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import { createStore } from './store.ts';
import type {
  AgentEvent,
  OutputItem,
  Supervisor,
  TaskChange,
  TaskFilter,
  TransitionRecord,
} from './supervisor.ts';
import {
  caller,
  create,
  draft,
  kindOf,
  reaches,
  startsArrive,
  useBench,
} from './testing/test-bench.ts';
import { WorkingAgent } from './testing/working-agent.ts';
import { watchTasks } from './watch.ts';

const bench = useBench();

/** A watcher that collects until the test ends it. */
class Watcher {
  readonly changes: TaskChange[] = [];
  readonly #end = new AbortController();
  readonly over: Promise<string>;

  constructor(supervisor: Supervisor, filter: TaskFilter, seen = new Map<string, number>()) {
    this.over = kindOf(this.#collect(supervisor.tasks.watch(filter, seen, this.#end.signal)));
  }

  async #collect(changes: AsyncIterable<TaskChange>): Promise<void> {
    for await (const change of changes) this.changes.push(change);
  }

  /** Versions of a task as they came: of the step, or of the task as it stood at the beginning. */
  versions(id: string): number[] {
    return this.changes
      .filter(({ record }) => record.id === id)
      .map(({ record, transition }) => transition?.version ?? record.version);
  }

  async sees(id: string, path: string): Promise<void> {
    await eventually(
      () => this.changes.some(({ record }) => record.id === id && record.snapshot.path === path),
      `the watcher sees ${path}`,
    );
  }

  async stop(): Promise<void> {
    this.#end.abort();
    expect(await this.over).toBe('none');
  }
}

function output(
  taskId: string,
  attempt: number,
  offset: number,
  text: string,
  stream: 'stdout' | 'stderr' = 'stdout',
): AgentEvent {
  const content = new TextEncoder().encode(text);
  return { kind: 'output', piece: { taskId, attempt, stream, offset, content, at: 1 } };
}

function textOf(items: readonly OutputItem[], attempt: number, stream = 'stdout'): string {
  return items
    .map((item) =>
      item.kind === 'chunk' && item.piece.attempt === attempt && item.piece.stream === stream
        ? new TextDecoder().decode(item.piece.content)
        : '',
    )
    .join('');
}

async function tail(
  supervisor: Supervisor,
  id: string,
  from: { attempt?: number; stdoutOffset?: number } = {},
): Promise<OutputItem[]> {
  const items: OutputItem[] = [];
  const start = { attempt: 0, stdoutOffset: 0, stderrOffset: 0, ...from };
  const { signal } = new AbortController();
  for await (const item of supervisor.tasks.tailOutput(id, start, false, signal)) items.push(item);
  return items;
}

describe('a watcher', () => {
  it('begins with what matches and then gets every version once (I4)', async () => {
    const supervisor = await bench.start();
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor);
    const [old = ''] = await create(supervisor, draft('web-1'));
    await startsArrive(agent, 1);
    await create(supervisor, draft(null, {}, { labels: { other: 'yes' }, held: true }));
    const watcher = new Watcher(supervisor, { nodeIds: ['web-1'] });
    await watcher.sees(old, 'running.dispatched');
    const [fresh = ''] = await create(supervisor, draft('web-1'));
    await startsArrive(agent, 2);
    for (const id of [old, fresh]) agent.tell(agent.started(id), agent.exited(id, 0));
    await watcher.sees(old, 'completed');
    await watcher.sees(fresh, 'completed');
    expect(watcher.versions(old)).toEqual([2, 3, 4]);
    expect(watcher.versions(fresh)).toEqual([1, 2, 3, 4]);
    expect(new Set(watcher.changes.map(({ record }) => record.id))).toEqual(new Set([old, fresh]));
    await watcher.stop();
  });

  it('tells of tasks with a text in their names only', async () => {
    const supervisor = await bench.start();
    const held = (name: string) => draft(null, {}, { held: true, name });
    const [old = ''] = await create(supervisor, held('Nightly Backup'), held('deploy'));
    const watcher = new Watcher(supervisor, { text: 'BACK' });
    await watcher.sees(old, 'pending.held');
    const [, fresh = ''] = await create(supervisor, held('deploy'), held('backup'));
    await watcher.sees(fresh, 'pending.held');
    await supervisor.tasks.execute(fresh, caller);
    await watcher.sees(fresh, 'pending.queued');
    expect(new Set(watcher.changes.map(({ record }) => record.id))).toEqual(new Set([old, fresh]));
    await watcher.stop();
  });

  it('goes on behind the versions it has seen, also those of another supervisor (I4)', async () => {
    const [one, other] = [await bench.start(), await bench.start()];
    const agent = new ScriptedAgent('web-1');
    await agent.connect(one);
    const [id = ''] = await create(one, draft('web-1'));
    await startsArrive(agent, 1);
    const watchers = [
      new Watcher(other, {}, new Map([[id, 1]])),
      new Watcher(other, { ids: [id] }, new Map([[id, 1]])),
    ];
    agent.tell(agent.started(id));
    await reaches(one, id, 'running.executing');
    agent.tell(agent.exited(id, 0));
    for (const watcher of watchers) {
      await watcher.sees(id, 'completed');
      expect(watcher.versions(id)).toEqual([2, 3, 4]);
      await watcher.stop();
    }
  });

  it('hears of commits of another supervisor that are too large to name their tasks', async () => {
    const [one, other] = [await bench.start(), await bench.start()];
    const watcher = new Watcher(other, { labels: { many: 'yes' } });
    const drafts = Array.from({ length: 150 }, () => draft(null, {}, { labels: { many: 'yes' } }));
    const ids = (await one.tasks.create(drafts, caller, '')).map((record) => record.id);
    await eventually(() => watcher.changes.length === 150, 'all of them are seen');
    const agent = new WorkingAgent('web-1', 32);
    await agent.connect(one);
    const isOver = () => ids.every((id) => watcher.versions(id).at(-1) === 4);
    await eventually(isOver, 'all of them are seen to end');
    for (const id of ids) expect(watcher.versions(id)).toEqual([1, 2, 3, 4]);
    await watcher.stop();
  });

  it('is told that a task has been deleted', async () => {
    const supervisor = await bench.start();
    const [id = ''] = await create(supervisor, draft(null));
    const watcher = new Watcher(supervisor, {});
    await watcher.sees(id, 'pending.queued');
    await supervisor.tasks.cancel(id, '', caller);
    await supervisor.tasks.delete(id);
    await eventually(() => watcher.changes.at(-1)?.isDeleted === true, 'it is gone');
    await watcher.stop();
  });

  it('sees all of its tasks to their end when nobody said which have changed, however many they are', async () => {
    const supervisor = await bench.start();
    const wishes = Array.from({ length: 1_000 }, () => draft(null, {}, { held: true }));
    const ids = [
      ...(await create(supervisor, ...wishes)),
      ...(await create(supervisor, ...wishes)),
    ];
    const database = await bench.connect();
    const availability = new Availability(() => database.sql`select 1`, systemClock, silentLogger);
    const changes = new Changes();
    const { signal } = new AbortController();
    const store = createStore(database, availability, 'test');
    const watcher = watchTasks(store, changes, { newest: () => null }, {}, new Map(), signal);
    // What is there at the beginning are the newest only; the others are known by their changes.
    const known = new Set([(await watcher.next()).value?.record.id ?? '']);
    for (const record of await store.read((sql) => readTasks(sql, ids))) {
      changes.publish({ record, transitions: [], isDeleted: false });
    }
    while (known.size < ids.length) known.add((await watcher.next()).value?.record.id ?? '');
    await Promise.all(ids.map((id) => supervisor.tasks.cancel(id, '', caller)));
    changes.missed();
    const ended = new Set<string>();
    const [last = ''] = await create(supervisor, draft(null));
    // Read behind all that have been known before.
    for await (const { record } of watcher) {
      if (record.id === last) break;
      ended.add(record.id);
    }
    expect(ended.size).toBe(ids.length);
  });

  it('that reads too slowly is told to come again, and holds up nobody', async () => {
    const supervisor = await bench.start();
    const [id = ''] = await create(supervisor, draft(null));
    const { record } = await supervisor.tasks.get(id);
    const database = await bench.connect();
    const availability = new Availability(() => database.sql`select 1`, systemClock, silentLogger);
    const changes = new Changes();
    const { signal } = new AbortController();
    const store = createStore(database, availability, 'test');
    const slow = watchTasks(store, changes, { newest: () => null }, {}, new Map(), signal);
    // The first change is read, and nothing more.
    await slow.next();
    const next = slow.next();
    await eventually(() => changes.hasGeneralListeners, 'it watches');
    const [step] = (await supervisor.tasks.history(id, 0, 1)).transitions;
    for (let version = 2; version <= 20_005; version += 1) {
      const transitions = [{ ...(step as TransitionRecord), version }];
      changes.publish({ record: { ...record, version }, transitions, isDeleted: false });
    }
    const readOn = async () => {
      await next;
      for (;;) if ((await slow.next()).done) return;
    };
    expect(await kindOf(readOn())).toBe('resource_exhausted');
    expect(changes.hasGeneralListeners).toBe(false);
  });
});

describe('waiting for a task', () => {
  it('ends with its final state, with the time or with the signal', async () => {
    const [one, other] = [await bench.start(), await bench.start()];
    const [id = ''] = await create(one, draft(null));
    const { signal } = new AbortController();
    const early = await one.tasks.wait(id, 10, signal);
    expect(early.snapshot.path).toBe('pending.queued');
    const stop = new AbortController();
    const stopped = one.tasks.wait(id, 60_000, stop.signal);
    stop.abort();
    expect((await stopped).snapshot.path).toBe('pending.queued');
    const waiting = other.tasks.wait(id, 60_000, signal);
    await one.tasks.cancel(id, '', caller);
    expect((await waiting).snapshot.path).toBe('cancelled');
    expect((await one.tasks.wait(id, 60_000, signal)).snapshot.path).toBe('cancelled');
  });
});

describe('the tail of the output', () => {
  it('comes through all attempts, from any offset, with a marker for what was dropped (I5)', async () => {
    const [supervisor, other] = [await bench.start(), await bench.start()];
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor);
    const [id = ''] = await create(
      supervisor,
      draft('web-1', { maxAttempts: 2, retryInitialMs: 1 }),
    );
    expect(await supervisor.tasks.readOutput(id, 0, 'stdout', 0, 10)).toMatchObject({
      isEnd: false,
    });
    await startsArrive(agent, 1);
    const tails = [
      tail(supervisor, id),
      tail(other, id),
      tail(supervisor, id, { attempt: 1, stdoutOffset: 4 }),
    ];
    agent.tell(agent.started(id), output(id, 1, 0, 'one '));
    agent.tell(output(id, 1, 0, 'one two'), output(id, 1, 0, '!', 'stderr'));
    agent.tell(agent.exited(id, 1, 1, { stdoutBytes: 7, stderrBytes: 1, droppedBytes: 99 }));
    await startsArrive(agent, 2);
    agent.tell(agent.started(id, 2), output(id, 2, 0, 'three'), agent.exited(id, 0, 2));
    const [whole = [], elsewhere = [], later = []] = await Promise.all(tails);
    for (const items of [whole, elsewhere]) {
      expect(textOf(items, 1)).toBe('one two');
      expect(textOf(items, 1, 'stderr')).toBe('!');
      expect(textOf(items, 2)).toBe('three');
      expect(items).toContainEqual({ kind: 'dropped', attempt: 1, bytes: 99 });
      expect(items.at(-1)).toMatchObject({
        kind: 'task',
        record: { snapshot: { path: 'completed' } },
      });
    }
    expect(textOf(later, 1)).toBe('two');
    const read = (attempt: number, offset: number, limit: number) =>
      supervisor.tasks.readOutput(id, attempt, 'stdout', offset, limit);
    const first = await read(1, 2, 3);
    expect([new TextDecoder().decode(first.content), first.nextOffset, first.isEnd]).toEqual([
      'e t',
      5,
      false,
    ]);
    expect(await read(1, 7, 10)).toMatchObject({ nextOffset: 7, isEnd: true, droppedBytes: 99 });
    expect(await read(0, 0, 10)).toMatchObject({ attempt: 2, nextOffset: 5 });
    expect(await kindOf(read(3, 0, 10))).toBe('invalid_argument');
  });

  it('says what has expired, and so do the history and its proof', async () => {
    const supervisor = await bench.start();
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor);
    const [id = ''] = await create(supervisor, draft('web-1'));
    await startsArrive(agent, 1);
    agent.tell(agent.started(id), output(id, 1, 0, 'hello'), output(id, 1, 0, '!!', 'stderr'));
    agent.tell(agent.exited(id, 0, 1, { stdoutBytes: 5, stderrBytes: 2 }));
    await reaches(supervisor, id, 'completed');
    const { tasks } = supervisor;
    expect(await tasks.readOutput(id, 0, 'stdout', 5, 9)).toMatchObject({ isExpired: false });
    expect(await tasks.verify(id)).toMatchObject({ transitions: 4, isExpired: false });
    const batch = { keepMs: null, limit: 10, after: null };
    await expireOutput(bench.sql, batch);
    await expireHistories(bench.sql, batch);
    expect(await tasks.readOutput(id, 0, 'stdout', 0, 9)).toMatchObject({
      isExpired: true,
      isEnd: true,
      nextOffset: 5,
    });
    const kinds = (await tail(supervisor, id)).map(({ kind }) => kind);
    expect(kinds).toEqual(['expired', 'task']);
    expect(await tail(supervisor, id, { attempt: 1, stdoutOffset: 4 })).toContainEqual({
      kind: 'expired',
      attempt: 1,
      bytes: 3,
    });
    expect(await tasks.history(id, 0, 10)).toMatchObject({ transitions: [], isExpired: true });
    const nothing = { transitions: 0, differences: [], isExpired: true };
    expect(await tasks.verify(id)).toEqual(nothing);
    // Lost steps of a task whose history has not expired are found.
    await bench.sql`delete from expired_histories`;
    expect(await tasks.verify(id)).toMatchObject({
      differences: expect.arrayContaining(['there is no creation']),
      isExpired: false,
    });
  });
});
