// News reach the other supervisors after the commit, and a listener learns when it may have missed some.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import type { TestDatabase } from '../test/database.ts';
import { connectDatabase } from './connect.ts';
import type { Database } from './connect.ts';
import { listen } from './notify.ts';
import { creationOf, dispatch, recordOf, updateOf } from './task-fixture.ts';
import { insertTasks, updateTasks } from './tasks.ts';

let test: TestDatabase;
let writer: Database;
let reader: Database;

beforeAll(async () => {
  test = await createTestDatabase();
  writer = await connectDatabase({ url: test.url });
  reader = await connectDatabase({ url: test.url, applicationName: 'reader' });
});

afterAll(async () => {
  await reader?.close();
  await writer?.close();
  await test?.drop();
});

it('tells of each commit once, of a lost connection, and nothing after it was stopped', async () => {
  const seen: string[] = [];
  let wake = () => {};
  const note = (text: string) => {
    seen.push(text);
    wake();
  };
  const seenAll = async (count: number) => {
    while (seen.length < count) await new Promise<void>((resolve) => (wake = resolve));
    return seen.splice(0);
  };
  const listening = await listen(reader, { onNews: note, onGap: () => note('gap') });

  const creation = creationOf();
  await insertTasks(writer.sql, [creation, creationOf()], 'created {"a": 1}');
  await insertTasks(writer.sql, [creationOf()], '');
  await updateTasks(writer.sql, [updateOf(recordOf(creation), dispatch())], 'moved');
  expect(await seenAll(2)).toEqual(['created {"a": 1}', 'moved']);

  const poisoned = creationOf({ name: '\u0000' });
  await expect(insertTasks(writer.sql, [poisoned], 'never committed')).rejects.toThrow();
  await writer.sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'reader' and query like 'listen%'`;
  expect(await seenAll(1)).toEqual(['gap']);
  await insertTasks(writer.sql, [creationOf()], 'again');
  expect(await seenAll(1)).toEqual(['again']);

  await listening.stop();
  await insertTasks(writer.sql, [creationOf()], 'too late');
  const other = await listen(writer, { onNews: note, onGap: () => note('gap') });
  await insertTasks(writer.sql, [creationOf()], 'last');
  expect(await seenAll(1)).toEqual(['last']);
  await other.stop();
});
