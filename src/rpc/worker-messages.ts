/**
 * Workers as messages: what agents say of them, and how the API shows them.
 *
 * Called by session-messages.ts and node-service.ts.
 */
import { create } from '@bufbuild/protobuf';
import type { WorkerChanged } from '../../proto/gen/muster/v1/agent_service_pb.ts';
import {
  KeepPolicy,
  type Worker,
  WorkerKind,
  WorkerOperation,
  WorkerSchema,
  WorkerState,
} from '../../proto/gen/muster/v1/worker_pb.ts';
import type {
  KeepPolicy as PolicyName,
  WorkerOperation as OperationName,
  WorkerRecord,
  WorkerReport,
  WorkerState as StateName,
} from '../supervisor/supervisor.ts';
import { hostMsOf, timestampOf } from './times.ts';

const STATES: Readonly<Record<StateName, WorkerState>> = {
  starting: WorkerState.STARTING,
  idle: WorkerState.IDLE,
  busy: WorkerState.BUSY,
  backing_off: WorkerState.BACKING_OFF,
  crashed: WorkerState.CRASHED,
  stopped: WorkerState.STOPPED,
};

const POLICIES: Readonly<Record<PolicyName, KeepPolicy>> = {
  always: KeepPolicy.ALWAYS,
  'on-failure': KeepPolicy.ON_FAILURE,
  never: KeepPolicy.NEVER,
};

export const OPERATIONS: Readonly<Record<OperationName, WorkerOperation>> = {
  start: WorkerOperation.START,
  stop: WorkerOperation.STOP,
  restart: WorkerOperation.RESTART,
};

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The database takes no larger number. */
const MAX_INTEGER = 2 ** 31 - 1;

/** Names the states that a filter asks for; unspecified ones are no condition. */
export function workerStatesOf(states: readonly WorkerState[]): StateName[] {
  const entries = Object.entries(STATES) as [StateName, WorkerState][];
  return entries.filter(([, state]) => states.includes(state)).map(([name]) => name);
}

/** @returns null for none */
export function operationOf(operation: WorkerOperation): OperationName | null {
  return nameOf(OPERATIONS, operation);
}

/** Reads what an agent says. What makes no sense is left out: it must not cost the session. */
export function workerReportOf(message: WorkerChanged): WorkerReport {
  const asked = nameOf(OPERATIONS, message.asked);
  const taskId = message.taskId.toLowerCase();
  return {
    // An older agent names slots by their number only.
    name: message.name || `slot-${message.slot}`,
    kind: message.kind === WorkerKind.KEPT ? 'kept' : 'slot',
    state: nameOf(STATES, message.state) ?? 'starting',
    since: hostMsOf(message.since),
    taskId: UUID.test(taskId) ? taskId : null,
    attempt: message.attempt,
    failures: message.failures,
    nextStartAt: hostMsOf(message.nextStartAt),
    pid: message.pid > 0 ? message.pid : null,
    why: message.why,
    command: message.command,
    keepPolicy: nameOf(POLICIES, message.keepPolicy),
    asked: asked === 'start' ? null : asked,
    operatedSeq: Math.min(Number(message.operationSeq), MAX_INTEGER - 1),
  };
}

export function workerOf(record: WorkerRecord): Worker {
  const { asked, pending, keepPolicy } = record;
  return create(WorkerSchema, {
    nodeId: record.nodeId,
    name: record.name,
    kind: record.kind === 'kept' ? WorkerKind.KEPT : WorkerKind.SLOT,
    state: STATES[record.state],
    since: timestampOf(record.since),
    taskId: record.taskId ?? '',
    attempt: record.attempt,
    failures: record.failures,
    nextStartAt: timestampOf(record.nextStartAt),
    pid: record.pid ?? 0,
    why: record.why,
    command: record.command,
    ...(keepPolicy === null ? {} : { keepPolicy: POLICIES[keepPolicy] }),
    ...(asked === null ? {} : { asked: OPERATIONS[asked] }),
    ...(pending === null ? {} : { pending: OPERATIONS[pending] }),
    connected: record.isConnected,
  });
}

function nameOf<Name extends string>(
  names: Readonly<Record<Name, number>>,
  value: number,
): Name | null {
  return (Object.keys(names) as Name[]).find((name) => names[name] === value) ?? null;
}
