/**
 * Attempts in the words of the protocol: what a record says about itself in Hello and in Events.
 *
 * Called by Reporter. A record in the same state always gives the same events, so it can be told again at any time.
 */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type Event,
  EventSchema,
  type HeldAttempt,
  HeldAttemptSchema,
  HeldPhase,
} from '../proto/gen/muster/v1/agent_service_pb.ts';
import { OutputStream } from '../proto/gen/muster/v1/task_pb.ts';
import type { AttemptEnd, AttemptKey, AttemptProgress, AttemptRecord } from './attempt-record.ts';
import type { StreamName } from './output.ts';

const STREAMS: Readonly<Record<StreamName, OutputStream>> = {
  stdout: OutputStream.STDOUT,
  stderr: OutputStream.STDERR,
  result: OutputStream.RESULT,
};

/** Returns what Hello says about a held attempt. */
export function toHeld(record: AttemptRecord): HeldAttempt {
  const { taskId, attempt } = record;
  return create(HeldAttemptSchema, { taskId, attempt, phase: phaseOf(record), ...times(record) });
}

export function toAccepted({ taskId, attempt }: AttemptKey): Event {
  return create(EventSchema, { event: { case: 'accepted', value: { taskId, attempt } } });
}

export function toStarted(record: AttemptRecord): Event {
  const { taskId, attempt, pid } = record;
  const value = { taskId, attempt, pid: pid ?? 0, ...times(record) };
  return create(EventSchema, { event: { case: 'started', value } });
}

/** @param at when it was read, ms since 1970 */
export function toOutput(
  { taskId, attempt }: AttemptKey,
  name: StreamName,
  offset: number,
  content: Uint8Array,
  at: number,
): Event {
  const value = {
    taskId,
    attempt,
    stream: STREAMS[name],
    offset: BigInt(offset),
    content: content as Uint8Array<ArrayBuffer>,
    at: timestampFromMs(at),
  };
  return create(EventSchema, { event: { case: 'output', value } });
}

export function toProgress({ taskId, attempt }: AttemptKey, progress: AttemptProgress): Event {
  const value = { taskId, attempt, ...progress };
  return create(EventSchema, { event: { case: 'progress', value } });
}

/** Returns Exited or Lost. */
export function toEnded(record: AttemptRecord, end: AttemptEnd): Event {
  if (end.kind === 'lost') return toLost(record, end.why);
  const { taskId, attempt } = record;
  const value = {
    taskId,
    attempt,
    ...(end.exitCode === null ? {} : { exitCode: end.exitCode }),
    signal: end.signal ?? '',
    stopCause: record.stopCause ?? '',
    spawnError: end.spawnError ?? '',
    ...times(record),
    exitedAt: timestampFromMs(end.exitedAt),
    stdoutBytes: BigInt(end.stdoutBytes),
    stderrBytes: BigInt(end.stderrBytes),
    droppedBytes: BigInt(end.droppedBytes),
    failure: end.failure ?? '',
  };
  return create(EventSchema, { event: { case: 'exited', value } });
}

/** Returns the Exited of an attempt that was not taken on. */
export function toRefused({ taskId, attempt }: AttemptKey, why: string, at: number): Event {
  const value = { taskId, attempt, spawnError: why, exitedAt: timestampFromMs(at) };
  return create(EventSchema, { event: { case: 'exited', value } });
}

/** For attempts that are not held, too. */
export function toLost({ taskId, attempt }: AttemptKey, why: string): Event {
  return create(EventSchema, { event: { case: 'lost', value: { taskId, attempt, why } } });
}

function phaseOf(record: AttemptRecord): HeldPhase {
  switch (record.phase) {
    case 'accepted':
    case 'spawning':
      return HeldPhase.ACCEPTED;
    case 'executing':
      return record.stopCause === null ? HeldPhase.EXECUTING : HeldPhase.STOPPING;
    case 'ended':
      return HeldPhase.ENDED;
  }
}

function times({ acceptedAt, startedAt }: AttemptRecord) {
  return {
    acceptedAt: timestampFromMs(acceptedAt),
    ...(startedAt === null ? {} : { startedAt: timestampFromMs(startedAt) }),
  };
}
