/**
 * The journal: every attempt that this agent has accepted, in SQLite. Called by Attempts and Reporter only.
 *
 * What must be committed before it is done (accept, spawn, stop) is one transaction here. There are no events to be sent in it:
 * what the supervisor does not know yet follows from the rows. WAL with synchronous=NORMAL survives every death of the agent;
 * after a crash of the host the boot id is another one, and the supervisor counts as lost what is not held.
 */
import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type StartAttempt, StartAttemptSchema } from '../proto/gen/muster/v1/agent_service_pb.ts';
import { StartError } from '../src/process/start-error.ts';
import type {
  AttemptEnd,
  AttemptKey,
  AttemptPolicy,
  AttemptRecord,
  StreamBytes,
} from './attempt-record.ts';
import { JOURNAL_SCHEMA, JOURNAL_VERSION, toRecord } from './journal-rows.ts';

/** A forgotten attempt's number is refused for at least this long. */
export const TOMBSTONE_MS = 7 * 24 * 3_600_000;

/** A change that waits for a commit together with others. */
interface Step {
  readonly step: () => void;
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

export class Journal {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #steps: Step[] = [];
  /** Made with the journal: together with the kernel's boot id it names a boot. */
  readonly id: string;

  private constructor(database: DatabaseSync, id: string) {
    this.#database = database;
    this.id = id;
  }

  /**
   * Opens the journal at `path`, or makes it.
   *
   * @throws StartError if it is damaged or a newer program wrote it; nothing is changed then
   */
  static open(path: string): Journal {
    try {
      const database = new DatabaseSync(path);
      return Journal.#prepare(database, path);
    } catch (cause) {
      if (cause instanceof StartError) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new StartError(
        `Cannot use the journal ${path}: ${why}. Nothing was deleted; move the file away and start again, ` +
          'then every attempt it held counts as lost',
        { cause },
      );
    }
  }

  static #prepare(database: DatabaseSync, path: string): Journal {
    database.exec(
      'pragma journal_mode = wal; pragma synchronous = normal; pragma busy_timeout = 5000',
    );
    const { user_version: version } = database.prepare('pragma user_version').get() as {
      user_version: number;
    };
    if (version > JOURNAL_VERSION) {
      database.close();
      throw new StartError(
        `Cannot use the journal ${path}: it has version ${version}, and this program knows up to ` +
          `${JOURNAL_VERSION}; use the newer Muster that wrote it`,
      );
    }
    database.exec(JOURNAL_SCHEMA);
    const id = database.prepare(
      "insert into meta (name, value) values ('journal_id', ?) on conflict do update set value = value returning value",
    );
    const { value } = id.get(randomUUID()) as { value: string };
    return new Journal(database, value);
  }

  /** Runs `work` in one transaction: all of it is committed, or nothing. */
  inTransaction<T>(work: () => T): T {
    this.#run('begin immediate');
    try {
      const result = work();
      this.#run('commit');
      return result;
    } catch (cause) {
      this.#run('rollback');
      throw cause;
    }
  }

  /**
   * Commits `step` in a moment, in one transaction with the steps that others ask for until then, in their order. For calls of
   * handlers, which are so short that a transaction for each step would be most of their work.
   */
  async soon(step: () => void): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#steps.push({ step, resolve, reject });
      if (this.#steps.length === 1) setImmediate(() => this.#commitSteps());
    });
  }

  /** Returns every attempt that is not forgotten, oldest first. */
  readHeld(): AttemptRecord[] {
    return this.#prepareOnce('select * from attempts order by accepted_at, rowid')
      .all()
      .map(toRecord);
  }

  /** Tells whether this attempt was held and let go. */
  isForgotten(key: AttemptKey): boolean {
    const sql = 'select 1 from forgotten where task_id = ? and attempt = ?';
    return this.#prepareOnce(sql).get(key.taskId, key.attempt) !== undefined;
  }

  /** Commits that the agent has taken the attempt on. It must be neither held nor forgotten. */
  accept(start: StartAttempt, policy: AttemptPolicy, bootId: string, at: number): AttemptRecord {
    const { taskId, attempt } = start;
    this.#run(
      'insert into starts (task_id, attempt, message) values (?, ?, ?)',
      taskId,
      attempt,
      toBinary(StartAttemptSchema, start),
    );
    this.#run(
      `insert into attempts (task_id, attempt, boot_id, accepted_at, timeout_ms, stop_grace_ms, output_cap_bytes, lease_ms)
       values (?, ?, ?, ?, ?, ?, ?, ?)`,
      taskId,
      attempt,
      bootId,
      at,
      policy.timeoutMs,
      policy.stopGraceMs,
      policy.outputCapBytes,
      policy.leaseMs,
    );
    return {
      taskId,
      attempt,
      bootId,
      policy,
      acceptedAt: at,
      phase: 'accepted',
      pid: null,
      startedAt: null,
      stopCause: null,
      stopAt: null,
      end: null,
      acked: { stdout: 0, stderr: 0, result: 0 },
      isStartAcked: false,
      cut: null,
    };
  }

  /** Returns the command with which a held attempt was accepted. */
  readStart(key: AttemptKey): StartAttempt {
    const sql = 'select message from starts where task_id = ? and attempt = ?';
    const row = this.#prepareOnce(sql).get(key.taskId, key.attempt) as { message: Uint8Array };
    return fromBinary(StartAttemptSchema, row.message);
  }

  /** Commits the intent to start a process. From here on the attempt is never started again. */
  markSpawning(record: AttemptRecord): void {
    this.#update(record, "phase = 'spawning'");
    record.phase = 'spawning';
  }

  markExecuting(record: AttemptRecord, pid: number, startedAt: number): void {
    this.#update(record, "phase = 'executing', pid = ?, started_at = ?", pid, startedAt);
    Object.assign(record, { phase: 'executing', pid, startedAt });
  }

  /** Commits the intent to stop it, before the first signal. The first cause stays. */
  markStopping(record: AttemptRecord, cause: string, at: number): void {
    if (record.stopCause !== null) return;
    this.#update(record, 'stop_cause = ?, stop_at = ?', cause, at);
    Object.assign(record, { stopCause: cause, stopAt: at });
  }

  markEnded(record: AttemptRecord, end: AttemptEnd): void {
    this.#update(record, "phase = 'ended', end = ?", JSON.stringify(end));
    Object.assign(record, { phase: 'ended', end });
  }

  /** Commits where the cap cuts the two output streams off. Nothing behind the cut is ever sent. */
  markCut(record: AttemptRecord, cut: StreamBytes): void {
    this.#update(record, 'cut_stdout = ?, cut_stderr = ?', cut.stdout, cut.stderr);
    record.cut = cut;
  }

  /** Writes down what is acknowledged of these attempts, in one transaction. What is lost of it is sent again. */
  saveAcked(records: Iterable<AttemptRecord>): void {
    this.inTransaction(() => {
      for (const record of records) {
        const { acked, isStartAcked } = record;
        this.#update(
          record,
          'acked_stdout = ?, acked_stderr = ?, is_start_acked = ?',
          acked.stdout,
          acked.stderr,
          Number(isStartAcked),
        );
      }
    });
  }

  /** Lets an attempt go; its number stays refused. To be called within a transaction. */
  forget(key: AttemptKey, at: number): void {
    this.#run('delete from attempts where task_id = ? and attempt = ?', key.taskId, key.attempt);
    this.#run('delete from starts where task_id = ? and attempt = ?', key.taskId, key.attempt);
    this.#run(
      'insert or ignore into forgotten (task_id, attempt, forgotten_at) values (?, ?, ?)',
      key.taskId,
      key.attempt,
      at,
    );
  }

  /** Removes tombstones that are old enough, and returns how many. */
  pruneForgotten(now: number): number {
    return this.#run('delete from forgotten where forgotten_at < ?', now - TOMBSTONE_MS);
  }

  /** When a supervisor was last heard by an earlier process of this agent; null if never. */
  readHeardAt(): number | null {
    const row = this.#prepareOnce("select value from meta where name = 'heard_at'").get();
    return row === undefined ? null : Number(row.value);
  }

  saveHeardAt(at: number): void {
    this.#run(
      "insert into meta (name, value) values ('heard_at', ?) on conflict do update set value = excluded.value",
      String(at),
    );
  }

  /** What is to be committed soon is not: whoever asked for it waits for ever. */
  close(): void {
    this.#steps = [];
    this.#database.close();
  }

  #commitSteps(): void {
    const steps = this.#steps;
    this.#steps = [];
    if (steps.length === 0) return;
    try {
      this.inTransaction(() => {
        for (const one of steps) one.step();
      });
      for (const one of steps) one.resolve();
    } catch (cause) {
      for (const one of steps) one.reject(cause);
    }
  }

  #update(key: AttemptKey, assignments: string, ...values: SQLInputValue[]): void {
    const sql = `update attempts set ${assignments} where task_id = ? and attempt = ?`;
    this.#run(sql, ...values, key.taskId, key.attempt);
  }

  #run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepareOnce(sql).run(...values).changes);
  }

  #prepareOnce(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
