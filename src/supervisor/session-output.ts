/**
 * The output of one session on its way to the store: in order, each attempt by itself, and of this node's attempts only.
 *
 * What an agent tells of attempts that were never given to its node is dropped (I6): a host must not write into the output of
 * others. Attempts that the session has are known to be its node's; others are looked up once, for as long as the agent holds them.
 * Used by Session.
 */
import { listAttempts } from '../../db/attempts.ts';
import type { OutputResult } from '../../db/output.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Logger } from '../process/log.ts';
import type { Store } from './store.ts';
import type { OutputPiece } from './supervisor.ts';

const STREAMS = ['stdout', 'stderr', 'result'] as const;

export interface SessionOutputOptions {
  readonly nodeId: string;
  readonly epoch: number;
  readonly store: Pick<Store, 'addOutput' | 'load' | 'read'>;
  readonly log: Logger;
  /** Tells whether the session has this attempt. */
  readonly isActive: (taskId: string, attempt: number) => boolean;
  /** Output of this task has been stored. */
  readonly onOutput: (taskId: string) => void;
  /** The node has a newer session. */
  readonly onReplaced: (message: string) => void;
}

export class SessionOutput {
  readonly #options: SessionOutputOptions;
  /** The last output of a task on its way to the store. */
  readonly #storing = new Map<string, Promise<void>>();
  /** Attempts that were looked up, by task and attempt; whatever follows of one waits behind the same promise, in its order. */
  readonly #lookUps = new Map<string, Promise<boolean>>();

  /** Streams of which this session has brought something. */
  readonly #begun = new Set<string>();

  constructor(options: SessionOutputOptions) {
    this.#options = options;
  }

  /** Resolves when all output of a task that has come so far is stored; rejects when any of it could not be. */
  async stored(taskId: string): Promise<void> {
    await this.#storing.get(taskId);
  }

  /** The agent lets an attempt go. */
  forget(taskId: string, attempt: number): void {
    this.#lookUps.delete(`${taskId}/${attempt}`);
    for (const stream of STREAMS) this.#begun.delete(`${taskId}/${attempt}/${stream}`);
  }

  /** Resolves when a piece is stored. @throws MusterError `unavailable`, `protocol_error` for a gap */
  add(piece: OutputPiece): Promise<void> {
    const stored = this.#addOwn(piece);
    // The chain carries the failure as well: an exit behind lost output is not applied.
    const before = this.#storing.get(piece.taskId);
    const chain = before === undefined ? stored : Promise.all([before, stored]).then(() => {});
    this.#storing.set(piece.taskId, chain);
    const clear = () => {
      if (this.#storing.get(piece.taskId) === chain) this.#storing.delete(piece.taskId);
    };
    chain.then(clear, clear);
    return stored;
  }

  #addOwn(piece: OutputPiece): Promise<void> {
    const { nodeId, isActive, log } = this.#options;
    const { taskId, attempt } = piece;
    const key = `${taskId}/${attempt}`;
    let lookUp = this.#lookUps.get(key);
    if (lookUp === undefined && isActive(taskId, attempt)) return this.#addNow(piece);
    if (lookUp === undefined) {
      lookUp = this.#isOwn(taskId, attempt);
      this.#lookUps.set(key, lookUp);
    }
    return lookUp.then(async (isOwn) => {
      if (isOwn) return await this.#addNow(piece);
      this.#lookUps.delete(key);
      log.warn('output of another node is dropped', { nodeId, taskId, attempt });
      return undefined;
    });
  }

  async #addNow(piece: OutputPiece): Promise<void> {
    const { nodeId, epoch, store, onOutput } = this.#options;
    const key = `${piece.taskId}/${piece.attempt}/${piece.stream}`;
    // A session begins each stream where the agent was acknowledged to: it will never send what is before that.
    const mayLeaveGap = !this.#begun.has(key);
    this.#begun.add(key);
    this.#judge(await store.addOutput({ nodeId, epoch, piece, mayLeaveGap }), piece);
    onOutput(piece.taskId);
  }

  /** Of a task that is gone nothing is stored anyway. */
  async #isOwn(taskId: string, attempt: number): Promise<boolean> {
    const { nodeId, store } = this.#options;
    const record = await store.load(taskId);
    if (record === null) return true;
    const { context } = record.snapshot;
    if (context.current !== null && context.attempt === attempt) {
      return context.current.nodeId === nodeId;
    }
    const ended = await store.read((sql) => listAttempts(sql, taskId));
    return ended.some((one) => one.number === attempt && one.nodeId === nodeId);
  }

  #judge(outcome: OutputResult, piece: OutputPiece): void {
    const { nodeId, onReplaced, log } = this.#options;
    if (outcome === 'missing') {
      const { taskId, attempt, stream, offset } = piece;
      const where = { nodeId, taskId, attempt, stream, offset };
      log.warn(
        'output before this offset was stored and is there no more; it counts as missing',
        where,
      );
    }
    if (outcome === 'stale') {
      const message = replacedMessage(nodeId);
      // Told here, so that the older of two agents does not think of a stop and connect again.
      onReplaced(message);
      // Nor is an exit applied whose output is not stored.
      throw new MusterError('unavailable', message);
    }
    if (outcome === 'gap') {
      const where = `${piece.stream} of task ${piece.taskId}, attempt ${piece.attempt}`;
      throw new MusterError('protocol_error', `Output at ${piece.offset} leaves a gap in ${where}`);
    }
  }
}

/** Why the older of two sessions of a node ends. */
export function replacedMessage(nodeId: string): string {
  return `a newer session of node ${nodeId} has taken over; two agents must not have the same node id`;
}
