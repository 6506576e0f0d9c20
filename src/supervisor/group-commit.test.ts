/** Group commit: what shares a batch, and what becomes of it when the batch fails. */
import { describe, expect, it } from 'vitest';
import { eventually } from '../../test/eventually.ts';
import { GroupCommit } from './group-commit.ts';
import type { FailureClass } from './group-commit.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import {
  caller,
  create,
  draft,
  kindOf,
  pathOf,
  startsArrive,
  useBench,
} from './testing/test-bench.ts';

class Failure extends Error {
  readonly failure: FailureClass;
  constructor(failure: FailureClass) {
    super(failure);
    this.failure = failure;
  }
}

/** A line whose commits end when the test says so. */
function openLine(maxBatch = 100) {
  const batches: string[][] = [];
  const ends: ((error?: Error) => void)[] = [];
  const line = new GroupCommit<string, string>({
    name: 'letters',
    maxBatch,
    classify: (error) => (error as Failure).failure ?? 'other',
    commit: (items) => {
      batches.push([...items]);
      return new Promise((resolve, reject) => {
        ends.push((error) => {
          if (error === undefined) resolve(items.map((item) => item.toUpperCase()));
          else reject(error);
        });
      });
    },
  });
  const committing = (count: number) =>
    eventually(() => batches.length === count, `commit ${count} is under way`);
  return { line, batches, ends, committing };
}

describe('a group commit', () => {
  it('takes what arrives during a commit into the next one, in its order', async () => {
    const { line, batches, ends, committing } = openLine(2);
    const first = line.submit('a');
    await committing(1);
    const others = ['b', 'c', 'd'].map((item) => line.submit(item));
    ends[0]?.();
    await committing(2);
    ends[1]?.();
    await committing(3);
    ends[2]?.();
    expect(await Promise.all([first, ...others])).toEqual(['A', 'B', 'C', 'D']);
    expect(batches).toEqual([['a'], ['b', 'c'], ['d']]);
    await line.drained();
  });

  it('lets a refused item fail alone and stores all others', async () => {
    const stored: string[] = [];
    const line = new GroupCommit<string, void>({
      name: 'letters',
      maxBatch: 100,
      classify: (error) => (error as Failure).failure,
      async commit(items) {
        if (items.includes('poison')) throw new Failure('refused_row');
        stored.push(...items);
        return items.map(() => undefined);
      },
    });
    const items = Array.from({ length: 37 }, (_, index) => (index === 20 ? 'poison' : `${index}`));
    const results = await Promise.allSettled(items.map((item) => line.submit(item)));
    expect(stored).toEqual(items.filter((item) => item !== 'poison'));
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(results[20]).toMatchObject({ reason: { kind: 'rejected_by_store' } });
  });

  it('tries a retryable failure again, and gives up after a while', async () => {
    let commits = 0;
    const make = (failures: number) =>
      new GroupCommit<string, number>({
        name: 'letters',
        maxBatch: 100,
        classify: () => 'retryable',
        async commit(items) {
          commits += 1;
          if (commits <= failures) throw new Failure('retryable');
          return items.map(() => commits);
        },
      });
    expect(await make(3).submit('a')).toBe(4);
    commits = 0;
    await expect(make(1_000).submit('a')).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('rejects with unavailable when the connection is lost, and goes on with what comes next', async () => {
    const { line, ends, committing } = openLine();
    const lost = Promise.all([kindOf(line.submit('a')), kindOf(line.submit('b'))]);
    await committing(1);
    const next = line.submit('c');
    ends[0]?.(new Failure('connection_lost'));
    expect(await lost).toEqual(['unavailable', 'unavailable']);
    await committing(2);
    const drained = line.drained();
    ends[1]?.();
    expect(await next).toBe('C');
    await drained;
  });
});

describe('a poison row in a real batch', () => {
  const bench = useBench();

  it('is a spec that Postgres refuses: its creation fails alone', async () => {
    const supervisor = await bench.start();
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) => {
        const body = index === 7 ? 'echo \0' : 'true';
        const wishes = [draft(null), draft(null, {}, { spec: { script: { body } } })];
        return kindOf(supervisor.tasks.create(wishes, caller, `request-${index}`));
      }),
    );
    expect(results.filter((kind) => kind !== 'none')).toEqual(['rejected_by_store']);
    const [row] = await bench.sql`select count(*)::integer as count from tasks`;
    expect(row?.['count']).toBe(38);
  });

  it('is a report that Postgres refuses: it is stored without what is at fault, and its session lives on', async () => {
    const supervisor = await bench.start();
    const agent = new ScriptedAgent('web-1');
    await agent.connect(supervisor, { slots: 64 });
    const wishes = Array.from({ length: 60 }, () => draft('web-1'));
    const ids = await create(supervisor, ...wishes);
    await startsArrive(agent, 60);
    const bad = ids[31] as string;
    const seq = agent.tell(
      ...ids.map((id) =>
        id === bad
          ? agent.exited(id, 0, 1, { exitCode: null, spawnError: 'no \0 such \ud800 file' })
          : agent.exited(id, 0),
      ),
    );
    await eventually(() => agent.acknowledged === seq, 'all are acknowledged');
    for (const id of ids)
      expect(await pathOf(supervisor, id)).toBe(id === bad ? 'failed' : 'completed');
    const { record } = await supervisor.tasks.get(bad);
    expect(record.snapshot.context.message).toBe('no \ufffd such \ufffd file');
    // The same again is late, and still no reason to end the session.
    const again = agent.tell(
      agent.exited(bad, 0, 1, { exitCode: null, spawnError: 'no \0 such file' }),
    );
    await eventually(() => agent.acknowledged === again, 'the late report is acknowledged');
    const { lateReports } = await supervisor.tasks.history(bad, 0, 10);
    expect(lateReports).toHaveLength(1);
    expect((await supervisor.tasks.verify(bad)).differences).toEqual([]);
    expect(agent.goodbye).toBeNull();
  });
});
