/**
 * graphile-worker on a PostgreSQL, with jobs that do nothing: the peer that control-plane.ts is compared with.
 *
 * In this process, with its own defaults but for the number of concurrent jobs where one is given. The clock runs from the first
 * job added to the last one done; jobs are added in batches while it works.
 */
import { Logger, makeWorkerUtils, run } from 'graphile-worker';

const logger = new Logger(() => () => {});

/**
 * Returns jobs per second.
 *
 * @param concurrentJobs null for its default, which is 1
 */
export async function measureGraphileWorker(
  connectionString: string,
  jobs: number,
  batch: number,
  concurrentJobs: number | null,
): Promise<number> {
  const { promise: allDone, resolve } = Promise.withResolvers<void>();
  let done = 0;
  const utils = await makeWorkerUtils({ connectionString, logger });
  await utils.migrate();
  const runner = await run({
    connectionString,
    logger,
    noHandleSignals: true,
    taskList: {
      nothing() {
        done += 1;
        if (done === jobs) resolve();
      },
    },
    ...(concurrentJobs === null ? {} : { concurrency: concurrentJobs }),
  });
  try {
    const startedAt = performance.now();
    for (let added = 0; added < jobs; added += batch) {
      await utils.addJobs(
        Array.from({ length: batch }, () => ({ identifier: 'nothing', payload: {} })),
      );
    }
    await allDone;
    return jobs / ((performance.now() - startedAt) / 1000);
  } finally {
    await runner.stop();
    await utils.release();
  }
}
