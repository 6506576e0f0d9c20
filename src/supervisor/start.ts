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
import { wakeAt } from '../../machines/decide.ts';
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import { Availability } from './availability.ts';
import { Changes } from './changes.ts';
import { DatabaseClock } from './database-clock.ts';
import { Host } from './host.ts';
import type { Committed } from './host.ts';
import { createIdSource } from './ids.ts';
import { encodeNews } from './news.ts';
import { createNodeActions } from './nodes.ts';
import { Peers } from './peers.ts';
import { Reconciler } from './reconciler.ts';
import { Scheduler } from './scheduler.ts';
import { SessionRegistry } from './sessions.ts';
import { SpecCache } from './spec-cache.ts';
import { createStore } from './store.ts';
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
}

/** @throws MusterError `unavailable` if the database does not answer */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const { database, clock, log, supervisorId } = options;
  const availability = new Availability(() => database.sql`select 1`, clock, log);
  const store = createStore(database, availability, supervisorId);
  const databaseClock = new DatabaseClock(store, clock, log);
  const stamper = { now: () => databaseClock.now(), random: options.random };
  const changes = new Changes();
  const specs = new SpecCache(store, classifyFailure);

  const onCommitted = ({ record, transitions, effects }: Committed) => {
    sessions.committed(record.id);
    for (const effect of effects) {
      if (effect.type === 'offerTask') scheduler.offer(record);
      else sessions.deliver(effect, record);
    }
    const dueAt = wakeAt(record.snapshot);
    if (dueAt !== null) timers.expect(Math.max(dueAt - databaseClock.now(), 0));
    changes.publish({ record, transitions, isDeleted: false });
  };
  const host = new Host({ store, availability, stamper, supervisorId, onCommitted, log });
  const sessions = new SessionRegistry({
    store,
    host,
    specs,
    scheduler: () => scheduler,
    supervisorId,
    clock,
    log,
    onOutput: (taskId) => changes.outputArrived(taskId),
    onOpened: (nodeId) => void announce(nodeId),
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? 5_000,
    deadAfterMs: options.deadAfterMs ?? 15_000,
    outputCapBytes: options.outputCapBytes ?? 16 * 1024 * 1024,
  });
  const scheduler: Scheduler = new Scheduler({
    store,
    host,
    sessions: () => sessions.all(),
    sessionOf: (nodeId) => sessions.get(nodeId),
    log,
  });
  const timers = new TimerService(store, host, clock, log);
  const intervalMs = options.sweepIntervalMs ?? 5_000;
  const reconciler = new Reconciler({
    store,
    availability,
    host,
    sessions,
    scheduler,
    clock,
    log,
    intervalMs,
  });
  const peers = new Peers({
    database,
    supervisorId,
    store,
    host,
    sessions,
    scheduler,
    changes,
    clock,
    log,
  });
  const announce = async (nodeId: string) => {
    const news = encodeNews({ from: supervisorId, taskIds: [], queuedFor: [], sessions: [nodeId] });
    try {
      await store.read((sql) => notify(sql, news));
    } catch (error) {
      // The former supervisor finds out with its next sign of life.
      log.warn('cannot announce a session', { nodeId, error });
    }
  };
  const creator = {
    store,
    specs,
    stamper,
    ids: createIdSource(options.randomBytes),
    supervisorId,
    onCommitted,
  };

  let isStopping = false;
  const stop = async () => {
    isStopping = true;
    scheduler.stop();
    timers.stop();
    reconciler.stop();
    sessions.stop();
    const drained = host.quiet().then(() => store.drained());
    // What is open while the database is away stays open: its agents tell it again to the next supervisor.
    await Promise.race([drained, availability.whenLost()]);
    availability.stop();
    databaseClock.stop();
    await peers.stop();
  };

  try {
    await databaseClock.start();
    await store.read(() => peers.start());
  } catch (error) {
    await stop();
    throw error;
  }
  sessions.start();
  timers.start();
  reconciler.start();
  let stopped: Promise<void> | null = null;

  return {
    id: supervisorId,
    tasks: createTaskActions({ store, host, changes, clock, creator }),
    nodes: createNodeActions(store, sessions.deadAfterMs),
    sessions,
    isServing: () => !isStopping && availability.isUp,
    stop: () => (stopped ??= stop()),
  };
}
