// Starts a postmaster and waits until it accepts connections, crash recovery included. Called by server.ts.
//
// The process gets a session of its own, so that Ctrl-C in the terminal reaches Muster only and Muster stops it in order, and
// it writes to a file, so that it does not depend on the life of its parent. It outlives a killed parent on purpose: the next
// start adopts it.

import { type ChildProcess, spawn } from 'node:child_process';
import { open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Binaries } from './binaries.ts';
import { PostgresServerError } from './error.ts';
import type { Place } from './place.ts';
import { readPidFile, signalProcess } from './postmaster.ts';
import { POSTGRES_ENVIRONMENT, spawnAs } from './run.ts';
import { until } from './until.ts';

/** How a launch ended. All but `ready` left no process behind. */
export type LaunchResult =
  | { readonly outcome: 'ready'; readonly child: ChildProcess; readonly pid: number }
  | { readonly outcome: 'port_taken' }
  /** Another postmaster of this folder was faster, or orphans of one are still there. */
  | { readonly outcome: 'folder_busy'; readonly lastWords: string }
  | { readonly outcome: 'failed'; readonly lastWords: string };

/** Crash recovery reads at most max_wal_size; this is ample for it on a slow disk. */
const READY_DEADLINE_MS = 300_000;
/** The log is put aside at a start when it is larger than this; one former log is kept. */
const LOG_LIMIT_BYTES = 10 * 1024 * 1024;

/** Durable, and sized for a small machine that has other work to do. Given on the command line: none is secret. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  // A socket's path may have 107 bytes only, and nothing here needs one.
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '128MB',
  cluster_name: 'muster',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_destination: 'stderr',
  logging_collector: 'off',
  log_checkpoints: 'off',
  // A statement may hold what a user wants kept secret; its error alone does not.
  log_min_error_statement: 'panic',
  log_line_prefix: '%m [%p] ',
};

/**
 * Starts PostgreSQL on 127.0.0.1:`port`. `stalePid` is the pid in a postmaster.pid that was found to be nobody of ours.
 * @throws PostgresServerError `unresponsive` when it is not ready within five minutes
 */
export async function launch(
  place: Place,
  binaries: Binaries,
  options: {
    port: number;
    settings: Readonly<Record<string, string>>;
    stalePid: number | undefined;
  },
): Promise<LaunchResult> {
  const logFile = await openLog(join(place.home, 'server.log'));
  try {
    const logStart = (await logFile.stat()).size;
    const settings = { ...SETTINGS, ...options.settings, port: String(options.port) };
    const child = spawn(
      binaries.postgres,
      [
        '-D',
        place.data,
        ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      {
        cwd: '/',
        detached: true,
        stdio: ['ignore', logFile.fd, logFile.fd],
        ...spawnAs(place.user),
        env: {
          ...POSTGRES_ENVIRONMENT,
          // PostgreSQL takes a pid file of this pid for stale, and still checks that no orphan has the shared memory it names.
          // Without this it would not start while some other process has that pid by chance.
          ...(options.stalePid === undefined
            ? {}
            : { PG_GRANDPARENT_PID: String(options.stalePid) }),
        },
      },
    );
    const ended = endOf(child);
    const pid = child.pid;
    const isReady = pid !== undefined && (await becomesReady(place.data, pid, ended));
    if (pid !== undefined && isReady) {
      child.unref();
      return { outcome: 'ready', child, pid };
    }
    if (pid !== undefined && !(await isSettled(ended))) {
      signalProcess(pid, 'SIGQUIT');
      throw new PostgresServerError(
        'unresponsive',
        `Cannot start PostgreSQL in ${place.folder}: it was not ready within ${READY_DEADLINE_MS / 1000} s; ${join(place.home, 'server.log')} may say why`,
      );
    }
    return judge(await readFrom(join(place.home, 'server.log'), logStart), (await ended) ?? '');
  } finally {
    await logFile.close();
  }
}

/** Settles when the child is gone: with nothing, or with the reason why it could not be started. */
function endOf(child: ChildProcess): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  child.once('error', (cause) => resolve(cause.message));
  child.once('exit', () => resolve(undefined));
  return promise;
}

async function becomesReady(data: string, pid: number, ended: Promise<unknown>): Promise<boolean> {
  let isReady = false;
  await until(
    async () => {
      const file = await readPidFile(data);
      isReady = file?.pid === pid && file.status === 'ready';
      return isReady || (await isSettled(ended));
    },
    READY_DEADLINE_MS,
    10,
  );
  return isReady;
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
}

/** Tells from PostgreSQL's last words what kept it from starting. They are in English: lc_messages is C. */
function judge(written: string, spawnError: string): LaunchResult {
  const lines = written
    .split('\n')
    .filter((line) => /FATAL|PANIC|could not bind|error while loading/.test(line));
  const lastWords =
    lines.map((line) => line.replace(/^.*?(FATAL|PANIC|LOG|WARNING): +/, '')).join('; ') ||
    written.trim().slice(-500) ||
    spawnError;
  if (/could not bind/.test(written) && /Address already in use/.test(written)) {
    return { outcome: 'port_taken' };
  }
  if (
    /lock file .* already exists|pre-existing shared memory block|bogus data in lock file|lock file .* is empty/.test(
      written,
    )
  ) {
    return { outcome: 'folder_busy', lastWords };
  }
  return { outcome: 'failed', lastWords };
}

async function openLog(path: string) {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > LOG_LIMIT_BYTES) {
    await rename(path, `${path}.1`);
  }
  return await open(path, 'a', 0o600);
}

async function readFrom(path: string, start: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(16 * 1024);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
