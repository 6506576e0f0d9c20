/**
 * The actor host: the one write path of every task.
 *
 *   apply(taskId, event) ──► mailbox ──► load ──► takeTurn (pure) ──► commit (version check) ──► act
 *
 * An actor takes one turn at a time; what arrives meanwhile waits in its mailbox and shares the next commit. Nothing acts on
 * a transition before it is committed (I3): effects, answers and watchers come after. Another supervisor may have written the
 * row in between: then the version check fails, the actor is loaded again and the same events are decided anew (I6).
 *
 * When the connection is lost during a commit nobody knows whether it went through, or still will: the server may be at work
 * on it. Callers that wait for an answer get `unavailable`. The actor keeps the turn as a doubt, and looks for it in the history
 * as soon as the database shows a newer version: there, it acts on it late; not there, the version check keeps it out for ever.
 */
import { readTransition } from '../../db/transitions.ts';
import type { TaskRecord, TransitionRecord } from '../../db/records.ts';
import { isFinalPath } from '../../machines/decide.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Effect } from '../../machines/interpret.ts';
import type { TaskEventBody } from '../../machines/task-events.ts';
import type { Logger } from '../process/log.ts';
import { takeTurn } from './actor.ts';
import type { Applied, Late, Stamper, Turn } from './actor.ts';
import type { Availability } from './availability.ts';
import type { Store } from './store.ts';

/** A committed turn of one actor. */
export interface Committed {
  readonly record: TaskRecord;
  readonly transitions: readonly TransitionRecord[];
  readonly effects: readonly Effect[];
}

export interface HostOptions {
  readonly store: Store;
  readonly availability: Availability;
  readonly stamper: Stamper;
  readonly supervisorId: string;
  /** Acts on what is committed. Must not throw. */
  readonly onCommitted: (committed: Committed) => void;
  readonly log: Logger;
  /** Actors kept in memory while nothing happens to them. Default 10,000. */
  readonly maxIdleActors?: number;
}

/** Lost races in a row after which a caller is told to try again. */
const MAX_CONFLICTS = 50;

interface Envelope {
  readonly body: TaskEventBody;
  /** A patient event waits for the database; an impatient one is refused while it is away. */
  readonly isPatient: boolean;
  /** It has had its answer, or will have it without another turn. */
  isSettled: boolean;
  readonly resolve: (applied: Applied) => void;
  readonly reject: (error: unknown) => void;
}

interface Actor {
  readonly id: string;
  record: TaskRecord | null;
  mailbox: Envelope[];
  isBusy: boolean;
  /** Turns on the same version whose commits have lost their answers: one of them may be stored. */
  doubts: Doubt[];
}

interface Doubt {
  readonly turn: Turn;
  readonly envelopes: readonly Envelope[];
}

export class Host {
  readonly #options: HostOptions;
  /** In order of last use, so that the first ones are passivated first. */
  readonly #actors = new Map<string, Actor>();
  #busy = 0;
  #quiet: (() => void)[] = [];

  constructor(options: HostOptions) {
    this.#options = options;
  }

  /**
   * Applies an event to a task. Resolves when what it did is committed.
   *
   * @param isPatient true for what comes from timers, sessions and agents: it outlives a restart of the database
   * @throws MusterError `unknown_task`, `illegal_transition`, `unavailable`, `conflict`, `snapshot_too_new`, `rejected_by_store`
   */
  apply(taskId: string, body: TaskEventBody, isPatient: boolean): Promise<Applied> {
    return new Promise((resolve, reject) => {
      if (!isPatient) this.#options.availability.check();
      const actor = this.#actorOf(taskId);
      actor.mailbox.push({ body, isPatient, isSettled: false, resolve, reject });
      if (!actor.isBusy) void this.#run(actor);
    });
  }

  /** Saves a load: the record was read or created a moment ago. A stale one only costs a failed version check. */
  prime(record: TaskRecord): void {
    const actor = this.#actorOf(record.id);
    if (!actor.isBusy && (actor.record === null || actor.record.version < record.version)) {
      actor.record = record;
    }
    this.#passivate(actor);
  }

  /** Another supervisor has written these tasks: what is kept in memory of them is worth nothing. */
  forget(taskIds: readonly string[]): void {
    for (const taskId of taskIds) {
      const actor = this.#actors.get(taskId);
      if (actor !== undefined && !actor.isBusy) this.#actors.delete(taskId);
    }
  }

  /** Resolves when no actor is busy. */
  quiet(): Promise<void> {
    if (this.#busy === 0) return Promise.resolve();
    return new Promise((resolve) => this.#quiet.push(resolve));
  }

  get actorCount(): number {
    return this.#actors.size;
  }

  #actorOf(taskId: string): Actor {
    const known = this.#actors.get(taskId);
    const actor = known ?? { id: taskId, record: null, mailbox: [], isBusy: false, doubts: [] };
    if (known !== undefined) this.#actors.delete(taskId);
    this.#actors.set(taskId, actor);
    return actor;
  }

  async #run(actor: Actor): Promise<void> {
    actor.isBusy = true;
    this.#busy += 1;
    let conflicts = 0;
    // After a turn of several events has failed, each of them takes a turn alone: one may be at fault.
    let alone = 0;
    while (actor.mailbox.length > 0 || actor.doubts.length > 0) {
      const envelopes = actor.mailbox.splice(0, alone > 0 ? 1 : actor.mailbox.length);
      alone = Math.max(alone - 1, 0);
      try {
        if (await this.#turn(actor, envelopes)) {
          conflicts = 0;
          continue;
        }
        conflicts += 1;
        if (conflicts > MAX_CONFLICTS) throw conflict(actor.id);
        actor.mailbox.unshift(...unsettled(envelopes));
      } catch (error) {
        // A failed actor starts again from its stored snapshot; nothing of this turn is there.
        actor.record = null;
        if (isUnavailable(error)) await this.#outlast(actor, envelopes, error);
        else if (envelopes.length > 1) {
          alone = envelopes.length;
          actor.mailbox.unshift(...unsettled(envelopes));
        } else this.#giveUp(actor, envelopes, error);
      }
    }
    actor.isBusy = false;
    this.#busy -= 1;
    this.#passivate(actor);
    if (this.#busy === 0) for (const resolve of this.#quiet.splice(0)) resolve();
  }

  /** Returns false if another supervisor was faster: the same events must be decided anew. */
  async #turn(actor: Actor, taken: readonly Envelope[]): Promise<boolean> {
    const { store, stamper, supervisorId } = this.#options;
    actor.record ??= await store.load(actor.id);
    if (actor.doubts.length > 0) await this.#resolveDoubts(actor);
    const envelopes = unsettled(taken);
    if (envelopes.length === 0) {
      actor.doubts = [];
      return true;
    }
    if (actor.record === null) throw unknownTask(actor.id);
    const bodies = envelopes.map((envelope) => envelope.body);
    const turn = takeTurn(actor.record, bodies, stamper, supervisorId);
    if (turn.update !== null) {
      if (!(await this.#commit(actor, turn, envelopes))) {
        actor.record = null;
        return false;
      }
      actor.doubts = [];
    }
    actor.record = turn.record;
    this.#act(turn, envelopes);
    return true;
  }

  async #commit(actor: Actor, turn: Turn, envelopes: readonly Envelope[]): Promise<boolean> {
    try {
      return await this.#options.store.update(turn.update as NonNullable<Turn['update']>);
    } catch (error) {
      if (isUnavailable(error)) actor.doubts.push({ turn, envelopes });
      throw error;
    }
  }

  /** What is committed takes effect: effects first, then the answers. */
  #act(turn: Turn, envelopes: readonly Envelope[]): void {
    const { onCommitted, log } = this.#options;
    try {
      if (turn.update !== null) onCommitted(turn);
    } catch (error) {
      // It is committed, whatever follows. The reconciler makes up for it.
      log.error('acting on a transition failed', { taskId: turn.record.id, error });
    }
    for (const [index, outcome] of turn.outcomes.entries()) {
      const envelope = envelopes[index] as Envelope;
      if (envelope.isSettled) continue;
      envelope.isSettled = true;
      if (outcome.kind === 'refused') envelope.reject(outcome.error);
      else if (outcome.kind === 'late') this.#writeDown(outcome, envelope);
      else envelope.resolve(outcome);
    }
  }

  /** A late report changes nothing, but it is kept. */
  #writeDown(late: Late, { resolve, reject }: Envelope): void {
    this.#options.store.addLateReport(late.report).then(() => resolve(late), reject);
  }

  /** Looks for the commits whose answers were lost. While the version has not moved on they may still be under way. */
  async #resolveDoubts(actor: Actor): Promise<void> {
    const { store, supervisorId } = this.#options;
    const [doubt] = actor.doubts;
    const version = doubt?.turn.transitions[0]?.version ?? 0;
    if (actor.record !== null && actor.record.version < version) return;
    const stored =
      actor.record === null
        ? null
        : await store.read((sql) => readTransition(sql, actor.id, version));
    const isStored = ({ turn: { transitions } }: Doubt) =>
      stored?.supervisorId === supervisorId &&
      isSameStamp(stored, transitions[0] as TransitionRecord);
    const found = actor.doubts.find(isStored);
    actor.doubts = [];
    if (found !== undefined) this.#act(found.turn, found.envelopes);
  }

  /** The database is away: the impatient are told so, the patient take their turn again when it is back. */
  async #outlast(actor: Actor, envelopes: Envelope[], error: unknown): Promise<void> {
    rejectImpatient(envelopes, error);
    try {
      await this.#options.availability.whenUp();
      actor.mailbox.unshift(...unsettled(envelopes));
    } catch (stopped) {
      actor.doubts = [];
      for (const envelope of unsettled(envelopes)) envelope.reject(stopped);
    }
  }

  #giveUp(actor: Actor, envelopes: Envelope[], error: unknown): void {
    actor.doubts = [];
    if (!(error instanceof MusterError)) {
      this.#options.log.error('a task actor failed', { taskId: actor.id, error });
    }
    for (const envelope of unsettled(envelopes)) envelope.reject(error);
  }

  /** A final or unknown actor leaves memory at once, others when there are too many. */
  #passivate(actor: Actor): void {
    if (actor.isBusy || actor.mailbox.length > 0) return;
    if (actor.record === null || isFinalPath(actor.record.snapshot.path)) {
      this.#actors.delete(actor.id);
    }
    const max = this.#options.maxIdleActors ?? 10_000;
    if (this.#actors.size <= max) return;
    for (const oldest of this.#actors.values()) {
      if (!oldest.isBusy && oldest.mailbox.length === 0) {
        this.#actors.delete(oldest.id);
        break;
      }
    }
  }
}

function unsettled(envelopes: readonly Envelope[]): Envelope[] {
  return envelopes.filter((envelope) => !envelope.isSettled);
}

function rejectImpatient(envelopes: readonly Envelope[], error: unknown): void {
  for (const envelope of unsettled(envelopes)) {
    if (envelope.isPatient) continue;
    envelope.isSettled = true;
    envelope.reject(error);
  }
}

/** The random number in the stamp tells two turns of one supervisor apart. */
function isSameStamp(a: TransitionRecord, b: TransitionRecord): boolean {
  const randomOf = ({ event }: TransitionRecord) => ('random' in event ? event.random : null);
  return a.at === b.at && a.event.type === b.event.type && randomOf(a) === randomOf(b);
}

function isUnavailable(error: unknown): boolean {
  return error instanceof MusterError && error.kind === 'unavailable';
}

function unknownTask(id: string): MusterError {
  return new MusterError('unknown_task', `There is no task ${id}`);
}

function conflict(id: string): MusterError {
  return new MusterError(
    'conflict',
    `Task ${id} changes faster than this call can follow; try again`,
  );
}
