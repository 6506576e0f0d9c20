/**
 * The tables of the journal, and how a row becomes a record. Used by journal.ts only.
 *
 * The StartAttempt itself stands in a table of its own: it can be a megabyte, and SQLite writes a whole row at every update.
 */
import type { AttemptEnd, AttemptPhase, AttemptRecord } from './attempt-record.ts';

/** Raised with every change of the tables; an older journal is upgraded when it is opened. */
export const JOURNAL_VERSION = 1;

export const JOURNAL_SCHEMA = `
  begin immediate;
  create table if not exists meta (name text primary key, value text not null) strict, without rowid;
  create table if not exists attempts (
    task_id text not null,
    attempt integer not null,
    boot_id text not null,
    phase text not null default 'accepted' check (phase in ('accepted', 'spawning', 'executing', 'ended')),
    accepted_at integer not null,
    timeout_ms integer not null,
    stop_grace_ms integer not null,
    output_cap_bytes integer not null,
    lease_ms integer,
    pid integer,
    started_at integer,
    stop_cause text,
    stop_at integer,
    -- How it ended, as JSON.
    end text,
    -- What the supervisor has committed. Written late: it may be behind, never ahead.
    acked_stdout integer not null default 0,
    acked_stderr integer not null default 0,
    is_start_acked integer not null default 0,
    cut_stdout integer,
    cut_stderr integer,
    unique (task_id, attempt)
  ) strict;
  create table if not exists starts (
    task_id text not null,
    attempt integer not null,
    message blob not null,
    unique (task_id, attempt)
  ) strict;
  create table if not exists forgotten (
    task_id text not null,
    attempt integer not null,
    forgotten_at integer not null,
    primary key (task_id, attempt)
  ) strict, without rowid;
  -- For pruneForgotten.
  create index if not exists forgotten_by_time on forgotten (forgotten_at);
  pragma user_version = ${JOURNAL_VERSION};
  commit;`;

interface AttemptRow {
  task_id: string;
  attempt: number;
  boot_id: string;
  phase: AttemptPhase;
  accepted_at: number;
  timeout_ms: number;
  stop_grace_ms: number;
  output_cap_bytes: number;
  lease_ms: number | null;
  pid: number | null;
  started_at: number | null;
  stop_cause: string | null;
  stop_at: number | null;
  end: string | null;
  acked_stdout: number;
  acked_stderr: number;
  is_start_acked: number;
  cut_stdout: number | null;
  cut_stderr: number | null;
}

/** Returns the record of a row of `attempts`. */
export function toRecord(columns: Record<string, unknown>): AttemptRecord {
  const row = columns as unknown as AttemptRow;
  const { cut_stdout: cutStdout, cut_stderr: cutStderr } = row;
  return {
    taskId: row.task_id,
    attempt: row.attempt,
    bootId: row.boot_id,
    phase: row.phase,
    policy: {
      timeoutMs: row.timeout_ms,
      stopGraceMs: row.stop_grace_ms,
      outputCapBytes: row.output_cap_bytes,
      leaseMs: row.lease_ms,
    },
    acceptedAt: row.accepted_at,
    pid: row.pid,
    startedAt: row.started_at,
    stopCause: row.stop_cause,
    stopAt: row.stop_at,
    end: row.end === null ? null : (JSON.parse(row.end) as AttemptEnd),
    // A result dies with the agent; see recovery.ts.
    acked: { stdout: row.acked_stdout, stderr: row.acked_stderr, result: 0 },
    isStartAcked: row.is_start_acked === 1,
    cut: cutStdout === null || cutStderr === null ? null : { stdout: cutStdout, stderr: cutStderr },
  };
}
