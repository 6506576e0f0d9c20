// How the suite runs, on Node and on Deno alike. Tests stand beside their source; whole processes are tested in test/.
// A Postgres server for the run is started once by test/global-setup.ts.

import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const globalSetup = './test/global-setup.ts';

// Vitest accepts its configuration as a default export only.
export default defineConfig({
  test: {
    include: ['{machines,db,src,agent,proto,test,bench}/**/*.test.ts'],
    globalSetup: existsSync(new URL(globalSetup, import.meta.url)) ? [globalSetup] : [],
    // Deno's worker threads lack what vitest needs to end them; child processes work on both.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
