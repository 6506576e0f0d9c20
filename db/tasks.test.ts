// What is created, moved and deleted stands in the database once and whole: I3, I4, I6.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { listAttempts } from './attempts.ts';
import { connectDatabase } from './connect.ts';
import type { Database } from './connect.ts';
import { classifyFailure } from './failures.ts';
import { openNodeSession } from './nodes.ts';
import { insertOutput } from './output.ts';
import { readSpecs } from './specs.ts';
import {
  creationOf,
  dispatch,
  exit,
  recordOf,
  start,
  storeTask,
  updateOf,
} from './task-fixture.ts';
import { listTasks } from './task-lists.ts';
import { deleteTask, insertTasks, readTasks, updateTasks } from './tasks.ts';
import { insertLateReports, listLateReports, listTransitions } from './transitions.ts';

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await createTestDatabase();
  database = await connectDatabase({ url: test.url });
});

afterAll(async () => {
  await database?.close();
  await test?.drop();
});

async function failureOf(statement: Promise<unknown>): Promise<string> {
  const error = await statement.then(
    () => new Error('it did not fail'),
    (cause: unknown) => cause,
  );
  const kind = classifyFailure(error);
  if (kind === 'other') throw error;
  return kind;
}

describe('insertTasks', () => {
  it('stores tasks exactly, with specs and first transitions', async () => {
    const { sql } = database;
    const spec = {
      body: 'é😀"\\ \u0001',
      number: 0.1,
      large: 1e21,
      small: 5e-324,
      list: [null, true],
    };
    const creations = [
      creationOf({ spec, labels: { app: 'a"b', 'x/y': '' }, name: 'Grüße {1,2} "quoted" \\' }),
      creationOf({ nodeId: null, held: true, spec: null }),
    ];
    expect(await insertTasks(sql, creations, 'news')).toEqual([
      { kind: 'created' },
      { kind: 'created' },
    ]);
    const records = creations.map(recordOf);
    const stored = await readTasks(
      sql,
      records.map((record) => record.id),
    );
    expect(stored).toHaveLength(2);
    expect(stored).toEqual(expect.arrayContaining(records));
    const specs = await readSpecs(
      sql,
      records.map((record) => record.specId),
    );
    expect(records.map((record) => specs.get(record.specId))).toEqual([spec, null]);
    for (const creation of creations) {
      const history = await listTransitions(sql, recordOf(creation).id, 0, 10);
      expect(history).toEqual(creation.tasks.map((task) => task.transition));
    }
  });

  it('answers a repeated request with what it created first, and creates nothing', async () => {
    const { sql } = database;
    const request = { creator: 'ci', requestId: 'r1', digest: 'd1' };
    const first = creationOf({ request });
    const again = creationOf({ request: { ...request, digest: 'd2' } });
    const other = creationOf({ request: { ...request, creator: 'someone else' } });
    expect(await insertTasks(sql, [first], '')).toEqual([{ kind: 'created' }]);
    const answer = { kind: 'repeated', digest: 'd1', taskIds: [recordOf(first).id] };
    expect(await insertTasks(sql, [again, other], '')).toEqual([answer, { kind: 'created' }]);
    // The same statement once more, as after a lost connection.
    expect(await insertTasks(sql, [first], '')).toEqual([answer]);
    expect(await readTasks(sql, [recordOf(again).id])).toEqual([]);
  });

  it('answers equal requests in one batch once', async () => {
    const { sql } = database;
    const request = { creator: 'ci', requestId: 'r2', digest: 'd' };
    const batch = [creationOf(), creationOf({ request }), creationOf({ request }), creationOf()];
    const ids = batch.map((creation) => recordOf(creation).id);
    expect(await insertTasks(sql, batch, '')).toEqual([
      { kind: 'created' },
      { kind: 'created' },
      { kind: 'repeated', digest: 'd', taskIds: [ids[1]] },
      { kind: 'created' },
    ]);
    const stored = new Set((await readTasks(sql, ids)).map((record) => record.id));
    expect(stored).toEqual(new Set([ids[0], ids[1], ids[3]]));
  });

  it('creates once when the same request comes through many connections at once', async () => {
    const { sql } = database;
    const rounds = Array.from({ length: 20 }, (_, round) => `at once ${round}`);
    for (const requestId of rounds) {
      const batches = Array.from({ length: 8 }, () => [
        creationOf({ request: { creator: 'ci', requestId, digest: 'd' } }),
      ]);
      const results = await Promise.all(batches.map((batch) => insertTasks(sql, batch, '')));
      const ids = batches.flat().map((creation) => recordOf(creation).id);
      const stored = await readTasks(sql, ids);
      expect(stored).toHaveLength(1);
      expect(results.flat().filter((result) => result.kind === 'created')).toHaveLength(1);
      for (const result of results.flat()) {
        if (result.kind === 'repeated') expect(result.taskIds).toEqual([stored[0]?.id]);
      }
    }
  });

  it('creates all tasks of a creation or none', async () => {
    const { sql } = database;
    const good = creationOf();
    const bad = creationOf({ name: 'a NUL \u0000 byte' });
    const both = { request: null, tasks: [...good.tasks, ...bad.tasks] };
    expect(await failureOf(insertTasks(sql, [both], ''))).toBe('refused_row');
    expect(await readTasks(sql, [recordOf(good).id])).toEqual([]);
    expect(await listTransitions(sql, recordOf(good).id, 0, 10)).toEqual([]);
  });

  it('does no harm when a batch is sent again after its tasks have moved on', async () => {
    const { sql } = database;
    const creation = creationOf({ labels: { again: 'yes' } });
    await insertTasks(sql, [creation], '');
    const { after, ...update } = updateOf(recordOf(creation), dispatch());
    await updateTasks(sql, [update], '');
    expect(await insertTasks(sql, [creation], '')).toEqual([{ kind: 'created' }]);
    expect(await readTasks(sql, [after.id])).toEqual([after]);
  });
});

describe('updateTasks', () => {
  it('stores every state of a life exactly, with its history and attempts (I4)', async () => {
    const { sql } = database;
    const creation = creationOf({ maxAttempts: 2 });
    await insertTasks(sql, [creation], '');
    let record = recordOf(creation);
    const steps = [];
    const attempts = [];
    const life = [
      [dispatch()],
      [start()],
      [exit(1)],
      [{ type: 'timer.fired' } as const],
      [dispatch('n2', 7), start(2, 7)],
      [exit(0, 2, 7)],
    ];
    for (const events of life) {
      const { after, ...update } = updateOf(record, ...events);
      expect(await updateTasks(sql, [update], 'news')).toEqual(new Set([record.id]));
      steps.push(...update.transitions);
      attempts.push(...update.endedAttempts);
      record = after;
      expect(await readTasks(sql, [record.id])).toEqual([record]);
    }
    expect(record.snapshot.path).toBe('completed');
    const history = await listTransitions(sql, record.id, 1, 100);
    expect(history).toEqual(steps);
    expect(history.map((step) => step.version)).toEqual([2, 3, 4, 5, 6, 7, 8]);
    expect(attempts).toHaveLength(2);
    // Nothing of what they printed is stored.
    const dropped = { droppedBytes: 5_000_000_000 };
    expect(await listAttempts(sql, record.id)).toEqual(
      attempts.map((one) => ({ ...one, ...dropped })),
    );
    const [told] =
      await sql`select min(dropped_bytes) as least from attempts where task_id = ${record.id}`;
    expect(told).toEqual({ least: 3 });
  });

  it('fails an update alone whose version is wrong or whose task is gone (I4, I6)', async () => {
    const { sql } = database;
    const creations = [creationOf(), creationOf(), creationOf()];
    await insertTasks(sql, creations, '');
    const gone = recordOf(creationOf());
    const [fresh, stale, other] = creations.map(recordOf) as [never, never, never];
    const first = updateOf(stale, dispatch('n1', 1));
    await updateTasks(sql, [first], '');
    const batch = [
      updateOf(fresh, dispatch()),
      updateOf(stale, dispatch('n1', 2), start(1, 2), exit(0, 1, 2)),
      updateOf(gone, dispatch(), start(), exit()),
      updateOf(other, dispatch()),
    ];
    const ids = batch.map((update) => update.taskId);
    expect(await updateTasks(sql, batch, '')).toEqual(new Set([ids[0], ids[3]]));
    expect(await readTasks(sql, [ids[1] as string])).toEqual([first.after]);
    for (const id of [ids[1], ids[2]] as string[]) {
      const versions = (await listTransitions(sql, id, 0, 10)).map((step) => step.version);
      expect(versions).toEqual(id === ids[1] ? [1, 2] : []);
      expect(await listAttempts(sql, id)).toEqual([]);
    }
  });

  it('lets one of many supervisors pass that move the same tasks at once (I4)', async () => {
    const { sql } = database;
    const creations = Array.from({ length: 20 }, () => creationOf());
    await insertTasks(sql, creations, '');
    const records = creations.map(recordOf);
    const batches = Array.from({ length: 6 }, (_, supervisor) => {
      const turned = supervisor % 2 === 0 ? records : records.toReversed();
      return turned.map((record) => updateOf(record, dispatch('n1', supervisor + 1)));
    });
    const passed = await Promise.all(batches.map((batch) => updateTasks(sql, batch, '')));
    for (const record of records) {
      expect(passed.filter((ids) => ids.has(record.id))).toHaveLength(1);
      const history = await listTransitions(sql, record.id, 0, 10);
      expect(history.map((step) => step.version)).toEqual([1, 2]);
    }
  });

  it('refuses the whole batch of a poison row, and nothing of it is stored', async () => {
    const { sql } = database;
    const [good, bad] = [creationOf(), creationOf()];
    await insertTasks(sql, [good, bad], '');
    const poisons = {
      'a NUL byte': { message: 'NUL \u0000 byte' },
      'half a character': { message: '\ud800' },
      'a number out of range': { exitCode: 2 ** 40 },
      'a time out of range': { exitedHostAt: 1e300 },
    };
    for (const [what, poison] of Object.entries(poisons)) {
      const broken = updateOf(recordOf(bad), dispatch(), start(), exit(1));
      const endedAttempts = broken.endedAttempts.map((attempt) => ({ ...attempt, ...poison }));
      const batch = [updateOf(recordOf(good), dispatch()), { ...broken, endedAttempts }];
      expect([what, await failureOf(updateTasks(sql, batch, 'news'))]).toEqual([
        what,
        'refused_row',
      ]);
    }
    expect(await readTasks(sql, [recordOf(good).id])).toEqual([recordOf(good)]);
  });

  it('refuses two updates of one task in a batch', async () => {
    const update = updateOf(recordOf(creationOf()), dispatch());
    await expect(updateTasks(database.sql, [update, update], '')).rejects.toThrow('two updates');
  });
});

describe('deleteTask', () => {
  const unknown = recordOf(creationOf()).id;

  it('deletes final tasks only', async () => {
    const { sql } = database;
    const queued = await storeTask(sql, {});
    const running = await storeTask(sql, {}, dispatch());
    const final = await storeTask(sql, {}, dispatch(), start(), exit());
    expect(await deleteTask(sql, queued.id)).toBe('not_final');
    expect(await deleteTask(sql, running.id)).toBe('not_final');
    expect(await deleteTask(sql, final.id)).toBe('deleted');
    expect(await deleteTask(sql, final.id)).toBe('unknown');
    expect(await deleteTask(sql, unknown)).toBe('unknown');
  });

  it('leaves nothing of a task but the answer to its request', async () => {
    const { sql } = database;
    const request = { creator: 'ci', requestId: 'deleted', digest: 'd' };
    const wish = { request, labels: { gone: 'soon' } };
    const { id } = await storeTask(sql, wish, dispatch('gone'), start(), exit());
    const { epoch } = await openNodeSession(sql, {
      nodeId: 'gone',
      bootId: 'b',
      labels: {},
      facts: {},
      slots: 1,
      supervisorId: 's',
    });
    const piece = { taskId: id, attempt: 1, stream: 'stdout', offset: 0, at: 1 } as const;
    const content = new Uint8Array([1, 2, 3]);
    const output = [{ nodeId: 'gone', epoch, piece: { ...piece, content } }];
    expect(await insertOutput(sql, output)).toEqual(['stored']);
    const report = { ...exit(), at: 1, random: 0 } as never;
    const late = [{ taskId: id, attempt: 1, event: report, why: 'test', at: 1 }];
    await insertLateReports(sql, late, 's');
    expect(await listLateReports(sql, id, 10)).toEqual(late);
    expect(await deleteTask(sql, id)).toBe('deleted');
    // What still comes for it is acknowledged and dropped.
    expect(await insertOutput(sql, output)).toEqual(['stored']);
    await insertLateReports(sql, late, 's');
    const tables = await sql<{ name: string; column: string }[]>`
      select table_name as name, column_name as column from information_schema.columns
      where table_schema = 'public' and data_type = 'uuid'`;
    expect(tables.length).toBeGreaterThan(7);
    for (const { name, column } of tables) {
      const rows = await sql`select 1 from ${sql(name)} where ${sql(column)} = ${id}`;
      expect([name, rows.length]).toEqual([name, 0]);
    }
    expect(await insertTasks(sql, [creationOf({ request })], '')).toEqual([
      { kind: 'repeated', digest: 'd', taskIds: [id] },
    ]);
    expect(await listTasks(sql, { labels: { gone: 'soon' } }, 10, null)).toEqual([]);
  });

  it('keeps a spec until the last task that uses it is deleted', async () => {
    const { sql } = database;
    const first = await storeTask(sql, {}, { type: 'cancel.requested', by: 'x', note: '' });
    const cancelled = { type: 'cancel.requested', by: 'x', note: '' } as const;
    const retry = await storeTask(sql, { specId: first.id }, cancelled);
    const second = await storeTask(sql, { specId: first.id }, cancelled);
    for (const id of [first.id, retry.id]) {
      expect(await deleteTask(sql, id)).toBe('deleted');
      expect((await readSpecs(sql, [first.id])).size).toBe(1);
    }
    expect(await deleteTask(sql, second.id)).toBe('deleted');
    expect((await readSpecs(sql, [first.id])).size).toBe(0);
  });

  it('never takes the spec from a retry that is created at the same moment', async () => {
    const { sql } = database;
    for (let round = 0; round < 30; round += 1) {
      const cancelled = { type: 'cancel.requested', by: 'x', note: '' } as const;
      const { id } = await storeTask(sql, {}, cancelled);
      const retry = creationOf({ specId: id });
      await Promise.all([deleteTask(sql, id), insertTasks(sql, [retry], '')]);
      expect((await readSpecs(sql, [id])).has(id)).toBe(true);
    }
  });
});
