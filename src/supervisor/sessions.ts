/**
 * All sessions of this supervisor, and what is said through them.
 *
 * Opening a session raises the node's epoch in the database (node-claims.ts), which fences every older session of the node, here
 * or on another supervisor, and then adopts the node's running tasks: each is told of the new session and what the agent holds of it.
 * Commands follow from the state of a task (level, not edge): `deliver` is the fast path, the reconciler repeats it.
 */
import { listClosedNodes } from '../../db/node-actors.ts';
import { touchNodes } from '../../db/nodes.ts';
import { listRunningTasks } from '../../db/tasks.ts';
import type { TaskProgress, TaskRecord } from '../../db/records.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Effect } from '../../machines/interpret.ts';
import type { AttemptAddress } from '../../machines/task.ts';
import type { Clock, Timer } from '../process/clock.ts';
import type { Logger } from '../process/log.ts';
import { sendStart } from './attempt-start.ts';
import type { Host } from './host.ts';
import { NodeClaims } from './node-claims.ts';
import type { Scheduler } from './scheduler.ts';
import { replacedMessage } from './session-output.ts';
import { Session } from './session.ts';
import type { SpecCache } from './spec-cache.ts';
import type { Store } from './store.ts';
import type { WorkerBook } from './worker-book.ts';
import type { AgentHello, AgentLink, GoodbyeReason, OpenSession, Sessions } from './supervisor.ts';

export interface SessionRegistryOptions {
  readonly store: Store;
  readonly host: Host;
  readonly specs: SpecCache;
  readonly scheduler: () => Scheduler;
  readonly book: () => WorkerBook;
  readonly supervisorId: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onOutput: (taskId: string) => void;
  readonly onProgress: (taskId: string, progress: TaskProgress) => void;
  /** The node has moved here: its former supervisor should know. */
  readonly onOpened: (nodeId: string) => void;
  readonly heartbeatIntervalMs: number;
  readonly deadAfterMs: number;
  readonly outputCapBytes: number;
}

const STOPPING = 'this supervisor is stopping; connect again';

export class SessionRegistry implements Sessions {
  readonly heartbeatIntervalMs: number;
  readonly deadAfterMs: number;
  readonly #options: SessionRegistryOptions;
  readonly #claims: NodeClaims;
  readonly #byNode = new Map<string, Session>();
  /** What has been committed since each of the reads that are under way. */
  readonly #commitsDuringReads = new Set<Set<string>>();
  #timer: Timer | null = null;
  #isTouching = false;
  #isStopped = false;

  constructor(options: SessionRegistryOptions) {
    this.#options = options;
    this.#claims = new NodeClaims(options);
    this.heartbeatIntervalMs = options.heartbeatIntervalMs;
    this.deadAfterMs = options.deadAfterMs;
  }

  get(nodeId: string): Session | undefined {
    return this.#byNode.get(nodeId);
  }

  all(): Iterable<Session> {
    return this.#byNode.values();
  }

  get size(): number {
    return this.#byNode.size;
  }

  start(): void {
    this.#timer = this.#options.clock.after(this.heartbeatIntervalMs, () => this.#beat());
  }

  /** Tells every agent to connect again, to another supervisor or to the next life of this one. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    for (const session of this.#byNode.values()) {
      session.close('shutdown', STOPPING);
    }
  }

  /** @throws MusterError `unavailable` */
  async open(
    hello: AgentHello,
    link: AgentLink,
  ): Promise<(OpenSession & { begin(): void }) | null> {
    const { store, host, log, clock, onOutput, supervisorId } = this.#options;
    if (this.#isStopped) throw new MusterError('unavailable', 'This supervisor is stopping');
    const { nodeId, bootId, slots, workers } = hello;
    const opened = await this.#claims.claim(hello, link, (id) => this.#byNode.get(id));
    if (opened === null) return null;
    const { epoch } = opened;
    const session = new Session({
      nodeId,
      epoch,
      bootId,
      slots,
      workers,
      link,
      store,
      host,
      log,
      monotonic: () => clock.monotonic(),
      onOutput,
      onProgress: this.#options.onProgress,
      adopt: (its, record) => this.#adopt(its, record),
      onWorker: (changed, report) => this.#options.book().changed(changed, report),
      onCapacity: (changed) => this.#options.scheduler().capacity(changed),
    });
    for (const held of hello.held) session.hold(held.taskId, held.attempt, held.phase);
    this.#admit(session);
    this.#options.book().opened(session, workers);
    if (opened.previousSupervisorId !== null && opened.previousSupervisorId !== supervisorId) {
      this.#options.onOpened(nodeId);
    }
    try {
      if (this.#byNode.get(nodeId) === session) await this.#adoptAll(session);
      // Read when it is known here, so that a drain that is asked for from now on finds it.
      const closed = await store.read((sql) => listClosedNodes(sql, [nodeId]));
      if (closed.includes(nodeId)) session.takesTasks = false;
    } catch (error) {
      // Nobody will drive it; the agent comes again.
      this.#drop(session, 'shutdown', 'the database does not answer; connect again');
      throw error;
    }
    log.info('session opened', { nodeId, epoch, held: hello.held.length });
    return {
      epoch,
      begin: () => {
        this.#dismissStrangers(session);
        session.begin();
        this.#options.scheduler().look([nodeId, '']);
      },
      receive: (seq, events) => session.receive(seq, events),
      heard: (metrics) => session.heard(metrics),
      ended: (isLeaving) => void this.#end(session, isLeaving),
    };
  }

  /** A session of this node has been opened on another supervisor. The news may be older than the session that is here. */
  async replacedElsewhere(nodeId: string): Promise<void> {
    const session = this.#byNode.get(nodeId);
    if (session !== undefined) await this.#touch([session]);
  }

  /** Writes down a sign of life for all sessions that have given one. @throws MusterError `unavailable` */
  async touch(): Promise<void> {
    const sessions = [...this.#byNode.values()];
    await this.#touch(
      sessions.filter((session) => session.silentMs <= this.heartbeatIntervalMs * 2),
    );
  }

  /** Tells whether an open session here has this task: then its own silence decides. */
  isHeldHere(taskId: string, epoch: number): boolean {
    for (const session of this.#byNode.values()) {
      if (session.epoch === epoch && session.assignedAttempt(taskId) !== undefined) return true;
    }
    return false;
  }

  /** A task has been committed here: records of it that are being read may be older. */
  committed(taskId: string): void {
    for (const commits of this.#commitsDuringReads) commits.add(taskId);
  }

  /**
   * Reconciles the records that `read` returns, but for those that were committed here meanwhile: what they ask for may be over,
   * and a Start must not be sent again for an attempt that has ended (I2).
   */
  async reconcileAll(
    read: () => Promise<readonly TaskRecord[]>,
    repeatAfterMs: number,
  ): Promise<readonly TaskRecord[]> {
    const commits = new Set<string>();
    this.#commitsDuringReads.add(commits);
    try {
      const records = await read();
      for (const record of records) {
        if (!commits.has(record.id)) this.#reconcile(record, repeatAfterMs);
      }
      return records;
    } finally {
      this.#commitsDuringReads.delete(commits);
    }
  }

  /** Carries out an effect, if the session of its node is here. If not, its own supervisor reconciles. */
  deliver(effect: Effect, record: TaskRecord): void {
    if (effect.type === 'offerTask' || effect.type === 'rollOut') return;
    const { taskId, attempt, nodeId } = effect.params as AttemptAddress;
    const session = this.#byNode.get(nodeId);
    if (session === undefined) return;
    const { current } = record.snapshot.context;
    if (current !== null && current.epoch !== session.epoch) {
      // Committed for a session that is over: reports of this one would count as late.
      if (current.epoch < session.epoch) void this.#adopt(session, record);
      return;
    }
    switch (effect.type) {
      case 'startAttempt':
        void sendStart(this.#options, session, record);
        break;
      case 'stopAttempt': {
        const { cause } = effect.params as { cause: 'cancel' | 'timeout' };
        session.send({ kind: 'stop', taskId, attempt, cause });
        break;
      }
      case 'forgetAttempt':
        this.#release(session, taskId, attempt);
        session.send({ kind: 'forget', taskId, attempt });
        break;
      case 'abandonAttempt':
        this.#release(session, taskId, attempt);
        if (session.heldPhase(taskId, attempt) !== null) {
          session.send({ kind: 'stop', taskId, attempt, cause: 'stale' });
        }
        break;
    }
  }

  /** Makes true what the state of a running task asks of its node, whatever was lost on the way. */
  #reconcile(record: TaskRecord, repeatAfterMs: number): void {
    const { current, attempt, stopCause } = record.snapshot.context;
    const session = current === null ? undefined : this.#byNode.get(current.nodeId);
    if (current === null || session === undefined) return;
    if (current.epoch < session.epoch || record.snapshot.path === 'running.unreachable') {
      void this.#adopt(session, record);
      return;
    }
    if (current.epoch > session.epoch) return;
    const phase = session.heldPhase(record.id, attempt);
    if (phase === 'ended') return;
    session.assign(record);
    if (record.snapshot.path === 'running.stopping') {
      const cause = stopCause ?? 'cancel';
      session.send({ kind: 'stop', taskId: record.id, attempt, cause });
    } else if (record.snapshot.path === 'running.dispatched' && phase === null) {
      const sentAt = session.sentAt(record.id);
      if (sentAt === null || this.#options.clock.monotonic() - sentAt >= repeatAfterMs) {
        void sendStart(this.#options, session, record);
      }
    }
  }

  #release(session: Session, taskId: string, attempt: number): void {
    if (session.assignedAttempt(taskId) !== attempt) return;
    session.release(taskId);
    this.#options.scheduler().capacity(session);
  }

  async #adoptAll(session: Session): Promise<void> {
    const records = await this.#options.store.read((sql) =>
      listRunningTasks(sql, [session.nodeId]),
    );
    for (const record of records) this.#options.host.prime(record);
    await Promise.all(records.map((record) => this.#adopt(session, record)));
  }

  async #adopt(session: Session, record: TaskRecord): Promise<void> {
    const { nodeId, epoch, bootId } = session;
    const { attempt } = record.snapshot.context;
    const held = session.heldPhase(record.id, attempt);
    try {
      const applied = await this.#options.host.apply(
        record.id,
        { type: 'session.opened', nodeId, epoch, bootId, held },
        true,
      );
      const { current } = applied.record.snapshot.context;
      if (current?.nodeId === nodeId && current.epoch === epoch && held !== 'ended') {
        session.assign(applied.record);
      } else {
        session.cancelReservation(record.id);
        this.#options.scheduler().capacity(session);
      }
    } catch (error) {
      // The sweep of the reconciler tries again; until then its process is none to be stopped.
      session.assign(record);
      this.#options.log.warn('a task is not adopted yet', { taskId: record.id, nodeId, error });
    }
  }

  /** What the agent holds and no task asks for is stopped; it answers with the end of it, which is then let go. */
  #dismissStrangers(session: Session): void {
    for (const { taskId, attempt, phase } of session.heldAttempts()) {
      if (session.assignedAttempt(taskId) === attempt || phase === 'ended') continue;
      session.send({ kind: 'stop', taskId, attempt, cause: 'stale' });
    }
  }

  /** Makes it the session of its node, unless a newer one was faster or a stop is under way. */
  #admit(session: Session): void {
    if (this.#isStopped) return session.close('shutdown', STOPPING);
    const former = this.#byNode.get(session.nodeId);
    if (former !== undefined && former.epoch > session.epoch) {
      return session.close('replaced', replacedMessage(session.nodeId));
    }
    // A dispatch through a former session may still be committed, and is then adopted: its slot is kept.
    for (const taskId of this.#options.scheduler().proposedTo(session.nodeId)) {
      session.reserve(taskId, 0, true);
    }
    this.#byNode.set(session.nodeId, session);
    if (former !== undefined) {
      this.#options.scheduler().drop(former);
      former.close('replaced', replacedMessage(session.nodeId));
    }
  }

  #drop(session: Session, reason: GoodbyeReason, message: string): void {
    if (this.#byNode.get(session.nodeId) === session) this.#byNode.delete(session.nodeId);
    this.#options.scheduler().drop(session);
    session.close(reason, message);
  }

  async #end(session: Session, isLeaving: boolean): Promise<void> {
    session.markClosed();
    const { nodeId, epoch } = session;
    if (this.#byNode.get(nodeId) === session) {
      this.#byNode.delete(nodeId);
      this.#options.scheduler().drop(session);
    }
    this.#options.log.info('session ended', { nodeId, epoch, isLeaving });
    // Its agent is well and looks for another supervisor: meanwhile no other boot is to be let in.
    if (this.#isStopped && !isLeaving) return;
    await this.#claims.release(nodeId, epoch, isLeaving);
  }

  /** One beat: a sign of life to every agent and to the database, and an end to what is silent or replaced. */
  #beat(): void {
    if (this.#isStopped) return;
    // The beat waits for nothing: a slow database must not silence the sessions.
    this.#timer = this.#options.clock.after(this.heartbeatIntervalMs, () => this.#beat());
    for (const session of this.#byNode.values()) {
      if (session.silentMs <= this.deadAfterMs) session.heartbeat();
      else this.#giveUp(session).catch((error: unknown) => this.#report(error));
    }
    if (this.#isTouching) return;
    this.#isTouching = true;
    this.touch()
      .catch((error: unknown) => this.#report(error))
      .finally(() => (this.#isTouching = false));
  }

  #report(error: unknown): void {
    if (error instanceof MusterError) return;
    this.#options.log.error('cannot write signs of life', { error });
  }

  /** Ends a session that is open and says nothing. Its tasks are told at once: nobody knows better than who holds it. */
  async #giveUp(session: Session): Promise<void> {
    const { store, host, log } = this.#options;
    const { nodeId, epoch } = session;
    log.warn('agent is silent', { nodeId, silentMs: Math.round(session.silentMs) });
    this.#drop(session, 'protocol_error', `nothing heard for ${this.deadAfterMs / 1000} s`);
    const records = await store.read((sql) => listRunningTasks(sql, [nodeId]));
    const lost = { type: 'session.lost', nodeId, epoch } as const;
    // One that was not reached is told by the reconciler.
    await Promise.allSettled(records.map((record) => host.apply(record.id, lost, false)));
  }

  /** Sessions that the database knows newer ones of are dropped. */
  async #touch(sessions: readonly Session[]): Promise<void> {
    if (sessions.length === 0) return;
    const epochs = sessions.map(({ nodeId, epoch }) => ({ nodeId, epoch }));
    const held = await this.#options.store.read((sql) => touchNodes(sql, epochs));
    for (const session of sessions) {
      if (held.has(session.nodeId) || this.#byNode.get(session.nodeId) !== session) continue;
      this.#drop(session, 'replaced', replacedMessage(session.nodeId));
    }
  }
}
