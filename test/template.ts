// Puts Muster's schema into the template database of a test run. Called once per run by test/global-setup.ts.

import { connectDatabase } from '../db/connect.ts';
import { MIGRATIONS, migrate } from '../db/migrate.ts';

/** Migrates the empty database behind `url`. */
export async function migrateTemplate(url: string): Promise<void> {
  if (MIGRATIONS.length === 0) {
    return;
  }
  const database = await connectDatabase({ url, maxConnections: 1, applicationName: 'template' });
  try {
    await migrate(database.sql);
  } finally {
    await database.close();
  }
}
