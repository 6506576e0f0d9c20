// One PostgreSQL server for a whole run of the suite, and in it the template databases that test/database.ts copies.
// Called by vitest, before the first test file and after the last one, on Node and on Deno.
//
// MUSTER_TEST_DATABASE_URL names a server to use instead of starting one. MUSTER_TEST_POSTGRES names a folder with `bin/` in it
// (/usr/lib/postgresql/15) to start other binaries than the packaged ones.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import {
  closeDatabase,
  createDatabase,
  dropDatabase,
  listDatabases,
  withDatabase,
} from '../db/server/databases.ts';
import { type PostgresServer, startPostgresServer } from '../db/server/server.ts';
import { migrateTemplate } from './template.ts';

/** What a test process has to know of the run's server. Handed over by vitest's provide and inject. */
export interface TestServer {
  readonly url: string;
  /** What the names of all databases of this run start with. */
  readonly prefix: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    testServer: TestServer;
  }
}

/** Nothing of a test run has to survive a power failure. */
const TEST_SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_connections: '200',
};

let server: PostgresServer | undefined;
let watchdog: ChildProcess | undefined;
let testServer: TestServer | undefined;

/** Starts the server, or takes the one that was named, and makes the migrated template. */
export async function setup(project: TestProject): Promise<void> {
  const given = process.env['MUSTER_TEST_DATABASE_URL'];
  if (given === undefined || given === '') {
    server = await startTestServer(process.env['MUSTER_TEST_POSTGRES']);
    watchdog = watch(server);
  }
  testServer = {
    url: server?.url ?? (given as string),
    prefix: `muster_test_${randomBytes(4).toString('hex')}`,
  };
  const template = `${testServer.prefix}_migrated`;
  await createDatabase(testServer.url, template, 'template0');
  await migrateTemplate(withDatabase(testServer.url, template));
  await closeDatabase(testServer.url, template);
  project.provide('testServer', testServer);
}

/** Stops the server and removes its folder; on a server that was named, drops the databases of this run. */
export async function teardown(): Promise<void> {
  if (server !== undefined) {
    await server.stop('immediate');
    watchdog?.kill('SIGKILL');
    await removeFolders(server);
  } else if (testServer !== undefined) {
    for (const name of await listDatabases(testServer.url, testServer.prefix)) {
      await dropDatabase(testServer.url, name);
    }
  }
}

async function startTestServer(binaries: string | undefined): Promise<PostgresServer> {
  return await startPostgresServer({
    // Not mkdtemp: its mode 0700 would shut out the user as whom PostgreSQL runs when the suite runs as root.
    folder: join(tmpdir(), `muster-test-${randomBytes(6).toString('hex')}`),
    settings: TEST_SETTINGS,
    ...(binaries === undefined || binaries === '' ? {} : { binaries }),
  });
}

async function removeFolders(stopped: PostgresServer): Promise<void> {
  await rm(stopped.home, { recursive: true, force: true });
  await rm(stopped.folder, { recursive: true, force: true });
}

/**
 * Starts a shell that ends the server and removes its folders when this process is gone, however it went: its standard input
 * ends then. It ignores what Ctrl-C sends, and has a session of its own. It waits five seconds at most, because in a container without
 * an init nobody takes away the dead process, and its pid stays.
 */
function watch(running: PostgresServer): ChildProcess {
  const script = `trap '' HUP INT TERM
    cat > /dev/null
    kill -QUIT "$1"
    for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$1" && sleep 0.5; done
    rm -rf -- "$2" "$3"`;
  const child = spawn(
    '/bin/sh',
    ['-c', script, 'sh', String(running.pid), running.home, running.folder],
    {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  );
  child.unref();
  return child;
}
