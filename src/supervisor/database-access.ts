/**
 * The way from the supervisor to its database: single statements, and lines of group commits.
 *
 * A lost connection is reported to `availability` here, once for all callers; while the database is known to be away nothing is
 * sent. Everything that leaves here as an error of the connection, or because the server has ended the statement, is a MusterError
 * `unavailable`.
 */
import type { Database } from '../../db/connect.ts';
import { classifyFailure } from '../../db/failures.ts';
import { MusterError } from '../../machines/errors.ts';
import type { Availability } from './availability.ts';
import { GroupCommit } from './group-commit.ts';

/** What another time may go well, without anybody changing the statement. */
const PASSING: ReadonlySet<string> = new Set(['connection_lost', 'interrupted', 'retryable']);
/** How often a statement of its own is sent that lost a deadlock. */
const MAX_TRIES = 5;

export interface LineOptions<Item, Result> {
  /** What is committed, for messages. */
  readonly name: string;
  readonly maxBatch: number;
  /** Default 1. */
  readonly maxInFlight?: number;
  readonly commit: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** A patient line sends the same batch again until it has an answer or the supervisor stops. Default false. */
  readonly isPatient?: boolean;
}

export class DatabaseAccess {
  readonly #sql: Database['sql'];
  readonly #availability: Availability;

  constructor(database: Database, availability: Availability) {
    this.#sql = database.sql;
    this.#availability = availability;
  }

  line<Item, Result>(options: LineOptions<Item, Result>): GroupCommit<Item, Result> {
    const { commit, isPatient = false, ...rest } = options;
    return new GroupCommit<Item, Result>({
      ...rest,
      classify: (error) => (isUnavailable(error) ? 'connection_lost' : classifyFailure(error)),
      commit: async (items) => {
        for (;;) {
          if (isPatient) await this.#availability.whenUp();
          else this.#availability.check();
          try {
            return await this.#watch(commit(items));
          } catch (error) {
            const failure = classifyFailure(error);
            const isWaitedFor = failure === 'connection_lost' || failure === 'interrupted';
            if (!isPatient || !isWaitedFor) throw error;
          }
        }
      },
    });
  }

  /**
   * Runs a statement of its own, again after a deadlock.
   *
   * @throws MusterError `unavailable` if the connection is lost or the statement is cancelled
   */
  async read<T>(query: (sql: Database['sql']) => Promise<T>): Promise<T> {
    this.#availability.check();
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#watch(query(this.#sql));
      } catch (error) {
        const failure = classifyFailure(error);
        if (failure === 'retryable' && tries < MAX_TRIES) continue;
        if (!PASSING.has(failure)) throw error;
        throw new MusterError(
          'unavailable',
          'The database does not answer at the moment; try again in a while',
          { cause: error },
        );
      }
    }
  }

  async #watch<T>(statement: Promise<T>): Promise<T> {
    try {
      return await statement;
    } catch (error) {
      if (classifyFailure(error) === 'connection_lost') this.#availability.reportLoss(error);
      throw error;
    }
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof MusterError && error.kind === 'unavailable';
}
