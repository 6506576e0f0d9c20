// Late reports: whose are written down, and how many (I6).

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { connectDatabase } from './connect.ts';
import type { Database } from './connect.ts';
import type { LateReportRecord } from './records.ts';
import { dispatch, exit, start, storeTask } from './task-fixture.ts';
import { MAX_LATE_REPORTS, insertLateReports, listLateReports } from './transitions.ts';

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

function late(taskId: string, nodeId: string, attempt = 1, why = 'late'): LateReportRecord {
  const event = { ...exit(0, attempt), nodeId, at: 1, random: 0 } as LateReportRecord['event'];
  return { taskId, attempt, event, why, at: 1 };
}

const insert = (...rows: LateReportRecord[]) => insertLateReports(database.sql, rows, 's');

async function whysOf(taskId: string): Promise<string[]> {
  return (await listLateReports(database.sql, taskId, 1_000)).map(({ why }) => why);
}

describe('late reports', () => {
  it('are written down where the attempt was that of the node, under way or over', async () => {
    const { sql } = database;
    const running = await storeTask(sql, {}, dispatch('n1'), start());
    const over = await storeTask(sql, {}, dispatch('n1'), start(), exit());
    const waiting = await storeTask(sql, {});
    for (const { id } of [running, over]) {
      await insert(
        late(id, 'n1', 1, 'its own'),
        late(id, 'n2', 1, 'of another node'),
        late(id, 'n1', 2, 'of no attempt'),
      );
      expect(await whysOf(id)).toEqual(['its own']);
    }
    await insert(late(waiting.id, 'n1'), late(waiting.id, 'n1', 0));
    expect(await whysOf(waiting.id)).toEqual([]);
  });

  it('are the first ones of a task and no more, in one batch or in many', async () => {
    const { sql } = database;
    const { id: loud } = await storeTask(sql, {}, dispatch('n1'), start());
    const { id: quiet } = await storeTask(sql, {}, dispatch('n1'), start());
    const all = Array.from({ length: MAX_LATE_REPORTS + 50 }, (_, n) =>
      late(loud, 'n1', 1, `${n}`),
    );
    await insert(...all.slice(0, 30));
    await insert(late(quiet, 'n1', 1, 'one'), ...all.slice(30), late(quiet, 'n1', 1, 'two'));
    await insert(late(loud, 'n1'), late(quiet, 'n1', 1, 'three'));
    expect(await whysOf(loud)).toEqual(all.slice(0, MAX_LATE_REPORTS).map(({ why }) => why));
    expect(await whysOf(quiet)).toEqual(['one', 'two', 'three']);
  });
});
