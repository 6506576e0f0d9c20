/**
 * Sets of nodes in databases that order texts as people do, in which punctuation counts last.
 */
import { expect, it } from 'vitest';
import { createTestDatabase } from '../test/database.ts';
import { connectDatabase } from './connect.ts';
import { migrate } from './migrate.ts';
import { listQueuedNodeSets } from './node-sets.ts';
import { storeTask } from './task-fixture.ts';

it.each([null, 'en-US', 'en-US-u-ka-shifted'])(
  'all that tasks are queued for are found where texts are ordered by %s',
  async (icuLocale) => {
    const test = await createTestDatabase(icuLocale === null ? {} : { icuLocale });
    const database = await connectDatabase({ url: test.url });
    const { sql } = database;
    if (icuLocale !== null) await migrate(sql);
    for (const target of ['#0a1', '#9f0', '#a00', '#ff1', '0-node', 'a-node', 'web-1']) {
      const { id } = await storeTask(sql, { nodeId: 'n1' });
      await sql`update tasks set target_node_id = ${target} where id = ${id}`;
    }
    const found: string[] = [];
    for (let after = ''; found.length < 10; after = found.at(-1) ?? '') {
      const page = await listQueuedNodeSets(sql, after, 3);
      if (page.length === 0) break;
      found.push(...page);
    }
    expect(found).toEqual(['0a1', '9f0', 'a00', 'ff1']);
    await database.close();
    await test.drop();
  },
);
