// Gives a test file a database of its own on the server of the run (test/global-setup.ts). Called by tests of db/, src/ and test/.

import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { createDatabase, dropDatabase, withDatabase } from '../db/server/databases.ts';
import type {} from './global-setup.ts';

/** A database for one test or one file of tests. */
export interface TestDatabase {
  readonly url: string;
  /** Drops it, ending the connections it still has. What is not dropped goes with the run. */
  drop(): Promise<void>;
}

/**
 * Creates a database: `migrated` (default) has Muster's schema, as a copy of a template that was migrated once per run; `empty`
 * has nothing.
 *
 * @param options.icuLocale another order of texts than by code point; the database is `empty` then
 */
export async function createTestDatabase(
  options: { template?: 'empty' | 'migrated'; icuLocale?: string } = {},
): Promise<TestDatabase> {
  const { url, prefix } = inject('testServer');
  const name = `${prefix}_${randomBytes(6).toString('hex')}`;
  const { template, icuLocale = null } = options;
  const isEmpty = template === 'empty' || icuLocale !== null;
  await createDatabase(url, name, isEmpty ? 'template0' : `${prefix}_migrated`, icuLocale);
  return {
    url: withDatabase(url, name),
    drop: () => dropDatabase(url, name),
  };
}
