/**
 * Rolls fan-outs out: makes true what their states say, and tells them what became of their children.
 *
 *   look(id) ─► read the fan-out ─► release, stop children ─► count them ─► children.counted ─┬► a transition: once more
 *                                                                                             └► nothing new: done
 *
 * Called when a fan-out has moved, when a child has ended, and by every sweep. It keeps nothing that matters: everything follows
 * from rows, so any supervisor may do it, at the same time as another, or begin where a dead one stopped. News that come while a
 * fan-out is looked at lead to one more look, however many they are: N children cost far fewer than N counts.
 */
import {
  countChildren,
  listChildrenToStop,
  listReleasedChildren,
  listRunningFanOuts,
} from '../../db/children.ts';
import type { TaskRecord } from '../../db/records.ts';
import { isFinalPath } from '../../machines/decide.ts';
import { MusterError } from '../../machines/errors.ts';
import type { FanOutContext } from '../../machines/fan-out-context.ts';
import type { TaskEventBody } from '../../machines/task-events.ts';
import type { Logger } from '../process/log.ts';
import type { Host } from './host.ts';
import type { Store } from './store.ts';

/** Children that are told something at once. */
const BATCH = 500;
/** Fan-outs in one sweep; the next one goes on behind them. */
const SWEEP_LIMIT = 1_000;

export interface FanOutsOptions {
  readonly store: Store;
  readonly host: Host;
  readonly log: Logger;
}

export class FanOuts {
  readonly #options: FanOutsOptions;
  /** Under way; true when another look is due. */
  readonly #looking = new Map<string, boolean>();
  /** The last one of the sweep before; null when that came to the end. */
  #sweptUntil: string | null = null;
  #isStopped = false;

  constructor(options: FanOutsOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** A task has moved. If it was a child and is over, its fan-out may go on; one that is paused releases no more. */
  committed({ id, parentId, snapshot }: TaskRecord): void {
    if (parentId !== null && isFinalPath(snapshot.path)) this.look(parentId);
    if (snapshot.path === 'running.paused' && this.#looking.has(id)) this.look(id);
  }

  /** Looks after a fan-out soon. */
  look(id: string): void {
    if (this.#isStopped) return;
    if (this.#looking.has(id)) {
      this.#looking.set(id, true);
      return;
    }
    this.#looking.set(id, false);
    void this.#lookUntilQuiet(id);
  }

  /** Looks after fan-outs under way, all of them in turn: news of a child may be lost. Returns how many. */
  async sweep(): Promise<number> {
    const after = this.#sweptUntil;
    const ids = await this.#options.store.read((sql) =>
      listRunningFanOuts(sql, after, SWEEP_LIMIT),
    );
    this.#sweptUntil = ids.length < SWEEP_LIMIT ? null : (ids.at(-1) ?? null);
    for (const id of ids) this.look(id);
    return ids.length;
  }

  async #lookUntilQuiet(id: string): Promise<void> {
    try {
      do {
        this.#looking.set(id, false);
        await this.#lookOnce(id);
      } while (this.#looking.get(id) === true && !this.#isStopped);
    } catch (error) {
      // The next sweep tries again.
      const isExpected = error instanceof MusterError && error.kind !== 'internal';
      if (!isExpected) this.#options.log.error('a fan-out failed', { taskId: id, error });
    } finally {
      this.#looking.delete(id);
    }
  }

  async #lookOnce(id: string): Promise<void> {
    const { store, host } = this.#options;
    const record = await store.load(id);
    if (record === null || !record.snapshot.path.startsWith('running.')) return;
    const context = record.snapshot.context as FanOutContext;
    if (record.snapshot.path === 'running.rolling') await this.#release(context);
    if (record.snapshot.path === 'running.stopping') await this.#stopChildren(context);
    const { counts, releaseUntil } = await store.read((sql) =>
      countChildren(sql, id, context.cursor, context.fanOut.maxParallel),
    );
    const event = { type: 'children.counted', counts, releaseUntil } as const;
    // If that releases or stops children, its effect asks for the next look.
    await host.apply(id, event, false);
  }

  /** Children up to the cursor are released, also those that a former supervisor did not come to. */
  async #release({ id, cursor }: FanOutContext): Promise<void> {
    if (cursor === null) return;
    await this.#tellAll(id, (sql) => listReleasedChildren(sql, id, cursor, BATCH), {
      type: 'execute.requested',
      by: `fan-out ${id}`,
    });
  }

  async #stopChildren(context: FanOutContext): Promise<void> {
    const { id, stopCause } = context;
    const isAll = stopCause !== null;
    const cancel = {
      type: 'cancel.requested',
      by: `fan-out ${id}`,
      note: stopNote(context),
    } as const;
    // What is dispatched at this moment is no new child any more: the machine decides, not what was read here.
    const body = isAll ? cancel : ({ ...cancel, ifNotBegun: true } as const);
    await this.#tellAll(id, (sql) => listChildrenToStop(sql, id, isAll, BATCH), body);
  }

  /**
   * Tells children in batches until none is left, nothing changes any more, or there is news: the fan-out may have been stopped, and
   * the next look finds those that are left.
   */
  async #tellAll(
    id: string,
    list: (sql: Parameters<Parameters<Store['read']>[0]>[0]) => Promise<string[]>,
    body: TaskEventBody,
  ): Promise<void> {
    const { store, host } = this.#options;
    for (;;) {
      const ids = await store.read(list);
      if (ids.length === 0) return;
      const told = await Promise.allSettled(ids.map((id) => host.apply(id, body, false)));
      const hasMoved = told.some(
        (one) => one.status === 'fulfilled' && one.value.kind === 'transition',
      );
      const failure = told.find((one) => one.status === 'rejected' && !isOvertaken(one.reason));
      if (failure?.status === 'rejected') throw failure.reason;
      if (!hasMoved || ids.length < BATCH || this.#looking.get(id) === true) return;
    }
  }
}

function stopNote({ stopCause, total, counts }: FanOutContext): string {
  if (stopCause === 'cancel') return 'the fan-out was cancelled';
  if (stopCause === 'timeout') return 'the deadline of the fan-out is over';
  const failures = counts.failed + counts.timeout;
  return `never started: the fan-out stopped after ${failures} failures among ${total} nodes`;
}

/** Another supervisor or a user was faster. */
function isOvertaken(error: unknown): boolean {
  return (
    error instanceof MusterError &&
    (error.kind === 'illegal_transition' || error.kind === 'unknown_task')
  );
}
