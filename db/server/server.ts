// The embedded PostgreSQL server: one call gives a running server for a folder, whatever state the folder was left in.
// Called by the composition root (src/), by the tests and by the benchmarks.
//
//   claim the folder ─ find the data ─┬─ a live postmaster of ours ──────────────► adopt it
//                                     └─ none: initdb on the first start, ─ launch ─► own it
//
// What always holds: at most one live process of Muster owns the server of a folder (claim.ts); no postmaster is started while
// another process of that cluster lives (postmaster.ts, and PostgreSQL's own checks); a caller that is killed at any point
// leaves a folder from which the next call starts.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { findBinaries } from './binaries.ts';
import { claimServerFolder, type ServerClaim } from './claim.ts';
import { checkVersion, DATABASE_NAME, initialise, readPassword } from './cluster.ts';
import { createDatabase, readServerFacts, type ServerFacts } from './databases.ts';
import { PostgresServerError } from './error.ts';
import { launch } from './launch.ts';
import { findPlace, openFolder, type Place, writeDurably } from './place.ts';
import { choosePort } from './port.ts';
import { endOrphans, findPostmaster, type PidFile, readPidFile } from './postmaster.ts';
import {
  adoptedProcess,
  ownProcess,
  type ServerExit,
  type ServerProcess,
} from './server-process.ts';
import { until } from './until.ts';

/** How to start a server. */
export interface PostgresServerOptions {
  /** Where its data is kept, for example `.muster/postgres`. Created when missing. */
  readonly folder: string;
  /** Gets one sentence for each thing an operator should know. PostgreSQL's own log is `server.log` beside the data. */
  readonly log?: (line: string) => void;
  /** Settings of PostgreSQL on top of Muster's own. A server that is adopted keeps those it was started with. */
  readonly settings?: Readonly<Record<string, string>>;
  /** A folder with `bin/` in it, to use other binaries than the packaged ones, such as `/usr/lib/postgresql/15`. */
  readonly binaries?: string;
  /** Below which folder to keep what the server's user cannot reach otherwise. Default `/var/lib/muster`; used as root only. */
  readonly fallback?: string;
}

/** A running server. */
export interface PostgresServer {
  /** `postgres://muster:…@127.0.0.1:port/muster`. Holds the password. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** For example `18.4`. */
  readonly version: string;
  /** True when it was running already, started by a process that is gone. */
  readonly adopted: boolean;
  /** The folder that was asked for, as an absolute path. */
  readonly folder: string;
  /** Where data, password and log really are: `folder`, or a folder below the fallback. */
  readonly home: string;
  /**
   * Ends the server and waits until it is gone; the folder is free then. `fast` (default) ends all connections and shuts down in
   * order; `immediate` leaves the rest to crash recovery. After 30 s fast becomes immediate, 15 s later the process is killed.
   * @throws PostgresServerError `unresponsive`
   */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
  /** Settles when the server is gone, asked for or not; the folder is free then. Never rejects. */
  readonly exited: Promise<ServerExit>;
}

const FALLBACK_FOLDER = '/var/lib/muster';
/** How long a former server may take to finish its start or its stop, and orphans to let go. */
const FORMER_SERVER_DEADLINE_MS = 60_000;
const CONNECT_DEADLINE_MS = 30_000;
const FOLDER_BUSY_PAUSE_MS = 200;
const PORT_TRIES = 10;

/**
 * Starts the server of `options.folder`, or adopts the one that still runs there. The server outlives this process unless it
 * is stopped.
 * @throws PostgresServerError
 */
export async function startPostgresServer(options: PostgresServerOptions): Promise<PostgresServer> {
  const log = options.log ?? (() => {});
  const fallback = options.fallback ?? FALLBACK_FOLDER;
  const folder = await openFolder(options.folder);
  const claims = [claimServerFolder(folder)];
  try {
    const place = await findPlace(folder, fallback);
    if (place.home !== folder) {
      // Copies of `folder` all point to the one home.
      claims.push(claimServerFolder(place.home));
      log(
        `The database of ${folder} is kept in ${place.home}, because the user ${place.user.name}, as whom PostgreSQL runs, cannot enter ${folder}`,
      );
    }
    const running = place.isInitialised ? await findReady(place) : undefined;
    const found =
      running === undefined
        ? await start(place, { ...options, fallback, log })
        : adoptedProcess(running, place);
    return await describe(place, found, claims);
  } catch (cause) {
    releaseAll(claims);
    throw cause;
  }
}

/** Finds a former server that runs, and lets one that is just starting or stopping finish that. */
async function findReady(place: Place): Promise<PidFile | undefined> {
  let found: PidFile | undefined;
  const isSettled = await until(async () => {
    found = await findPostmaster(place.data);
    return found === undefined || found.status === 'ready';
  }, FORMER_SERVER_DEADLINE_MS);
  if (!isSettled) {
    throw new PostgresServerError(
      'unresponsive',
      `Cannot start PostgreSQL in ${place.folder}: a former server (pid ${found?.pid}) is ${found?.status} and does not finish; end that process first`,
    );
  }
  return found;
}

async function start(
  place: Place,
  options: PostgresServerOptions & { fallback: string; log: (line: string) => void },
): Promise<ServerProcess> {
  const binaries = await findBinaries(options.binaries, place.user, options.fallback, options.log);
  const settings = options.settings ?? {};
  if (!place.isInitialised) {
    await initialise(place, binaries, settings['fsync'] !== 'off');
  }
  await checkVersion(place, binaries);
  const deadline = performance.now() + FORMER_SERVER_DEADLINE_MS;
  for (let portTries = 1; ; ) {
    // Read before anything is looked for: what appears in the file later is no stale pid.
    const seenPid = (await readPidFile(place.data))?.pid;
    await endOrphans(place.data, options.log);
    const former = await findReady(place);
    if (former !== undefined) {
      // Started by a process that died before the new server could be seen.
      return adoptedProcess(former, place);
    }
    const port = await choosePort(portTries === 1 ? await readPort(place) : undefined);
    const result = await launch(place, binaries, { port, settings, stalePid: seenPid });
    if (result.outcome === 'ready') {
      await writeDurably(join(place.home, 'port'), `${port}\n`, { mode: 0o644 });
      return ownProcess(result.child, result.pid, port, place);
    }
    if (result.outcome === 'port_taken' && portTries < PORT_TRIES) {
      portTries += 1;
    } else if (result.outcome !== 'folder_busy' || performance.now() > deadline) {
      const lastWords =
        result.outcome === 'port_taken'
          ? 'every port it was given was taken meanwhile'
          : result.lastWords;
      throw new PostgresServerError(
        'start_failed',
        `Cannot start PostgreSQL in ${place.folder}: it gave up with "${lastWords}"`,
      );
    } else {
      await setTimeout(FOLDER_BUSY_PAUSE_MS);
    }
  }
}

/** Connects, makes sure that it is the server of this folder and that Muster's database exists, and gives the handle. */
async function describe(
  place: Place,
  running: ServerProcess,
  claims: ServerClaim[],
): Promise<PostgresServer> {
  const exited = running.exited.finally(() => releaseAll(claims));
  try {
    const url = `postgres://${DATABASE_NAME}:${await readPassword(place)}@127.0.0.1:${running.port}/${DATABASE_NAME}`;
    const facts = await connect(place, url, running);
    if (facts.dataFolder !== place.data) {
      throw new PostgresServerError(
        'unresponsive',
        `Cannot use the PostgreSQL on 127.0.0.1:${running.port}: it serves ${facts.dataFolder}, not ${place.data}`,
      );
    }
    await createDatabase(url, DATABASE_NAME);
    return {
      url,
      port: running.port,
      pid: running.pid,
      version: facts.version,
      adopted: running.isAdopted,
      folder: place.folder,
      home: place.home,
      async stop(mode) {
        await running.stop(mode);
        await exited;
      },
      exited,
    };
  } catch (cause) {
    if (!running.isAdopted) {
      await running.stop('fast');
    }
    throw cause;
  }
}

async function connect(place: Place, url: string, running: ServerProcess): Promise<ServerFacts> {
  let facts: ServerFacts | undefined;
  let failure: unknown;
  await until(
    async () => {
      facts = await readServerFacts(url).catch((cause: unknown) => {
        failure = cause;
        return undefined;
      });
      return facts !== undefined || isFinal(failure) || !(await running.isAlive());
    },
    CONNECT_DEADLINE_MS,
    100,
  );
  if (facts === undefined) {
    const why = failure instanceof Error ? failure.message : String(failure);
    throw new PostgresServerError(
      'unresponsive',
      `Cannot use the PostgreSQL in ${place.folder} (pid ${running.pid}, port ${running.port}): "${why}"; ` +
        `${join(place.home, 'server.log')} may say more; end that process to let Muster start it anew`,
      { cause: failure },
    );
  }
  return facts;
}

/** A wrong password (class 28) does not become right by trying again. */
function isFinal(cause: unknown): boolean {
  return String((cause as { code?: unknown } | undefined)?.code).startsWith('28');
}

async function readPort(place: Place): Promise<number | undefined> {
  const port = Number(await readFile(join(place.home, 'port'), 'utf8').catch(() => ''));
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}

function releaseAll(claims: ServerClaim[]): void {
  for (const claim of claims) {
    claim.release();
  }
}
