// The databases of the tests themselves: each is a new one on the server of the run.

import { describe, expect, it } from 'vitest';
import { listDatabases, readServerFacts } from '../db/server/databases.ts';
import { createTestDatabase } from './database.ts';

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}

describe('createTestDatabase', () => {
  it.each(['empty', 'migrated'] as const)(
    'gives a new %s database each time and drops it',
    async (template) => {
      const databases = await Promise.all([1, 2, 3].map(() => createTestDatabase({ template })));
      const names = databases.map((database) => nameOf(database.url));
      const url = databases[0]?.url ?? '';
      expect(new Set(names).size).toBe(3);
      expect(await listDatabases(url, 'muster_test_')).toEqual(expect.arrayContaining(names));
      await Promise.all(databases.map((database) => database.drop()));
      const left = await listDatabases(url, 'muster_test_');
      expect(left.filter((name) => names.includes(name))).toEqual([]);
    },
  );

  it('runs on a PostgreSQL that Muster supports', async () => {
    const database = await createTestDatabase();
    const facts = await readServerFacts(database.url);
    expect(Number.parseInt(facts.version, 10)).toBeGreaterThanOrEqual(15);
    await database.drop();
  });
});
