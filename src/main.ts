/**
 * The supervisor as a process: everything it consists of, in the order of its start.
 *
 *   settings → tokens → database (migrated) → supervisor → API → port → address file, until a signal; then backwards, within
 *   a bound. Called by `muster supervisor`, and by tests in process.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getRequestListener } from '@hono/node-server';
import { connectDatabase } from '../db/connect.ts';
import { migrate } from '../db/migrate.ts';
import { readConfig, type SupervisorConfig, type SupervisorFlags } from './config.ts';
import { createHttpHandler, type HttpHandler } from './http/adapter.ts';
import { createApp } from './http/app.ts';
import { readAssets } from './http/console/assets.ts';
import { createInspectSockets } from './http/inspect/sockets.ts';
import { listen, type Listener } from './http/listen.ts';
import { readProcessMetrics } from './http/metrics.ts';
import { sleep, systemClock } from './process/clock.ts';
import { createLogger, type Logger } from './process/log.ts';
import { parentGone } from './process/parent.ts';
import { StartError } from './process/start-error.ts';
import { loadToken } from './process/tokens.ts';
import { VERSION } from './process/version.ts';
import { type Api, type ApiOptions, createApi } from './rpc/routes.ts';
import { RUNNING_DEFINITIONS } from './supervisor/machines.ts';
import { startSupervisor } from './supervisor/start.ts';
import { layoutsOf } from './visualizer/diagrams.ts';

/** Where the build of the console is. */
const CONSOLE_FOLDER = fileURLToPath(new URL('../web/dist', import.meta.url));
/** For calls under way when a stop begins. */
const CALL_GRACE_MS = 5_000;
/** For the whole stop; `up` allows 15 s. */
const STOP_BOUND_MS = 12_000;

/**
 * Runs a supervisor until `signal` fires. Resolves when it is down.
 *
 * @param onReady told the URL once calls are served
 * @throws StartError or MusterError with a sentence when it cannot start
 */
export async function runSupervisor(
  flags: SupervisorFlags,
  { signal, onReady }: { signal: AbortSignal; onReady?: (url: string) => void },
): Promise<void> {
  const config = readConfig(flags);
  const clock = systemClock;
  const log = createLogger('supervisor', config.logLevel);
  const stopping = new AbortController();
  const closing = new AsyncDisposableStack();
  try {
    await mkdir(config.home, { recursive: true, mode: 0o700 });
    const tokens = await loadTokens(config);
    const database = await connectDatabase({
      url: config.databaseUrl,
      applicationName: 'muster supervisor',
      log: (line) => log.debug(line),
    });
    closing.defer(() => database.close());
    await migrate(database.sql);

    const supervisorId = randomUUID();
    const supervisor = await startSupervisor({
      database,
      clock,
      random: Math.random,
      randomBytes,
      log,
      supervisorId,
      keepTasksMs: config.keepTasksMs,
      keepOutputMs: config.keepOutputMs,
      keepHistoryMs: config.keepHistoryMs,
      keepStatisticsMs: config.keepStatisticsMs,
      maxOutputBytes: config.maxOutputBytes,
    });
    let stopped: Promise<void> | null = null;
    const stopSupervisor = () => (stopped ??= supervisor.stop());
    closing.defer(stopSupervisor);

    const listener = await openPort(config, {
      supervisor,
      tokens,
      clock,
      log,
      stopping: stopping.signal,
    });
    closing.defer(async () => {
      // Agents are told to go elsewhere first; only then do their streams end.
      await stopSupervisor();
      await listener.close(CALL_GRACE_MS);
    });
    const removeAddress = await writeAddress(config.home, listener.url);
    closing.defer(removeAddress);
    void drawMachines(log);
    log.info('ready', { url: listener.url, version: VERSION, supervisorId, home: config.home });
    onReady?.(listener.url);

    await fired([signal, parentGone({ MUSTER_PARENT: config.parent })]);
    log.info('stopping');
  } finally {
    stopping.abort();
    const isDown = await within(closing.disposeAsync(), STOP_BOUND_MS);
    if (!isDown) log.warn('not everything has stopped in time', { afterMs: STOP_BOUND_MS });
  }
}

/** Lays the machines out before anybody asks for them. Without it the first one who does waits for that. */
async function drawMachines(log: Logger): Promise<void> {
  try {
    await layoutsOf(RUNNING_DEFINITIONS);
  } catch (error) {
    log.warn('cannot draw the machines', { error });
  }
}

/** @throws {StartError} where the two are the same */
async function loadTokens(config: SupervisorConfig): Promise<{ user: string; agent: string }> {
  const tokens = {
    user: await loadToken(config.userToken),
    agent: await loadToken(config.agentToken),
  };
  if (tokens.user === tokens.agent) {
    throw new StartError(
      'Cannot start the supervisor: the user token and the agent token are the same; give each its own',
    );
  }
  return tokens;
}

/** Opens the one port, with everything that is served there. */
async function openPort(config: SupervisorConfig, options: ApiOptions): Promise<Listener> {
  const { supervisor, tokens, clock, log, stopping } = options;
  const api = createApi(options);
  const isServing = () => supervisor.isServing() && !stopping.aborted;
  const fallback = await createPages(config, tokens.user, api, isServing);
  const onUpgrade = createInspectSockets({
    tasks: supervisor.tasks,
    isUser: (header, from) => api.isUserRequest(header, from),
    clock,
    log,
    stopping,
  });
  const { host, port, tls } = config;
  const handler = createHttpHandler(api, fallback, log);
  return await listen({ host, port, tls, handler, onUpgrade, clock, log });
}

/** Makes what answers besides the API. */
async function createPages(
  config: SupervisorConfig,
  userToken: string,
  api: Api,
  isServing: () => boolean,
): Promise<HttpHandler> {
  const isUser = (authorization: string | null) => api.isUser(authorization);
  const app = createApp({
    isServing,
    isUser,
    readMetrics: () => readProcessMetrics(api.counter.read(), isServing()),
    console: {
      assets: await readAssets(CONSOLE_FOLDER),
      userToken,
      isUser,
      now: () => systemClock.now(),
      isTls: config.tls !== null,
    },
  });
  return getRequestListener(app.fetch, { overrideGlobalObjects: false }) as HttpHandler;
}

/** Writes the URL to `<home>/address`. Returns what removes it, unless another supervisor has written its own since. */
async function writeAddress(home: string, url: string): Promise<() => Promise<void>> {
  const path = join(home, 'address');
  const fresh = `${path}.${process.pid}`;
  await writeFile(fresh, `${url}\n`);
  await rename(fresh, path);
  return async () => {
    const text = await readFile(path, 'utf8').catch(() => '');
    if (text.trim() === url) await rm(path, { force: true });
  };
}

async function fired(signals: readonly AbortSignal[]): Promise<void> {
  if (signals.some((signal) => signal.aborted)) return;
  await new Promise<void>((resolve) => {
    for (const signal of signals) signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Tells whether a promise settles in time. */
async function within(work: Promise<void>, boundMs: number): Promise<boolean> {
  const timedOut = new AbortController();
  const late = sleep(systemClock, boundMs, timedOut.signal).then(() => false);
  const isDone = await Promise.race([work.then(() => true), late]);
  timedOut.abort();
  return isDone;
}
