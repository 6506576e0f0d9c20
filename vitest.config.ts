// How the suite runs, on Node and on Deno alike. Tests stand beside their source; whole processes are tested in test/.
// A Postgres server for the run is started once by test/global-setup.ts.

import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const globalSetup = './test/global-setup.ts';

/** The tests of whole processes take longest: begun first, they leave no worker idle at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) =>
      moduleId.endsWith('/test/mixed.test.ts') ? 0 : moduleId.includes('/test/') ? 1 : 2;
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

// Vitest accepts its configuration as a default export only.
export default defineConfig({
  test: {
    include: ['{machines,db,src,agent,proto,test,bench,web}/**/*.test.ts'],
    globalSetup: existsSync(new URL(globalSetup, import.meta.url)) ? [globalSetup] : [],
    // Deno's worker threads lack what vitest needs to end them; child processes work on both.
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
