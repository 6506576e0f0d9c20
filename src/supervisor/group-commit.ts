/**
 * Group commit: what arrives while a commit is under way goes into the next one.
 *
 * There is no artificial delay: an item that finds the line free is committed at once, alone; under load the batches grow by
 * themselves. One refused row fails alone: its batch is halved until it stands by itself and the others are stored. The
 * same class serves transitions, creations, output and late reports.
 */
import { MusterError } from '../../machines/errors.ts';

/** What the store says about a failed statement. */
export type FailureClass =
  | 'connection_lost'
  | 'interrupted'
  | 'refused_row'
  | 'retryable'
  | 'other';

export interface GroupCommitOptions<Item, Result> {
  /** What is committed, for messages: transitions, output. */
  readonly name: string;
  /** Items in one statement, at most. */
  readonly maxBatch: number;
  /** Statements under way at once. Default 1. */
  readonly maxInFlight?: number;
  /** Stores all items in one transaction and returns one result for each. */
  readonly commit: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly classify: (error: unknown) => FailureClass;
}

/** How often a batch that lost a deadlock or a serialization check is tried again. */
const MAX_RETRIES = 10;

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

export class GroupCommit<Item, Result> {
  readonly #options: GroupCommitOptions<Item, Result>;
  #waiting: Waiting<Item, Result>[] = [];
  #inFlight = 0;
  #isScheduled = false;
  #idle: (() => void)[] = [];

  constructor(options: GroupCommitOptions<Item, Result>) {
    this.#options = options;
  }

  /**
   * Resolves when the item is committed.
   *
   * @throws MusterError `unavailable` if the connection was lost: the item may or may not be stored; or if the database has ended the
   *   statement, again and again; `rejected_by_store` if it refuses this one item
   */
  submit(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#schedule();
    });
  }

  /** Resolves when nothing is waiting or under way. */
  drained(): Promise<void> {
    if (this.#inFlight === 0 && this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Lets everything that is ready in this turn of the event loop into the same batch. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const maxInFlight = this.#options.maxInFlight ?? 1;
    while (this.#inFlight < maxInFlight && this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#options.maxBatch);
      this.#inFlight += 1;
      void this.#commit(batch).finally(() => {
        this.#inFlight -= 1;
        this.#flush();
        if (this.#inFlight === 0 && this.#waiting.length === 0) {
          for (const resolve of this.#idle.splice(0)) resolve();
        }
      });
    }
  }

  async #commit(batch: Waiting<Item, Result>[], retries = 0): Promise<void> {
    let results: readonly Result[];
    try {
      results = await this.#options.commit(batch.map((waiting) => waiting.item));
    } catch (error) {
      return this.#recover(batch, error, retries);
    }
    batch.forEach((waiting, index) => waiting.resolve(results[index] as Result));
  }

  async #recover(batch: Waiting<Item, Result>[], error: unknown, retries: number): Promise<void> {
    const { name, classify } = this.#options;
    const failure = classify(error);
    if (failure === 'retryable' && retries < MAX_RETRIES) return this.#commit(batch, retries + 1);
    if (failure === 'connection_lost' || failure === 'interrupted') {
      const lost = unconfirmed(name, error);
      for (const waiting of batch) waiting.reject(lost);
      return;
    }
    const [only] = batch;
    if (batch.length > 1 || only === undefined) {
      // One of them is refused. Halving finds it in log2(n) steps and stores all the others.
      const middle = Math.ceil(batch.length / 2);
      await this.#commit(batch.slice(0, middle));
      await this.#commit(batch.slice(middle));
      return;
    }
    if (failure === 'refused_row') {
      const why = error instanceof Error ? error.message : String(error);
      only.reject(
        new MusterError('rejected_by_store', `The database refused this one of ${name}: ${why}`, {
          cause: error,
        }),
      );
      return;
    }
    only.reject(failure === 'retryable' ? unconfirmed(name, error) : error);
  }
}

function unconfirmed(name: string, cause: unknown): MusterError {
  const message = `The database did not say that it has stored it: ${name} may not be stored`;
  return new MusterError('unavailable', message, { cause });
}
