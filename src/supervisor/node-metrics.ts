/**
 * Measurements of hosts: the newest of every session here in memory, one a minute of each in the database.
 *
 * Agents send one with each heartbeat; a minute's worth of all sessions is one statement. A minute that could not be written is
 * left out: the next one tells the same story.
 */
import {
  type NodeMetrics,
  readNewestMetrics,
  readNodeMetrics,
  storeNodeMetrics,
} from '../../db/node-metrics.ts';
import type { NodeRecord } from '../../db/records.ts';
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import { Periodic } from './periodic.ts';
import type { SessionRegistry } from './sessions.ts';
import type { Store } from './store.ts';

export interface NodeMetricsOptions {
  readonly store: Pick<Store, 'read'>;
  readonly sessions: Pick<SessionRegistry, 'all' | 'get'>;
  readonly clock: Clock;
  /** The database's clock, in ms since 1970. */
  readonly now: () => number;
  readonly log: Logger;
  readonly intervalMs: number;
}

/** What is asked for where nothing else is said. */
const DEFAULT_RANGE_MS = 3_600_000;

export class NodeMetricsService {
  readonly #options: NodeMetricsOptions;
  /** By the monotonic clock; what came before is written. */
  #writtenAt = Number.NEGATIVE_INFINITY;
  readonly #loop: Periodic;

  constructor(options: NodeMetricsOptions) {
    this.#options = options;
    const { clock, log, intervalMs } = options;
    const purpose = 'write measurements of nodes';
    this.#loop = new Periodic({ clock, log, intervalMs, act: () => this.writeOnce(), purpose });
  }

  start(): void {
    this.#loop.start();
  }

  stop(): void {
    this.#loop.stop();
  }

  /** Writes what the sessions have told since the last time, in one statement. Returns how many points there are of it. */
  async writeOnce(): Promise<number> {
    const { store, sessions, clock } = this.#options;
    const since = this.#writtenAt;
    this.#writtenAt = clock.monotonic();
    const told = Array.from(sessions.all(), ({ nodeId, epoch, metrics }) =>
      metrics === null || metrics.heardAt < since ? [] : [{ nodeId, epoch, metrics: metrics.host }],
    ).flat();
    return told.length === 0 ? 0 : await store.read((sql) => storeNodeMetrics(sql, told));
  }

  /** Gives each node its newest measurement: what its session here told, else the last point that is stored. */
  async attach(records: readonly NodeRecord[]): Promise<NodeRecord[]> {
    const fresh = new Map(records.map((record) => [record.id, this.#freshOf(record)]));
    const others = records.flatMap(({ id }) => (fresh.get(id) == null ? [id] : []));
    const stored =
      others.length === 0
        ? new Map<string, NodeMetrics>()
        : await this.#options.store.read((sql) => readNewestMetrics(sql, others));
    return records.map((record) => ({
      ...record,
      metrics: fresh.get(record.id) ?? stored.get(record.id) ?? null,
    }));
  }

  /** The points of a node, oldest first. Null for the default: the last hour. */
  async points(
    nodeId: string,
    since: number | null,
    until: number | null,
  ): Promise<readonly NodeMetrics[]> {
    const to = until ?? this.#options.now();
    const from = since ?? to - DEFAULT_RANGE_MS;
    return await this.#options.store.read((sql) => readNodeMetrics(sql, nodeId, from, to));
  }

  #freshOf({ id, epoch }: NodeRecord): NodeMetrics | null {
    const { sessions, clock, now } = this.#options;
    const session = sessions.get(id);
    if (session === undefined || session.epoch !== epoch || session.metrics === null) return null;
    const { host, heardAt } = session.metrics;
    return { ...host, at: now() - (clock.monotonic() - heardAt) };
  }
}
