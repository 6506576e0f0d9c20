/**
 * Empties nodes that are being drained: makes true what the node machine says.
 *
 *   look(node) ─► no session of it takes tasks any more ─► deadline over? ─► stopping: cancel what runs ─► count ─► tasks.counted
 *
 * Called when a node has moved (here or on another supervisor), when a task on a draining node has ended, and by every sweep. It keeps
 * nothing that matters. Whoever holds the node's session counts, after it has closed the session to new tasks; so a node that
 * is said to be drained has nothing at work and is given nothing. Of a node without a session anybody may count.
 */
import { listClosedNodes, listDrainingNodes } from '../../db/node-actors.ts';
import { listRunningTasks } from '../../db/tasks.ts';
import type { TaskRecord } from '../../db/records.ts';
import { MusterError } from '../../machines/errors.ts';
import { takesTasks } from '../../machines/node-decide.ts';
import type { Clock, Timer } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import type { Host } from './host.ts';
import { applyToNode, loadNode } from './node-actor.ts';
import type { NodeActorOptions } from './node-actor.ts';
import type { Scheduler } from './scheduler.ts';
import type { SessionRegistry } from './sessions.ts';

/** Nodes in one sweep; the next one goes on behind them. */
const SWEEP_LIMIT = 1_000;

export interface DrainsOptions extends NodeActorOptions {
  readonly host: Host;
  readonly sessions: SessionRegistry;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Drains {
  readonly #options: DrainsOptions;
  /** Under way; true when another look is due. */
  readonly #looking = new Map<string, boolean>();
  /** Nodes that were being drained when last looked at, with the timer of their deadline. */
  readonly #draining = new Map<string, Timer | null>();
  readonly #underWay = new Set<Promise<void>>();
  /** The last one of the sweep before; empty when that came to the end. */
  #sweptUntil = '';
  #isStopped = false;

  constructor(options: DrainsOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#draining.values()) timer?.cancel();
  }

  /** Resolves when nothing is under way. After stop nothing new begins. */
  async quiet(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** A task has moved. If it has left a node that is being drained, that may be empty now. */
  committed({ snapshot: { context } }: TaskRecord): void {
    if (this.#draining.size === 0 || context.current !== null) return;
    const nodeId = context.ended?.nodeId;
    if (nodeId !== undefined && this.#draining.has(nodeId)) this.look(nodeId);
  }

  /** Looks after a node soon. */
  look(nodeId: string): void {
    if (this.#isStopped) return;
    if (this.#looking.has(nodeId)) {
      this.#looking.set(nodeId, true);
      return;
    }
    this.#looking.set(nodeId, false);
    const work = this.#lookUntilQuiet(nodeId).finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
  }

  /**
   * Opens and closes the sessions here as their nodes stand, and looks after drains under way, all of them in turn. Returns how many it
   * looked after.
   */
  async sweep(): Promise<number> {
    const { store, sessions } = this.#options;
    const nodeIds = [...sessions.all()].map((session) => session.nodeId);
    const closed = new Set(
      nodeIds.length === 0 ? [] : await store.read((sql) => listClosedNodes(sql, nodeIds)),
    );
    for (const nodeId of nodeIds) this.#setOpen(nodeId, !closed.has(nodeId));
    const draining = await store.read((sql) =>
      listDrainingNodes(sql, sessions.deadAfterMs, SWEEP_LIMIT, { after: this.#sweptUntil }),
    );
    this.#sweptUntil = draining.length < SWEEP_LIMIT ? '' : (draining.at(-1)?.nodeId ?? '');
    for (const { nodeId } of draining) this.look(nodeId);
    return draining.length;
  }

  #setOpen(nodeId: string, isOpen: boolean): void {
    const session = this.#options.sessions.get(nodeId);
    if (session === undefined || session.takesTasks === isOpen) return;
    session.takesTasks = isOpen;
    if (isOpen) this.#options.scheduler.look([nodeId, '']);
  }

  async #lookUntilQuiet(nodeId: string): Promise<void> {
    try {
      do {
        this.#looking.set(nodeId, false);
        await this.#lookOnce(nodeId);
      } while (this.#looking.get(nodeId) === true && !this.#isStopped);
    } catch (error) {
      // The next sweep tries again.
      const isExpected = error instanceof MusterError && error.kind !== 'internal';
      if (!isExpected) this.#options.log.error('a drain failed', { nodeId, error });
    } finally {
      this.#looking.delete(nodeId);
    }
  }

  async #lookOnce(nodeId: string): Promise<void> {
    const { store, stamper } = this.#options;
    let { snapshot, wakeAt } = await loadNode(store, nodeId);
    this.#setOpen(nodeId, takesTasks(snapshot));
    if (wakeAt !== null && wakeAt <= stamper.now()) {
      ({ snapshot, wakeAt } = await applyToNode(this.#options, nodeId, { type: 'timer.fired' }));
    }
    const isDraining = snapshot.path === 'draining' || snapshot.path === 'stopping';
    this.#remember(nodeId, isDraining, wakeAt);
    if (!isDraining || !(await this.#isOurs(nodeId))) return;
    if (snapshot.path === 'stopping') await this.#stopTasks(nodeId);
    const active = await this.#count(nodeId);
    if (active === 0 || active !== snapshot.context.active) {
      const counted = { type: 'tasks.counted', active } as const;
      const after = await applyToNode(this.#options, nodeId, counted);
      if (after.snapshot.path === 'drained') this.#remember(nodeId, false, null);
    }
  }

  /** Tells whether it is for this supervisor to count: it holds the session, or nobody does. */
  async #isOurs(nodeId: string): Promise<boolean> {
    const { store, sessions, supervisorId } = this.#options;
    const draining = await store.read((sql) =>
      listDrainingNodes(sql, sessions.deadAfterMs, 1, { nodeId }),
    );
    const heldBy = draining[0]?.heldBy ?? null;
    return heldBy === null || heldBy === supervisorId;
  }

  /** What runs according to the database, or is on its way there. */
  async #count(nodeId: string): Promise<number> {
    const { store, sessions } = this.#options;
    const running = await store.read((sql) => listRunningTasks(sql, [nodeId]));
    const assigned = sessions.get(nodeId)?.activeTaskIds ?? [];
    return new Set([...running.map(({ id }) => id), ...assigned]).size;
  }

  async #stopTasks(nodeId: string): Promise<void> {
    const { store, host } = this.#options;
    const running = await store.read((sql) => listRunningTasks(sql, [nodeId]));
    const asked = running.filter(({ snapshot }) => snapshot.context.stopCause === null);
    const cancel = {
      type: 'cancel.requested',
      by: `drain of node ${nodeId}`,
      note: 'the deadline of the drain is over',
    } as const;
    // One that has ended meanwhile refuses; one that was not reached is told by the next sweep.
    await Promise.allSettled(asked.map(({ id }) => host.apply(id, cancel, false)));
  }

  #remember(nodeId: string, isDraining: boolean, wakeAt: number | null): void {
    this.#draining.get(nodeId)?.cancel();
    this.#draining.delete(nodeId);
    if (!isDraining || this.#isStopped) return;
    const { clock, stamper } = this.#options;
    const timer =
      wakeAt === null
        ? null
        : clock.after(Math.max(wakeAt - stamper.now(), 1), () => this.look(nodeId));
    this.#draining.set(nodeId, timer);
  }
}
