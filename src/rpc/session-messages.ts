/**
 * The messages of a session, to and from the words of the supervisor.
 *
 * Called by agent-service.ts and session-link.ts. What an agent sends has passed the constraints; what they cannot say is
 * checked here and breaks the session, not the process.
 */
import { create, type JsonValue, type MessageInitShape, toJson } from '@bufbuild/protobuf';
import { MusterError } from '../../machines/errors.ts';
import type { AttemptExited } from '../../machines/task-events.ts';
import {
  type AttemptExited as ExitedMessage,
  type Command,
  CommandSchema,
  type Event,
  GoodbyeReason,
  HeldPhase,
  type Hello,
} from '../../proto/gen/muster/v1/agent_service_pb.ts';
import type { HostMetrics as MetricsMessage } from '../../proto/gen/muster/v1/node_metrics_pb.ts';
import { NodeFactsSchema } from '../../proto/gen/muster/v1/node_pb.ts';
import type {
  AgentCommand,
  AgentEvent,
  AgentHello,
  GoodbyeReason as ReasonName,
  HostMetrics,
} from '../supervisor/supervisor.ts';
import { OutputStream } from '../../proto/gen/muster/v1/task_pb.ts';
import { streamNameOf } from './output-messages.ts';
import { specOf } from './task-messages.ts';
import { durationOf, hostMsOf } from './times.ts';
import { OPERATIONS, workerReportOf } from './worker-messages.ts';

/** The versions of the session protocol that this supervisor speaks, newest first. */
export const PROTOCOL_VERSIONS: readonly number[] = [1];

const PHASES: Readonly<Partial<Record<number, AgentHello['held'][number]['phase']>>> = {
  [HeldPhase.ACCEPTED]: 'accepted',
  [HeldPhase.EXECUTING]: 'executing',
  [HeldPhase.STOPPING]: 'stopping',
  [HeldPhase.ENDED]: 'ended',
};

export const GOODBYE_REASONS: Readonly<Record<ReasonName, GoodbyeReason>> = {
  shutdown: GoodbyeReason.SHUTDOWN,
  replaced: GoodbyeReason.REPLACED,
  protocol_error: GoodbyeReason.PROTOCOL_ERROR,
};

const STOP_CAUSES: Readonly<Record<string, AttemptExited['stopCause']>> = {
  '': null,
  cancel: 'cancel',
  timeout: 'timeout',
  lease: 'lease',
  stale: 'stale',
};

/** @throws MusterError `protocol_error` */
export function helloOf(message: Hello): AgentHello {
  return {
    nodeId: message.nodeId,
    bootId: message.bootId,
    facts: message.facts === undefined ? {} : toJson(NodeFactsSchema, message.facts),
    labels: message.labels,
    slots: message.slots,
    held: message.held.map(({ taskId, attempt, phase }) => {
      const name = PHASES[phase];
      if (name === undefined) throw brokenBy(`attempt ${attempt} of ${taskId} has no known phase`);
      return { taskId: taskId.toLowerCase(), attempt, phase: name };
    }),
    workers: message.workers.map(workerReportOf),
  };
}

/** More than any load average is. */
const MAX_LOAD = 1e6;

/** Reads a measurement. Null for none, and for one that makes no sense as a whole: a host that is wrong about one is not to be trusted. */
export function metricsOf(message: MetricsMessage | undefined): HostMetrics | null {
  if (message === undefined) return null;
  const { load1, load5, load15, cpuShare } = message;
  const memoryUsed = Number(message.memoryUsedBytes);
  const memoryTotal = Number(message.memoryTotalBytes);
  const diskUsed = Number(message.diskUsedBytes);
  const diskTotal = Number(message.diskTotalBytes);
  const isSane =
    [load1, load5, load15].every((load) => isWithin(load, MAX_LOAD)) &&
    isWithin(cpuShare, 1) &&
    isWithin(memoryTotal, Number.MAX_SAFE_INTEGER) &&
    isWithin(memoryUsed, memoryTotal) &&
    isWithin(diskTotal, Number.MAX_SAFE_INTEGER) &&
    isWithin(diskUsed, diskTotal);
  if (!isSane) return null;
  return { load1, load5, load15, cpuShare, memoryUsed, memoryTotal, diskUsed, diskTotal };
}

/** False for what is no number. */
function isWithin(value: number, max: number): boolean {
  return value >= 0 && value <= max;
}

/** @throws MusterError `protocol_error` */
export function eventOf({ event }: Event): AgentEvent {
  switch (event.case) {
    case 'accepted':
      return { kind: 'accepted', taskId: event.value.taskId, attempt: event.value.attempt };
    case 'started': {
      const { taskId, attempt } = event.value;
      const acceptedAt = hostMsOf(event.value.acceptedAt);
      const startedAt = hostMsOf(event.value.startedAt);
      const report = { type: 'attempt.started', attempt, acceptedAt, startedAt } as const;
      return { kind: 'report', taskId, report };
    }
    case 'output': {
      const { taskId, attempt, stream, offset, content, at } = event.value;
      if (stream === OutputStream.UNSPECIFIED) throw brokenBy('output of no stream');
      const piece = {
        taskId,
        attempt,
        stream: streamNameOf(stream),
        offset: Number(offset),
        content,
        at: hostMsOf(at) ?? 0,
      };
      return { kind: 'output', piece };
    }
    case 'exited':
      return exitedOf(event.value);
    case 'lost': {
      const { taskId, attempt, why } = event.value;
      return { kind: 'report', taskId, report: { type: 'attempt.lost', attempt, why } };
    }
    case 'worker':
      return { kind: 'worker', report: workerReportOf(event.value) };
    case 'progress': {
      const { taskId, attempt, fraction, message } = event.value;
      return { kind: 'progress', taskId, progress: { attempt, fraction, message } };
    }
    case undefined:
      throw brokenBy('an empty event');
  }
}

function exitedOf(message: ExitedMessage): AgentEvent {
  const stopCause = STOP_CAUSES[message.stopCause];
  if (stopCause === undefined) throw brokenBy(`the stop cause ${message.stopCause}`);
  const report = {
    type: 'attempt.exited',
    attempt: message.attempt,
    exitCode: message.exitCode ?? null,
    signal: message.signal || null,
    stopCause,
    spawnError: message.spawnError || null,
    acceptedAt: hostMsOf(message.acceptedAt),
    startedAt: hostMsOf(message.startedAt),
    exitedAt: hostMsOf(message.exitedAt),
    stdoutBytes: Number(message.stdoutBytes),
    stderrBytes: Number(message.stderrBytes),
    droppedBytes: Number(message.droppedBytes),
    ...(message.failure === '' ? {} : { failure: message.failure }),
  } as const;
  return { kind: 'report', taskId: message.taskId, report };
}

/** Writes a command, with its size in bytes, roughly. */
export function commandOf(command: AgentCommand): { message: Command; bytes: number } {
  if (command.kind === 'operate') {
    const { worker, operation, seq } = command;
    const value = { worker, operation: OPERATIONS[operation], seq: BigInt(seq) };
    return { message: create(CommandSchema, { command: { case: 'operate', value } }), bytes: 64 };
  }
  if (command.kind !== 'start') {
    const { kind, ...value } = command;
    const init = { command: { case: kind, value } } as MessageInitShape<typeof CommandSchema>;
    return { message: create(CommandSchema, init), bytes: 64 };
  }
  const { taskId, attempt, name, leaseMs, outputCapBytes } = command;
  const action = specOf(command.spec).action;
  const value = {
    taskId,
    attempt,
    name,
    timeout: durationOf(command.timeoutMs),
    stopGrace: durationOf(command.stopGraceMs),
    outputCapBytes: BigInt(outputCapBytes),
    ...(leaseMs === null ? {} : { lease: durationOf(leaseMs) }),
    action,
  };
  const message = create(CommandSchema, { command: { case: 'start', value } });
  return { message, bytes: 256 + textLength(action.value) };
}

/** The first message of a session that breaks the protocol in this way. */
export function brokenBy(what: string): MusterError {
  return new MusterError('protocol_error', `Cannot hold the session: the agent sent ${what}`);
}

/** Characters in all strings of a value; what a message weighs, within a factor of three. */
function textLength(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.entries(value as Record<string, JsonValue>).reduce(
    (sum, [key, inner]) => sum + key.length + textLength(inner),
    0,
  );
}
