/**
 * The agent process: real journal, real processes, real connection. Called by `./muster agent`.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { claimFolder } from '../src/process/folder-claim.ts';
import { systemClock } from '../src/process/clock.ts';
import { createLogger, type Logger } from '../src/process/log.ts';
import { parentGone } from '../src/process/parent.ts';
import { StartError } from '../src/process/start-error.ts';
import { Agent } from './agent.ts';
import { type AgentConfig, NODE_TOKEN_FILE } from './config.ts';
import { Enrolment } from './enrolment.ts';
import { ActionExecutor } from './executors/by-action.ts';
import { FileExecutor } from './executors/file/executor.ts';
import { ScriptExecutor } from './executors/script/executor.ts';
import { HandlerExecutor } from './executors/handler/executor.ts';
import { UnusableModule } from './executors/handler/thread.ts';
import { ServiceExecutor } from './executors/service/executor.ts';
import { bootIdOf, readFacts } from './facts.ts';
import { HostMeter } from './host-metrics.ts';
import { Journal } from './journal.ts';
import { HostCommands } from './kept/kept-commands.ts';
import { Operations } from './operations.ts';
import { OutputTrimmer } from './output-trimmer.ts';
import { createConnect } from './transport.ts';

/** A timer that does nothing keeps the process alive while it waits for a supervisor. */
const KEEP_ALIVE_MS = 2 ** 30;

/**
 * Runs the agent until `signal` fires or its parent is gone. Processes of attempts stay.
 *
 * @throws StartError or FolderClaimError with a sentence for people when it cannot start or cannot go on
 */
export async function runAgent(
  config: AgentConfig,
  options: { readonly signal: AbortSignal; readonly log?: Logger },
): Promise<void> {
  const { nodeId, dataFolder } = config;
  const log = options.log ?? createLogger(nodeId, config.logLevel);
  const claim = await claimFolder(dataFolder, 'agent');
  const keepAlive = setInterval(() => {}, KEEP_ALIVE_MS);
  try {
    const agent = await createAgent(config, claim.folder, log);
    await agent.start();
    log.info('agent started', {
      server: config.serverUrl,
      slots: config.slots,
      data: claim.folder,
    });
    const stopped = stopOf(
      AbortSignal.any([options.signal, parentGone({ MUSTER_PARENT: config.parent })]),
    );
    const failure = await Promise.race([stopped, agent.failed]);
    await agent.stop();
    if (failure !== undefined) throw toStartError(failure, claim.folder);
    log.info('agent stopped');
  } finally {
    clearInterval(keepAlive);
    await claim.release();
  }
}

async function createAgent(config: AgentConfig, folder: string, log: Logger): Promise<Agent> {
  const { nodeId, labels, slots, agentToken } = config;
  const attemptsFolder = join(folder, 'attempts');
  const journal = Journal.open(join(folder, 'journal.db'));
  const environment = config.scriptEnvironment;
  const clock = systemClock;
  const trimmer = new OutputTrimmer({ clock, log });
  const script = new ScriptExecutor({ nodeId, attemptsFolder, environment, clock, trimmer });
  const operations = new Operations(join(folder, 'operations.json'), log);
  const bootId = bootIdOf(journal.id);
  const handler = await openHandlers(config, log);
  const service = new ServiceExecutor({ nodeId, environment, script });
  const nodeTokenFile = join(folder, NODE_TOKEN_FILE);
  const { allowedPaths, serverUrl, ca } = config;
  const supervisor = { serverUrl, ca, nodeTokenFile };
  const file = new FileExecutor({ nodeId, allowedPaths, supervisor, script });
  const meter = new HostMeter(folder);
  return new Agent({
    nodeId,
    bootId,
    facts: readFacts(handler.names),
    labels,
    slots,
    attemptsFolder,
    journal,
    executor: new ActionExecutor({ script, file, service, handler }),
    handlers: handler,
    operations,
    kept: (onChanged) =>
      new HostCommands({
        nodeId,
        bootId,
        environment,
        onChanged,
        operations,
        log,
        keeps: config.keeps,
        folder: join(folder, 'kept'),
        cwd: process.cwd(),
        executor: script,
        clock: systemClock,
        random: Math.random,
      }),
    measure: () => meter.measure(),
    connect: createConnect(serverUrl, ca),
    enrolment: new Enrolment({ nodeId, agentToken, path: nodeTokenFile }),
    clock: systemClock,
    random: Math.random,
    log,
  });
}

async function openHandlers(config: AgentConfig, log: Logger): Promise<HandlerExecutor> {
  const { nodeId, handlersModule: module, handlerMemoryMiB: memoryMiB } = config;
  const environment = config.scriptEnvironment;
  const own = { nodeId, module, memoryMiB, environment };
  try {
    return await HandlerExecutor.open({ ...own, clock: systemClock, log });
  } catch (cause) {
    if (!(cause instanceof UnusableModule) || module === null) throw cause;
    const why = `the handlers module ${fileURLToPath(module)} ${cause.message}`;
    throw new StartError(`Cannot start the agent: ${why}`, { cause });
  }
}

function toStartError(cause: unknown, folder: string): StartError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new StartError(`The agent cannot go on with its data folder ${folder}: ${why}`, { cause });
}

function stopOf(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
