// The running postmaster behind a PostgresServer: stops it and tells when it is gone. Called by server.ts only.
// A server this process started is its child and announces its end; an adopted one is watched by its pid, and before every
// signal it is made sure that the pid still is that server.

import type { ChildProcess } from 'node:child_process';
import { setInterval } from 'node:timers';
import { PostgresServerError } from './error.ts';
import type { Place } from './place.ts';
import { isPostgresOf, type PidFile, signalProcess } from './postmaster.ts';
import { until } from './until.ts';

/** How a server ended. */
export interface ServerExit {
  /** True when stop() was called before. */
  readonly wasAsked: boolean;
  /** Null when a signal ended it, or when it was adopted: only a parent learns the code. */
  readonly code: number | null;
  readonly signal: string | null;
}

/** A postmaster that accepts connections. */
export interface ServerProcess {
  readonly pid: number;
  readonly port: number;
  readonly isAdopted: boolean;
  readonly exited: Promise<ServerExit>;
  isAlive(): Promise<boolean>;
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
}

/** Fast shutdown, immediate shutdown, and the end of all patience; each with the time it gets. */
const STEPS: readonly { signal: NodeJS.Signals; deadlineMs: number }[] = [
  { signal: 'SIGINT', deadlineMs: 30_000 },
  { signal: 'SIGQUIT', deadlineMs: 15_000 },
  { signal: 'SIGKILL', deadlineMs: 10_000 },
];
const WATCH_EVERY_MS = 250;

interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
}

/** What own and adopted servers do differently. */
interface Watch {
  readonly gone: Promise<Ending>;
  /** Keeps this process alive until `gone` settles. */
  hold(): void;
}

/** Wraps the postmaster that this process has started. */
export function ownProcess(
  child: ChildProcess,
  pid: number,
  port: number,
  place: Place,
): ServerProcess {
  const { promise, resolve } = Promise.withResolvers<Ending>();
  child.once('exit', (code, signal) => resolve({ code, signal }));
  if (child.exitCode !== null || child.signalCode !== null) {
    resolve({ code: child.exitCode, signal: child.signalCode });
  }
  return serverProcess(
    { pid, port, place, isAdopted: false },
    { gone: promise, hold: () => child.ref() },
  );
}

/** Wraps the postmaster that a process which is gone has started. */
export function adoptedProcess(file: PidFile, place: Place): ServerProcess {
  const { promise, resolve } = Promise.withResolvers<Ending>();
  const look = async () => {
    if (!(await isPostgresOf(file.pid, place.data))) {
      clearInterval(timer);
      resolve({ code: null, signal: null });
    }
  };
  const timer = setInterval(() => void look(), WATCH_EVERY_MS);
  // Like an unwatched child, an adopted server does not keep this process alive.
  timer.unref();
  return serverProcess(
    { pid: file.pid, port: file.port, place, isAdopted: true },
    { gone: promise, hold: () => timer.ref() },
  );
}

function serverProcess(
  server: { pid: number; port: number; place: Place; isAdopted: boolean },
  watch: Watch,
): ServerProcess {
  let wasAsked = false;
  let stopping: Promise<void> | undefined;
  const isAlive = () => isPostgresOf(server.pid, server.place.data);

  async function end(mode: 'fast' | 'immediate'): Promise<void> {
    wasAsked = true;
    watch.hold();
    for (const { signal, deadlineMs } of mode === 'fast' ? STEPS : STEPS.slice(1)) {
      if (await isAlive()) {
        signalProcess(server.pid, signal);
      }
      if (await until(async () => !(await isAlive()), deadlineMs)) {
        await watch.gone;
        return;
      }
    }
    throw new PostgresServerError(
      'unresponsive',
      `Cannot stop PostgreSQL in ${server.place.folder}: its process ${server.pid} does not end, not even by SIGKILL`,
    );
  }

  return {
    pid: server.pid,
    port: server.port,
    isAdopted: server.isAdopted,
    exited: watch.gone.then((ending) => ({ wasAsked, ...ending })),
    isAlive,
    async stop(mode = 'fast') {
      if (stopping !== undefined && mode === 'immediate' && (await isAlive())) {
        // An orderly stop is under way and somebody has lost patience.
        signalProcess(server.pid, 'SIGQUIT');
      }
      stopping ??= end(mode);
      await stopping;
    },
  };
}
