// What the tests of this folder share: folders that PostgreSQL's user can reach, a prepared cluster to copy instead of running
// initdb each time, and child processes that start servers and can be killed.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { endOrphans, findPostmaster, signalProcess } from './postmaster.ts';
import { run } from './run.ts';
import { type PostgresServer, type PostgresServerOptions, startPostgresServer } from './server.ts';
import { until } from './until.ts';

/** Settings that make tests quick. What they test does not depend on the disk. */
export const QUICK = { fsync: 'off', shared_buffers: '16MB', max_connections: '20' };

/** Whether the tests run as root, so that PostgreSQL runs as another user. */
export const isRoot = process.getuid?.() === 0;

const SERVER_MODULE = new URL('./server.ts', import.meta.url).href;
const EVAL_ARGUMENTS = 'Deno' in globalThis ? ['eval'] : ['--input-type=module', '--eval'];

/** A folder for one file of tests, with everything that runs in it. */
export class Workshop {
  readonly #children: ChildProcess[] = [];
  #folder = '';
  #prepared = '';

  /** Creates the folder; call it before the tests. */
  async open(): Promise<void> {
    const folder = join(tmpdir(), `muster-server-test-${randomBytes(6).toString('hex')}`);
    await mkdir(folder);
    await chmod(folder, 0o755);
    this.#folder = await realpath(folder);
  }

  /** Gives the path of a folder that does not exist yet. */
  newFolder(): string {
    return join(this.#folder, randomBytes(4).toString('hex'));
  }

  /** Gives a folder with a stopped cluster in it. */
  async newCluster(): Promise<string> {
    if (this.#prepared === '') {
      const prepared = this.newFolder();
      const server = await startPostgresServer({ folder: prepared, settings: QUICK });
      await server.stop();
      this.#prepared = prepared;
    }
    const folder = this.newFolder();
    await run('cp', ['-pR', this.#prepared, folder]);
    return folder;
  }

  /** Starts a server in this process. */
  async start(options: PostgresServerOptions): Promise<PostgresServer> {
    return await startPostgresServer({ ...options, settings: { ...QUICK, ...options.settings } });
  }

  /**
   * Runs a process that starts a server and lives on; gives its first line: `ready <url>` or `<kind>: <message>`. With `uid` it becomes
   * that user first, after everything is loaded.
   */
  async startInChild(
    options: PostgresServerOptions,
    uid?: number,
  ): Promise<{ child: ChildProcess; said: string }> {
    const child = this.spawnStarter(options, uid);
    const [said] = (await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data')) as [
      Buffer,
    ];
    return { child, said: said.toString().trim() };
  }

  /** Like startInChild, without waiting for anything. */
  spawnStarter(options: PostgresServerOptions, uid?: number): ChildProcess {
    const script = `
      const { startPostgresServer } = await import(${JSON.stringify(SERVER_MODULE)});
      ${uid === undefined ? '' : `process.setuid(${uid});`}
      try { console.log('ready ' + (await startPostgresServer(${JSON.stringify({ settings: QUICK, ...options })})).url); }
      catch (cause) { console.log(cause.kind + ': ' + cause.message); }
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, [...EVAL_ARGUMENTS, script], {
      // Where deno.json and node_modules are.
      cwd: new URL('../..', import.meta.url),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#children.push(child);
    return child;
  }

  /** Ends every child and every server below the folder; call it after each test. */
  async clear(): Promise<void> {
    for (const child of this.#children.splice(0)) {
      await kill(child);
    }
    for (const name of await readdir(this.#folder, { recursive: true })) {
      if (name.endsWith('postmaster.pid')) {
        await endServer(join(this.#folder, name, '..'));
      }
    }
  }

  /** Removes the folder; call it after the tests. */
  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Kills a process with SIGKILL and waits for its end. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
}

/** Opens a connection pool of one connection; the caller ends it. */
export function connect(url: string): postgres.Sql {
  return postgres(url, { max: 1, onnotice: () => {} });
}

async function endServer(data: string): Promise<void> {
  const found = await findPostmaster(data);
  if (found !== undefined) {
    signalProcess(found.pid, 'SIGQUIT');
    await until(async () => (await findPostmaster(data)) === undefined, 15_000);
  }
  await endOrphans(data, () => {});
}
