/**
 * Puts a supervisor together from its parts and starts it.
 *
 *   commands, reports, timers ──► host ──► store (group commit) ──► onCommitted ─┬► scheduler   a queued task
 *                                                                               ├► sessions    start, stop, forget
 *                                                                               ├► timers      a new wake time
 *                                                                               └► changes     whoever watches
 *
 * Everything that differs between two runs is a parameter. The database must be migrated.
 */
import type { Database } from '../../db/connect.ts';
import { classifyFailure } from '../../db/failures.ts';
import { notify } from '../../db/notify.ts';
import { behaviourOf } from '../../machines/behaviour.ts';
import { machineOf } from '../../machines/catalog.ts';
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import { createActors } from './actor-steps.ts';
import { Availability } from './availability.ts';
import { Changes } from './changes.ts';
import { DatabaseClock } from './database-clock.ts';
import { Drains } from './drains.ts';
import { FanOuts } from './fan-outs.ts';
import { createFileActions } from './files.ts';
import { createGroupActions } from './groups.ts';
import { Host } from './host.ts';
import type { Committed } from './host.ts';
import { createIdSource } from './ids.ts';
import { createMachineActions, keepRunningDefinitions } from './machines.ts';
import { encodeNews } from './news.ts';
import { NodeMetricsService } from './node-metrics.ts';
import { createNodeActions } from './nodes.ts';
import { Peers } from './peers.ts';
import { Periodic } from './periodic.ts';
import { ProgressBoard } from './progress.ts';
import { Reconciler } from './reconciler.ts';
import { DEFAULT_KEEP_TASKS_MS, RetentionService } from './retention.ts';
import { Scheduler } from './scheduler.ts';
import { SessionRegistry } from './sessions.ts';
import { ScheduleService } from './schedules/schedule-service.ts';
import { createScheduleActions } from './schedules/schedules.ts';
import { DEFAULT_KEEP_STATISTICS_MS, StatisticsService } from './statistics.ts';
import { SpecCache } from './spec-cache.ts';
import { StepCounter } from './step-counter.ts';
import { createStore } from './store.ts';
import type { Store } from './store.ts';
import type { Supervisor } from './supervisor.ts';
import { createTaskActions } from './tasks.ts';
import { TimerService } from './timers.ts';
import { WorkerBook } from './worker-book.ts';
import { createWorkerActions } from './workers.ts';

export interface SupervisorOptions {
  readonly database: Database;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly log: Logger;
  /** A UUID, new for every life of the process. */
  readonly supervisorId: string;
  /** Default 5 s. */
  readonly heartbeatIntervalMs?: number;
  /** Silence after which a session is dead and a node unreachable. Default 15 s. */
  readonly deadAfterMs?: number;
  /** Default 5 s. */
  readonly sweepIntervalMs?: number;
  /** How often it is looked whether the database is silent; after a few silent looks it is asked. Default 1 s. */
  readonly silenceIntervalMs?: number;
  /** How often the connection that listens for news is asked whether it does, and how long that may take. Default 5 s. */
  readonly listenIntervalMs?: number;
  /** How often followers of schedules and nodes look for what is new. Default 1 s. */
  readonly followIntervalMs?: number;
  /** Stored output of one attempt. Default 16 MiB. */
  readonly outputCapBytes?: number;
  /** Between two points of the measurements of a node. Default 1 min; there is one for each minute at most. */
  readonly metricsIntervalMs?: number;
  /** How long a task is kept after its end, in ms; null for ever. Default 30 days. */
  readonly keepTasksMs?: number | null;
  /** The same for output and history alone. Default: as long as the task. */
  readonly keepOutputMs?: number | null;
  readonly keepHistoryMs?: number | null;
  /** Stored output of all tasks; the oldest goes first. Default null: no bound. */
  readonly maxOutputBytes?: number | null;
  /** How long tasks are counted after their creation, in ms; null for ever. Default 400 days. */
  readonly keepStatisticsMs?: number | null;
}

/** @throws MusterError `unavailable` if the database does not answer */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const core = createCore(options);
  const services = createServices(options, core);
  const upkeep = createUpkeep(options, core, services);
  const { schedules, scheduleActions, ...actions } = createActions(
    options,
    core,
    services,
    upkeep.nodeMetrics,
  );
  const { sessions, timers, reconciler, peers } = services;
  const { counter } = core;
  const periodic = [sessions, timers, reconciler, schedules, counter, ...Object.values(upkeep)];
  let isStopping = false;
  let stopped: Promise<void> | null = null;
  const stop = () => {
    isStopping = true;
    return (stopped ??= stopAll(core, services, periodic, options.log));
  };
  core.silence.start();
  try {
    await core.databaseClock.start();
    await core.store.read(() => peers.start());
    await keepRunningDefinitions(core.store);
  } catch (error) {
    await stop();
    throw error;
  }
  for (const service of periodic) service.start();
  return {
    id: options.supervisorId,
    ...actions,
    schedules: scheduleActions,
    sessions,
    isServing: () => !isStopping && core.availability.isUp,
    stop,
  };
}

/** What everything else stands on. */
function createCore(options: SupervisorOptions) {
  const { database, clock, log, supervisorId, random } = options;
  const availability = new Availability(() => database.probe(), clock, log);
  const silence = new Periodic({
    clock,
    log,
    intervalMs: options.silenceIntervalMs ?? 1_000,
    purpose: 'look whether the database is silent',
    async act() {
      if (await database.loseSilent()) availability.reportLoss(new Error('no answer came'));
    },
  });
  const store = createStore(database, availability, supervisorId);
  const databaseClock = new DatabaseClock(store, clock, log);
  const stamper = { now: () => databaseClock.now(), random };
  const specs = new SpecCache(store, classifyFailure);
  const counter = new StepCounter({ store, clock, log });
  return {
    availability,
    silence,
    store,
    databaseClock,
    stamper,
    specs,
    counter,
    changes: new Changes(),
  };
}

type Core = ReturnType<typeof createCore>;

function createServices(options: SupervisorOptions, core: Core) {
  const { database, clock, log, supervisorId } = options;
  const { availability, store, databaseClock, stamper, specs, counter, changes } = core;
  const onCommitted = ({ record, transitions, effects }: Committed) => {
    counter.count(machineOf(record.type).id, transitions);
    sessions.committed(record.id);
    board.committed(record);
    fanOuts.committed(record);
    drains.committed(record);
    for (const effect of effects) {
      if (effect.type === 'offerTask') scheduler.offer(record);
      else if (effect.type === 'rollOut') fanOuts.look(record.id);
      else sessions.deliver(effect, record);
    }
    const dueAt = behaviourOf(record.type).wakeAt(record.snapshot);
    if (dueAt !== null) timers.expect(Math.max(dueAt - databaseClock.now(), 0));
    changes.publish({ record, transitions, isDeleted: false });
  };
  const host = new Host({ store, availability, stamper, supervisorId, onCommitted, log });
  const common = { store, host, clock, log, supervisorId };
  const board = new ProgressBoard({ ...common, changes });
  const sessions: SessionRegistry = new SessionRegistry({
    ...common,
    specs,
    scheduler: () => scheduler,
    book: () => book,
    onOutput: (taskId) => changes.outputArrived(taskId),
    onProgress: (taskId, progress) => board.report(taskId, progress),
    onOpened: (nodeId) => void announceSession(options, store, nodeId),
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? 5_000,
    deadAfterMs: options.deadAfterMs ?? 15_000,
    outputCapBytes: options.outputCapBytes ?? 16 * 1024 * 1024,
  });
  const scheduler: Scheduler = new Scheduler({
    ...common,
    sessions: () => sessions.all(),
    sessionOf: (nodeId) => sessions.get(nodeId),
  });
  const book = new WorkerBook({ ...common, sessionOf: (nodeId) => sessions.get(nodeId) });
  const fanOuts: FanOuts = new FanOuts(common);
  const drains: Drains = new Drains({ ...common, stamper, counter, sessions, scheduler });
  const deadAfterMs = () =>
    // Before, agents that are well may not have come yet.
    availability.upForMs < sessions.deadAfterMs ? null : sessions.deadAfterMs;
  const timers: TimerService = new TimerService({ ...common, deadAfterMs });
  const { sweepIntervalMs: intervalMs = 5_000, listenIntervalMs } = options;
  const parts = { ...common, availability, sessions, scheduler, fanOuts, drains, book };
  const reconciler = new Reconciler({ ...parts, intervalMs });
  const peers = new Peers({ ...parts, database, changes, board, listenIntervalMs });
  return {
    host,
    sessions,
    scheduler,
    book,
    fanOuts,
    drains,
    timers,
    reconciler,
    peers,
    onCommitted,
    board,
  };
}

type Services = ReturnType<typeof createServices>;

/** What looks after things on its own, apart from the actors. */
function createUpkeep(options: SupervisorOptions, core: Core, { sessions }: Services) {
  const { clock, log, keepStatisticsMs: keepMs = DEFAULT_KEEP_STATISTICS_MS } = options;
  const { store, databaseClock } = core;
  const now = () => databaseClock.now();
  const intervalMs = options.metricsIntervalMs ?? 60_000;
  return {
    statistics: new StatisticsService({ store, clock, log, keepMs }),
    nodeMetrics: new NodeMetricsService({ store, sessions, clock, now, log, intervalMs }),
    retention: createRetention(options, store),
  };
}

/** What the API asks for. */
function createActions(
  options: SupervisorOptions,
  core: Core,
  { host, sessions, drains, book, board, onCommitted }: Services,
  nodeMetrics: NodeMetricsService,
) {
  const { clock, log, supervisorId } = options;
  const { store, stamper, specs, counter, changes } = core;
  const { deadAfterMs } = sessions;
  const ids = createIdSource(options.randomBytes);
  const creator = { store, specs, stamper, ids, supervisorId, onCommitted };
  const scheduling = { store, host, creator, counter, clock, log };
  const schedules = new ScheduleService(scheduling);
  return {
    tasks: createTaskActions({ store, host, clock, changes, board, creator, deadAfterMs }),
    nodes: createNodeActions({
      store,
      stamper,
      supervisorId,
      counter,
      sessions,
      drains,
      nodeMetrics,
    }),
    workers: createWorkerActions({ store, log, supervisorId, book, deadAfterMs }),
    groups: createGroupActions(store),
    actors: createActors({ store, clock, intervalMs: options.followIntervalMs ?? 1_000 }),
    files: createFileActions(store),
    machines: createMachineActions(store, counter),
    schedules,
    scheduleActions: createScheduleActions(scheduling, schedules.poke),
  };
}

function createRetention(options: SupervisorOptions, store: Store) {
  const { clock, log, keepTasksMs = DEFAULT_KEEP_TASKS_MS } = options;
  const { keepOutputMs = null, keepHistoryMs = null, maxOutputBytes = null } = options;
  const kept = { keepTasksMs, keepOutputMs, keepHistoryMs, maxOutputBytes };
  return new RetentionService({ store, clock, log, ...kept });
}

/** Tells the other supervisors that a node has moved here. */
async function announceSession(
  { supervisorId, log }: SupervisorOptions,
  store: Store,
  nodeId: string,
): Promise<void> {
  const news = encodeNews({ from: supervisorId, taskIds: [], queuedFor: [], sessions: [nodeId] });
  try {
    await store.read((sql) => notify(sql, news));
  } catch (error) {
    // The former supervisor finds out with its next sign of life.
    log.warn('cannot announce a session', { nodeId, error });
  }
}

async function stopAll(
  core: Core,
  services: Services,
  periodic: readonly { stop(): void }[],
  log: Logger,
): Promise<void> {
  const { availability, store, databaseClock, counter } = core;
  const { scheduler, fanOuts, drains, book, board } = services;
  // No new work before the sessions end.
  for (const service of [scheduler, fanOuts, drains, book, board]) service.stop();
  for (const service of periodic) service.stop();
  const drained = Promise.all([services.host.quiet().then(() => store.drained()), drains.quiet()]);
  // What is open while the database is away stays open: its agents tell it again to the next supervisor.
  await Promise.race([drained, availability.whenLost()]);
  // What was committed last is counted by whoever waited for it, a moment later.
  await new Promise((resolve) => setImmediate(resolve));
  await counter.writeOnce().catch((error: unknown) => {
    log.warn('how often the last steps were made is not written', { error });
  });
  availability.stop();
  databaseClock.stop();
  await services.peers.stop();
  core.silence.stop();
}
