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
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import { Availability } from './availability.ts';
import { Changes } from './changes.ts';
import { DatabaseClock } from './database-clock.ts';
import { FanOuts } from './fan-outs.ts';
import { createGroupActions } from './groups.ts';
import { Host } from './host.ts';
import type { Committed } from './host.ts';
import { createIdSource } from './ids.ts';
import { encodeNews } from './news.ts';
import { createNodeActions } from './nodes.ts';
import { Peers } from './peers.ts';
import { ProgressBoard } from './progress.ts';
import { Reconciler } from './reconciler.ts';
import { DEFAULT_KEEP_TASKS_MS, RetentionService } from './retention.ts';
import { Scheduler } from './scheduler.ts';
import { SessionRegistry } from './sessions.ts';
import { ScheduleService } from './schedules/schedule-service.ts';
import { createScheduleActions } from './schedules/schedules.ts';
import { SpecCache } from './spec-cache.ts';
import { createStore } from './store.ts';
import type { Store } from './store.ts';
import type { Supervisor } from './supervisor.ts';
import { createTaskActions } from './tasks.ts';
import { TimerService } from './timers.ts';

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
  /** Stored output of one attempt. Default 16 MiB. */
  readonly outputCapBytes?: number;
  /** How long a task is kept after its end, in ms; null for ever. Default 30 days. */
  readonly keepTasksMs?: number | null;
}

/** @throws MusterError `unavailable` if the database does not answer */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const core = createCore(options);
  const services = createServices(options, core);
  const { sessions, timers, reconciler, peers } = services;
  let isStopping = false;
  let stopped: Promise<void> | null = null;
  const stop = () => {
    isStopping = true;
    return (stopped ??= stopAll(core, services));
  };
  try {
    await core.databaseClock.start();
    await core.store.read(() => peers.start());
  } catch (error) {
    await stop();
    throw error;
  }
  sessions.start();
  timers.start();
  reconciler.start();
  services.schedules.start();
  services.retention.start();
  return {
    id: options.supervisorId,
    tasks: services.tasks,
    nodes: createNodeActions(core.store, sessions.deadAfterMs),
    groups: createGroupActions(core.store),
    schedules: services.scheduleActions,
    sessions,
    isServing: () => !isStopping && core.availability.isUp,
    stop,
  };
}

/** What everything else stands on. */
function createCore({ database, clock, log, supervisorId, random }: SupervisorOptions) {
  const availability = new Availability(() => database.sql`select 1`, clock, log);
  const store = createStore(database, availability, supervisorId);
  const databaseClock = new DatabaseClock(store, clock, log);
  const stamper = { now: () => databaseClock.now(), random };
  const specs = new SpecCache(store, classifyFailure);
  return { availability, store, databaseClock, stamper, specs, changes: new Changes() };
}

type Core = ReturnType<typeof createCore>;

function createServices(options: SupervisorOptions, core: Core) {
  const { database, clock, log, supervisorId } = options;
  const { availability, store, databaseClock, stamper, specs, changes } = core;
  const onCommitted = ({ record, transitions, effects }: Committed) => {
    sessions.committed(record.id);
    board.committed(record);
    fanOuts.committed(record);
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
  const fanOuts: FanOuts = new FanOuts(common);
  const timers: TimerService = new TimerService(store, host, clock, log);
  const intervalMs = options.sweepIntervalMs ?? 5_000;
  const parts = { ...common, availability, sessions, scheduler, fanOuts };
  const reconciler = new Reconciler({ ...parts, intervalMs });
  const peers = new Peers({ ...common, database, sessions, scheduler, changes, board });
  const ids = createIdSource(options.randomBytes);
  const creator = { store, specs, stamper, ids, supervisorId, onCommitted };
  const tasks = createTaskActions({
    store,
    host,
    changes,
    board,
    clock,
    creator,
    deadAfterMs: sessions.deadAfterMs,
  });
  const schedules = new ScheduleService({ store, host, creator, clock, log });
  const scheduleActions = createScheduleActions({ host, creator }, schedules.poke);
  const retention = createRetention(options, store);
  return {
    host,
    sessions,
    scheduler,
    fanOuts,
    timers,
    reconciler,
    retention,
    peers,
    board,
    tasks,
    schedules,
    scheduleActions,
  };
}

function createRetention({ clock, log, keepTasksMs }: SupervisorOptions, store: Store) {
  const keptMs = keepTasksMs === undefined ? DEFAULT_KEEP_TASKS_MS : keepTasksMs;
  return new RetentionService({ store, clock, log, keepTasksMs: keptMs });
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

async function stopAll(core: Core, services: ReturnType<typeof createServices>): Promise<void> {
  const { availability, store, databaseClock } = core;
  services.scheduler.stop();
  services.fanOuts.stop();
  services.timers.stop();
  services.schedules.stop();
  services.reconciler.stop();
  services.retention.stop();
  services.board.stop();
  services.sessions.stop();
  const drained = services.host.quiet().then(() => store.drained());
  // What is open while the database is away stays open: its agents tell it again to the next supervisor.
  await Promise.race([drained, availability.whenLost()]);
  availability.stop();
  databaseClock.stop();
  await services.peers.stop();
}
